"""echodeck: the live control room for people who generate pictures and video with AI on their own machines.

Names for scripts and notebooks are loaded when first used, so that `import echodeck` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .client import connect
    from .tracking import Job, diffusers, track, watch_pipeline
    from .view.history import History
    from .view.studio import Studio
    from .webhook import verify_webhook

__all__ = ["History", "Job", "Studio", "__version__", "connect", "diffusers", "track", "verify_webhook",
           "watch_pipeline"]

_WHERE = {"connect": "client", "Studio": "view.studio", "History": "view.history", "track": "tracking.over",
          "Job": "tracking.job", "diffusers": "tracking.pipelines", "watch_pipeline": "tracking.pipelines",
          "verify_webhook": "webhook"}


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        from importlib import import_module

        return getattr(import_module(f".{_WHERE[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})
