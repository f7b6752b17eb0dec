"""The recordings of a real ComfyUI: see recordings/README.md."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from echodeck.engines.comfyui.frames import Frame, parse_binary, parse_text

RECORDINGS = Path(__file__).parent / "recordings"


def lines(name: str) -> Iterator[dict[str, Any]]:
    with (RECORDINGS / f"{name}.jsonl").open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


@pytest.fixture
def recorded() -> Callable[[str], list[dict[str, Any]]]:
    """The lines of a recording by its name without suffix."""
    return lambda name: list(lines(name))


@pytest.fixture
def frames_of(recorded: Callable[[str], list[dict[str, Any]]]) -> Callable[[str], list[Frame]]:
    """The frames of a websocket recording, parsed; the end of the connection is left out."""
    return lambda name: [frame for line in recorded(name) if (frame := parsed(line)) is not None]


def parsed(line: dict[str, Any]) -> Frame | None:
    if line["kind"] == "binary":
        return parse_binary(base64.b64decode(line["b64"]))
    return parse_text(json.dumps(line["data"])) if line["kind"] == "text" else None
