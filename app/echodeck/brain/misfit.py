"""Whether a ladder that was set up fits an engine: names cannot be checked before agents have told theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..model.engine import EngineInfo
from .ladder import Ladder

MOST_NAMES = 12


def misfit(ladder: Ladder, engines: Mapping[str, EngineInfo]) -> str:
    """What is wrong with it beside these engines, and the mend; "" when nothing is, or when its engine is away."""
    where = f"[ladders.{ladder.name}]"
    info = engines.get(ladder.engine)
    if info is None:
        return f"no agent has the engine {ladder.engine!r}; there {_are(list(engines))}: change engine in {where}"
    if info.reason:
        return ""
    models = [model.name for model in info.models]
    missing = [rung.model for rung in ladder.rungs if rung.model not in models]
    if missing:
        return f"{info.name} has no model {missing[0]!r}; there {_are(models)}: change rungs in {where}"
    bounds = {param.name: param for param in info.params}
    for rung in ladder.rungs:
        for name, value in rung.changes.items():
            bound = bounds.get(name)
            if bound is not None and not (bound.minimum <= value <= bound.maximum and value % bound.multiple == 0):
                step = f" in steps of {bound.multiple}" if bound.multiple > 1 else ""
                return (f"{info.name} takes {name} from {bound.minimum} to {bound.maximum}{step}, not {value}: change "
                        f"{rung.name!r} in {where}")
    return ""


def _are(names: Sequence[str]) -> str:
    if not names:
        return "are none"
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{'is' if len(names) == 1 else 'are'} {', '.join(names[:MOST_NAMES])}{more}"
