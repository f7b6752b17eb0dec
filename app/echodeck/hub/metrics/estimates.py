"""How good the estimates were, as gauges over the latest completed jobs of each model; apart those that were the first
of their configuration.

As with jobs, a label is never a script's own word: only engines and models that an agent has announced are named.
"""

from __future__ import annotations

from ...model.calibration import FIRST, Record
from ...model.engine import EngineInfo
from ..room import Room
from .families import Families, Figure

FIGURES: tuple[Figure[Record], ...] = (
    Figure("estimate_judged_jobs", "Completed jobs that the figures of estimates are over.", lambda one: one.count),
    Figure("estimate_error_ratio", "Mean |estimate − truth| / truth of the time left, when this share of it was done.",
           lambda one: one.error),
    Figure("estimate_bias_ratio", "Mean (estimate − truth) / truth of the time left; above 0 it is told too long.",
           lambda one: one.bias),
    Figure("estimate_coverage_ratio", "Share of truths that the 80 % interval held.", lambda one: one.coverage),
    Figure("estimate_width_ratio", "The interval's width over what it would be uncalibrated.",
           lambda one: (one.factor_low + one.factor_high) / 2.0),
)


def tell_estimates(families: Families, room: Room) -> None:
    calibration = room.desk.outlooks.calibration
    engines: dict[str, EngineInfo] = room.board.all("engines")
    for engine, info in engines.items():
        for model in info.models:
            for first, kind in (("false", (engine, model.name)), ("true", (FIRST, engine, model.name))):
                for one in calibration.record(kind):
                    families.figures(one, FIGURES, {"engine": engine, "model": model.name, "done": f"{one.share:g}",
                                                    "first": first})
