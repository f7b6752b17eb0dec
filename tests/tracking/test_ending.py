"""How a job has ended."""

from __future__ import annotations

import asyncio
from concurrent import futures

import pytest

from echodeck.errors import Cancelled
from echodeck.tracking.ending import ending_of
from echodeck.tracking.story import Ending


class OutOfMemoryError(RuntimeError):
    """As torch calls its own."""


class Unsayable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(("error", "fact"), [
    (None, "completed"), (SystemExit(), "completed"), (SystemExit(0), "completed"), (SystemExit(3), "failed"),
    (KeyboardInterrupt(), "cancelled"), (Cancelled(), "cancelled"), (asyncio.CancelledError(), "cancelled"),
    (futures.CancelledError(), "cancelled"), (GeneratorExit(), "left"), (ValueError("no"), "failed"),
])
def test_what_left_the_block_says_how_it_ended(error: BaseException | None, fact: str) -> None:
    assert ending_of(error).fact == fact


@pytest.mark.parametrize(("error", "kind", "message"), [
    (ValueError("no"), "ValueError", "ValueError: no"), (ValueError(), "ValueError", "ValueError"),
    (MemoryError(), "out_of_memory", "MemoryError"),
    (OutOfMemoryError("tried to allocate"), "out_of_memory", "OutOfMemoryError: tried to allocate"),
    (Unsayable(), "Unsayable", "Unsayable: <Unsayable>"),
    (OSError("file\udcff"), "OSError", "OSError: file?"),
])
def test_a_failure_says_what_it_was(error: Exception, kind: str, message: str) -> None:
    found = ending_of(error)
    assert (found.kind, found.message) == (kind, message)
    assert type(error).__name__ in found.detail


def test_a_failure_says_where_it_was() -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        found: Ending = ending_of(error)
    assert "test_ending.py" in found.detail
