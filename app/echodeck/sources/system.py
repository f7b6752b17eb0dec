"""Questions to the operating system through psutil, which may have no answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import psutil

log = logging.getLogger(__name__)

ABSENT = (psutil.Error, OSError, AttributeError, RuntimeError, ValueError, LookupError)
"""What psutil raises where a system does not tell, does not let us, or tells in a way that it cannot read."""


def ask(function: Callable[..., Any], *arguments: Any) -> Any:
    """The function's answer, None where this system has none."""
    try:
        return function(*arguments)
    except ABSENT as error:
        log.debug("this system does not tell: %s: %s", function, error)
        return None
