"""Telling the hub of generations from any Python code: `track` and what it gives. Never slows, blocks or breaks it.

The calling thread only puts what happened into a queue in memory; `link` is the one thread a process that carries it
to a hub, if there is one, `story` what it makes of it. Names are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .job import Job
    from .over import track
    from .pipelines import diffusers, watch_pipeline

__all__ = ["Job", "diffusers", "track", "watch_pipeline"]

_WHERE = {"Job": "job", "track": "over", "diffusers": "pipelines", "watch_pipeline": "pipelines"}


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        from importlib import import_module

        return getattr(import_module(f".{_WHERE[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
