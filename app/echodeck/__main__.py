"""`python -m echodeck` is the `echodeck` command."""

from __future__ import annotations

from .cli import main

if __name__ == "__main__":
    main()
