"""How a job of a script has ended, by what left its block."""

from __future__ import annotations

import sys
import traceback

from ..errors import Cancelled
from .facts import text
from .story import LEFT, Ending

CANCELLED = (Cancelled, KeyboardInterrupt)
OUT_OF_MEMORY = frozenset({"MemoryError", "OutOfMemoryError"})
"""Python's own, and torch's of every device."""


def ending_of(error: BaseException | None) -> Ending:
    """What an exception that left the block says. A generator that is closed was left by a break, and what was done is
    done; or by an exception in the loop's body, of which it is told nothing: see `Told`."""
    if isinstance(error, GeneratorExit):
        return Ending(LEFT)
    if error is None or (isinstance(error, SystemExit) and not error.code):
        return Ending("completed")
    kind = type(error).__name__
    if isinstance(error, CANCELLED) or kind == "CancelledError":  # asyncio's and concurrent.futures', not imported here
        return Ending("cancelled")
    said = text(error)
    return Ending("failed", "out_of_memory" if kind in OUT_OF_MEMORY else kind, f"{kind}: {said}" if said else kind,
                  text("".join(traceback.format_exception(error))))


def uncaught() -> BaseException | None:
    """What was last reported by the interpreter itself, or under the cell of a notebook."""
    return getattr(sys, "last_value", None)
