"""The embedded engine's own pictures: too few steps are seen, enough are good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from echodeck.agent.measuring import answer
from echodeck.brain.verdict.figures import Measures
from echodeck.brain.verdict.judge import Asked, judge
from echodeck.brain.verdict.norms import norms
from echodeck.engines.sketch import Sketch
from echodeck.model.job import JobSpec, Output
from echodeck.model.verdict import Verdict

SIDE = 96


class Quiet:
    """A Control that only notes the outputs."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []

    def output(self, output: Output) -> None:
        self.outputs.append(output)

    def __getattr__(self, name: str) -> Any:
        return lambda *given: None


def verdict(directory: Path, steps: int, prompt: str, seed: int) -> Verdict:
    spec = JobSpec("sketch", "sketch-s", prompt=prompt, width=SIDE, height=SIDE, steps=steps, seed=seed,
                   sampler="euler_ancestral")
    control: Any = Quiet()
    Sketch(directory).run(f"{prompt}-{steps}-{seed}", spec, control)
    measures = Measures(**answer({"path": control.outputs[0].path})["measures"])
    return judge(0, measures, Asked(SIDE, SIDE, steps), norms(spec.model, []))


@pytest.mark.slow
@pytest.mark.parametrize(("prompt", "seed"), [("dusk hills", 3)])
def test_two_steps_are_noisy_and_thirty_are_not(tmp_path: Path, prompt: str, seed: int) -> None:
    few = verdict(tmp_path, 2, prompt, seed)
    assert [reason.defect for reason in few.reasons] == ["noise"]
    assert few.reasons[0].sentence == "noise left over: 2 steps"
    assert few.score < 60
    enough = verdict(tmp_path, 30, prompt, seed)
    assert (enough.reasons, enough.score > 90) == ((), True)
