"""Decisions that repeat themselves are one that grows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.order import Choice, Waiting
from echodeck.brain.runs import MOST_JOBS, Run, Runs


def choice(name: str, model: str = "a", why: str = "same_model", passed: int = 1) -> Choice:
    return Choice(Waiting(name, "sketch", model, 0, 0, 1.0, 1.0, 0.0), why, tuple(map(str, range(passed))))


def told(runs: Runs, one: Choice, lane: str = "studio", new_id: str = "") -> Run:
    return runs.given(lane, one, one.job.id, f"model {one.job.model}", new_id or one.job.id)


def test_jobs_of_one_model_for_one_reason_are_one_decision() -> None:
    runs = Runs()
    said = [told(runs, choice(f"j{n}", passed=2)) for n in range(1, 5)]
    assert {run.id for run in said} == {"j1"}
    assert [run.title for run in said] == [
        "j1 goes first", "j1 and j2 go first", "j1, j2 and j3 go first", "4 jobs of model a go first, the last j4"]
    assert [run.reason for run in said[:2]] == [
        "its model is loaded there already", "their model is loaded there already"]
    assert (said[-1].passed, [job_id for job_id, _ in said[-1].jobs]) == (8, ["j1", "j2", "j3", "j4"])


def test_another_model_reason_or_worker_begins_another() -> None:
    runs = Runs()
    ids = [told(runs, choice("j1")).id, told(runs, choice("j2", "b", "new_model")).id, told(runs, choice("j3", "b")).id,
           told(runs, choice("j4", "b"), lane="attic").id, told(runs, choice("j5", "b")).id]
    assert ids == ["j1", "j2", "j3", "j4", "j3"]


def test_what_stood_first_ends_a_run_of_another_model_alone() -> None:
    runs = Runs()
    told(runs, choice("j1"))
    runs.first("studio", "a")
    runs.first("attic", "b")
    assert told(runs, choice("j2")).id == "j1"
    runs.first("studio", "b")
    assert told(runs, choice("j3")).id == "j3"


@given(st.lists(st.tuples(st.sampled_from(["studio", "attic"]), st.sampled_from("ab"), st.booleans()), max_size=80))
def test_every_job_is_told_once_whatever_comes(line: list[tuple[str, str, bool]]) -> None:
    runs, latest, count = Runs(), dict[str, Run](), 0
    for n, (lane, model, first) in enumerate(line):
        if first:
            runs.first(lane, model)
        else:
            run = told(runs, choice(f"j{n}", model), lane)
            latest[run.id], count = run, count + 1
            assert (run.jobs[-1][0], run.model) == (f"j{n}", model)
            assert len(run.jobs) == min(run.count, MOST_JOBS)
    assert sum(run.count for run in latest.values()) == count
