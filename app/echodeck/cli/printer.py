"""What the supervisor writes to the terminal. A terminal that is gone must not keep it from ending its children."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .plain import plain

COLOURS = {"hub": "36", "agent": "35", "dash": "34", "up": "32"}


@dataclass
class Printer:
    """Lines with the name of who said them. With `as_json` only the addresses go to stdout, lines to stderr."""

    as_json: bool = False
    _gone: bool = False

    def line(self, name: str, text: str) -> None:
        stream = sys.stderr if self.as_json else sys.stdout
        label = f"{name:<5}"
        if stream.isatty() and "NO_COLOR" not in os.environ:
            label = f"\x1b[{COLOURS.get(name, '37')}m{label}\x1b[0m"
        self._write(f"{label} │ {plain(text)}\n", error=self.as_json)

    def child(self, name: str) -> Callable[[str], None]:
        return lambda text: self.line(name, text)

    def addresses(self, *, page: str, hub: str, data: Path, elsewhere: Sequence[str] = ()) -> None:
        """`elsewhere`: the page as other machines reach it."""
        if self.as_json:
            self._write(json.dumps({"dashboard": page, "elsewhere": list(elsewhere), "hub": hub, "data": str(data)})
                        + "\n")
            return
        others = "".join(f"           {address}\n" for address in elsewhere)
        self._write(
            f"\n  echodeck is up\n\n    Open   {page}\n{others}    Hub    {hub}   (its interface: {hub}/docs)\n"
            f"    Data   {data}\n    Stop   Ctrl-C\n\n")

    def _write(self, text: str, *, error: bool = False) -> None:
        if self._gone:
            return
        stream = sys.stderr if error else sys.stdout
        try:
            stream.write(text)
            stream.flush()
        except UnicodeEncodeError:
            stream.write(text.encode("ascii", "replace").decode())
        except (OSError, ValueError):
            self._gone = True  # nobody can be told; the children's logs go on
