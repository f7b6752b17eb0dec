"""The process that measures pictures and films: a JSON object a line in, one a line out, until its input ends.

It is a process of its own so that pixels, and the libraries that count them, are in nobody's memory when nothing is to
be measured, and so that a file that brings it down brings down nothing else.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..brain.verdict.film import film
from ..brain.verdict.measure import measure
from ..brain.verdict.sign import signature
from .films import film_of
from .pictures import Picture, Skipped, Unreadable, content_of, picture_of

NICE = 10
FILMS = "video/"


def answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Of {"path", "link", "kind"}: {"measures", "film", "hash", "tiny", "contrast"}, {"unreadable": why},
    {"skipped": why}."""
    try:
        picture = _read(str(asked.get("path", "")), str(asked.get("link", "")), str(asked.get("kind", "")))
    except Unreadable as error:
        return {"unreadable": str(error)}
    except Skipped as error:
        return {"skipped": str(error)}
    sign = signature(picture.pixels)
    moving = None if picture.film is None else {**asdict(film(picture.film)), "frames": picture.frames}
    return {"measures": asdict(measure(picture.pixels)), "film": moving, "hash": sign.hash,
            "tiny": base64.b64encode(sign.tiny).decode("ascii"), "contrast": sign.contrast}


def _read(path: str, link: str, kind: str) -> Picture:
    if not kind.startswith(FILMS):
        return picture_of(content_of(path, link))
    if not link:
        return film_of(Path(path))
    with TemporaryDirectory(prefix="echodeck-") as directory:
        copy = Path(directory) / "film"
        copy.write_bytes(content_of(path, link))
        return film_of(copy)


def main() -> None:
    """Answers until the other side has gone."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
