"""Benchmarks: `run.py NAME [--seed N] [--seconds S]` prints one JSON object as its last line.

`{"name", "ours": {…}, "peer": {…}, "ratio": {…}, "notes"}`: ours and the peer's (or the floor's) figures, measured side
by side in the same run. Each benchmark is a module beside this one with `bench(seed, seconds) -> dict`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent


def names() -> list[str]:
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem != "run" and not path.stem.startswith("_"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", choices=names())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--list", action="store_true", help="the names of all benchmarks")
    options = parser.parse_args()
    if options.list or options.name is None:
        print("\n".join(names()))
        return 0
    spec = importlib.util.spec_from_file_location(f"bench_{options.name}", HERE / f"{options.name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    print(json.dumps(module.bench(options.seed, options.seconds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
