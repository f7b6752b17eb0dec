"""Records how long the embedded engine really takes, stage by stage and step by step: `python tests/bench/_record.py`.

It writes `data/sketch.jsonl`, one job a line in the order they ran; see `data/README.md`.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "app"))

from echodeck.agent.control import JobControl  # noqa: E402
from echodeck.agent.runner import generate  # noqa: E402
from echodeck.client.teller import Hand  # noqa: E402
from echodeck.engines.sketch import Sketch  # noqa: E402
from echodeck.model.job import JobSpec  # noqa: E402
from echodeck.wire import say  # noqa: E402

DUSK, INK, DAWN = "dusk over misty mountains", "a smiling face, ink", "dawn over a lake"
KINDS = (
    JobSpec("sketch", "sketch-s", prompt=DUSK, width=128, height=128, steps=20, sampler="euler"),
    JobSpec("sketch", "sketch-s", prompt=INK, width=256, height=256, steps=8, sampler="euler"),
    JobSpec("sketch", "sketch-m", prompt=DAWN, width=64, height=64, steps=24, sampler="euler"),
    JobSpec("sketch", "sketch-s", prompt=DUSK, width=64, height=64, steps=12, sampler="euler", frames=8),
)
ROUNDS, IN_A_ROW = 4, 3
"""As people work: a few of a kind, then others, so that a model is sometimes to be loaded and sometimes still there."""


def recorded(engine: Sketch, spec: JobSpec, number: int) -> dict[str, Any]:
    """One job, really run: its spec, and of each stage the name, the duration and the durations of its steps."""
    said: list[say.Say] = []
    control = JobControl(Hand(f"job{number}", 1, "here/sketch/1", "here"), said.append,
                         epoch_s=time.time() - time.monotonic())
    generate(engine, spec, control)
    facts = [one for one in said if isinstance(one, say.JobReport)]
    assert facts[-1].fact == "completed", facts[-1]
    steps = [sample for one in said if isinstance(one, say.JobProgress) for sample in one.samples]
    names = [name for name, _ in next(one for one in facts if one.fact == "planned").stages]
    took = {one.index: one.duration_s for one in facts if one.fact == "stage_done"}
    stages = [{"name": name, "took_s": round(took[index], 5),
               "steps_s": [round(duration_s, 5) for stage, _, _, duration_s in steps if stage == index]}
              for index, name in enumerate(names)]
    kept = ("engine", "model", "width", "height", "steps", "frames", "batch")
    return {"spec": {name: asdict(spec)[name] for name in kept}, "stages": stages}


def main() -> None:
    specs = [spec for _ in range(ROUNDS) for spec in KINDS for _ in range(IN_A_ROW)]
    with tempfile.TemporaryDirectory() as outputs, (HERE / "data" / "sketch.jsonl").open("w", encoding="utf-8") as kept:
        engine = Sketch(Path(outputs))
        for number, spec in enumerate(specs):
            kept.write(json.dumps(recorded(engine, spec, number), separators=(",", ":")) + "\n")
            kept.flush()
            sys.stderr.write(f"{number + 1} of {len(specs)}\n")


if __name__ == "__main__":
    main()
