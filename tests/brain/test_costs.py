"""What loading costs, what is loaded where, and how fast each machine is."""

from __future__ import annotations

import pytest

from echodeck.brain.costs import UNKNOWN_LOAD_S, Costs, heavy, load_s
from echodeck.model.job import Job, JobSpec, JobState, Stage, StageState


def done(model: str, loaded_s: float, worker: str = "desk/sim/1", start_s: float = 0.0, took_s: float = 10.0) -> Job:
    stages = (Stage("load model", StageState.COMPLETED, duration_s=loaded_s),
              Stage("Load Image", StageState.COMPLETED, duration_s=99.0),
              Stage("sample", StageState.COMPLETED, steps=4, step=4, duration_s=took_s - loaded_s))
    return Job(f"{model}{start_s}", JobSpec("sim", model), state=JobState.COMPLETED, worker_id=worker,
               host=worker.split("/")[0], started_s=start_s, finished_s=start_s + took_s, stages=stages, progress=100.0)


def test_a_load_is_a_stage_that_loads_a_model() -> None:
    assert load_s(done("m", 3.0)) == 3.0
    assert heavy(done("m", 3.0)) == "sim/m"


def test_what_was_loaded_anew_is_told_from_what_lay_there() -> None:
    costs = Costs([done("m", 8.0, start_s=1.0), done("m", 0.5, start_s=2.0), done("n", 4.0, start_s=3.0),
                   done("m", 10.0, start_s=4.0)])
    assert costs.loaded("desk/sim/1") == "sim/m"
    assert costs.load_s("sim/m") == pytest.approx(9.0 - 0.5)
    assert (costs.warm_s("sim/m"), costs.warm_s("sim/n")) == (0.5, 0.0)
    assert costs.load_s("sim/n") == 4.0
    assert costs.load_s("sim/new") == pytest.approx(6.5), "as others of its engine"
    assert costs.load_s("else/new") == UNKNOWN_LOAD_S


def test_a_free_order_empties_the_memory_of_that_engine() -> None:
    costs = Costs([done("m", 8.0)])
    costs.freed("other")
    assert costs.loaded("desk/sim/1") == "sim/m"
    costs.freed("sim")
    assert costs.loaded("desk/sim/1") == ""


def test_a_slow_machine_shows_after_some_jobs() -> None:
    costs = Costs()
    assert costs.pace("desk", "sim") == 1.0
    for n in range(8):
        costs.ended(done("m", 1.0, start_s=float(n), took_s=20.0), 10.0)
    assert 1.6 < costs.pace("desk", "sim") < 2.0
    assert costs.pace("desk", "else") == 1.0
