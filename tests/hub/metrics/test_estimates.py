"""What the page tells of estimates."""

from __future__ import annotations

from typing import Any

import pytest

from echodeck.hub.fanout import Fanout
from echodeck.hub.keeper import Keeper
from echodeck.hub.metrics import Metrics
from echodeck.hub.session import Shown
from echodeck.model.calibration import FIRST, score
from echodeck.model.span import Total
from echodeck.store.series.memory import MemorySeries

TOLD = Total(10.0, 8.0, 12.0)


@pytest.fixture
def metrics(rig: Any) -> Metrics:
    return Metrics(rig.room, Fanout(lambda: Shown("initial_state", {}, 0.0)), Keeper(MemorySeries()))


async def test_estimates_are_told_by_engine_model_and_share(rig: Any, metrics: Metrics, value: Any, read: Any) -> None:
    await rig.agent()
    calibration = rig.room.desk.outlooks.calibration
    for truth_s in (10.0, 20.0):
        calibration.learn(("sketch", "sketch-s", "64×64"), [score(0.5, truth_s, TOLD, TOLD)])
        calibration.learn((FIRST, "sketch", "sketch-s"), [score(0.5, truth_s / 4.0, TOLD, TOLD)])
        calibration.learn(("script", "anything", ""), [score(0.5, truth_s, TOLD, TOLD)])
    labels = {"engine": "sketch", "model": "sketch-s", "done": "0.5", "first": "false"}
    assert value(metrics, "estimate_judged_jobs", **labels) == 2.0
    assert value(metrics, "estimate_error_ratio", **labels) == 0.25
    assert value(metrics, "estimate_bias_ratio", **labels) == -0.25
    assert value(metrics, "estimate_coverage_ratio", **labels) == 0.5
    assert value(metrics, "estimate_width_ratio", **labels) > 1.0
    assert value(metrics, "estimate_error_ratio", **{**labels, "first": "true"}) == 2.0
    named = {text for _, labels in read(metrics) for name, text in labels if name in ("engine", "model")}
    assert not named & {"script", "anything"}, "what scripts call theirs is no label"
