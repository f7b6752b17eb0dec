"""All that watches, put together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from echodeck.brain.watch.incidents import Incidents
from echodeck.brain.watch.table import BUILT_IN, RULES, watches_of
from echodeck.brain.watch.watcher import Scene, Watcher, ours
from echodeck.model.engine import EngineInfo
from echodeck.model.facts import CancelledNow, Completed, Failed, PausedNow, ResumedNow, StageDone, Stepped, WorkerLost
from echodeck.model.job import Job, JobError, JobState
from echodeck.model.record import Agent, StepSample
from echodeck.model.transitions import advance, allowed

AGENT = Agent("a", host="studio", kind="worker", engines=("comfyui",))


def test_nothing_is_found_where_nothing_is_wrong(host: Any, job: Any) -> None:
    watcher, one = Watcher(watches_of({})), job()
    watcher.followed(replace(one, state=JobState.PENDING, worker_id=""), one, 0.0)
    for at_s in range(0, 50, 2):
        watcher.sampled(host(float(at_s)), [one], float(at_s))
        scene = Scene([one], [], [AGENT], {"comfyui": EngineInfo("comfyui")}, [frozenset({"comfyui"})])
        assert watcher.findings(scene, float(at_s)) == {}


def test_an_engine_that_is_down_is_the_cause_of_its_queue(job: Any) -> None:
    watcher = Watcher(watches_of({}))
    waiting = [replace(job(), state=JobState.PENDING, worker_id="")]
    for at_s in range(0, 700, 5):
        info = EngineInfo("comfyui", reason="it does not answer" if at_s > 10 else "")
        scene = Scene([], waiting, [AGENT], {"comfyui": info}, [frozenset({"comfyui"})])
        found = watcher.findings(scene, float(at_s))
    assert [*found] == ["engine:comfyui"]


def test_all_of_it_can_be_off(host: Any, job: Any) -> None:
    watcher = Watcher(watches_of({name: {"off": True} for name in (*RULES, *BUILT_IN)}))
    one = job()
    watcher.followed(one, one, 1.0)
    watcher.stepped(one, 1, 2, 1.0, 1.0)
    watcher.sampled(host(1.0, temp_c=200.0, free_bytes=0.0), [one], 1.0)
    assert watcher.findings(Scene([one]), 1e6) == {}


def test_what_was_learnt_is_known_again_after_a_restart(job: Any) -> None:
    def runs(first: int, last: int, step_s: float) -> tuple[list[Job], list[StepSample]]:
        jobs = [replace(job(f"j{n}"), state=JobState.COMPLETED, finished_s=100.0 * n) for n in range(first, last)]
        return jobs, [StepSample(one.id, one.attempt, 1, step, 0.0, step_s) for one in jobs for step in range(1, 21)]

    usual, slow = runs(0, 10, 1.0), runs(10, 13, 1.5)
    watcher = Watcher(watches_of({}))
    watcher.recall(usual[0] + slow[0], [*reversed(usual[1]), *slow[1]])
    one = job()
    for step in range(2, 9):
        watcher.stepped(one, 1, step, 1.5, 10.0)
    found = [watcher.findings(Scene(), at_s) for at_s in (10.0, 80.0)]
    assert [*found[1]] == ["slow:studio/comfyui/sdxl//1024×1024/1/1/sample/20"]
    assert "nothing that is measured differs" in found[1].popitem()[1].message


def test_which_alerts_are_ours() -> None:
    assert all(map(ours, ("rule:hot:studio:0", "stall:one", "slow:x", "leak:x:0", "disk:x:/", "queue:x", "fails:x::")))
    assert not any(map(ours, ("silent:studio", "failed:one", "worker_lost:one", "store", "")))


FACTS = st.sampled_from(["step", "pause", "resume", "complete", "fail", "cancel", "lose", "sample", "hot", "stage"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(FACTS, st.floats(0.0, 400.0)), max_size=50))
def test_any_order_of_events_has_one_open_alert_a_cause_and_ends_well(events: list[tuple[str, float]]) -> None:
    from .conftest import a_host, a_job

    watcher, incidents, at_s, number, one = Watcher(watches_of({})), Incidents(), 0.0, 0, a_job("j0")
    watcher.followed(replace(one, state=JobState.PENDING, worker_id=""), one, 0.0)
    is_open = set[str]()
    for what, step_s in events:
        at_s += step_s
        stage = one.stage
        fact = {"step": Stepped(at_s, one.stage_index, (stage.step if stage else 0) + 1), "pause": PausedNow(at_s),
                "resume": ResumedNow(at_s), "complete": Completed(at_s), "cancel": CancelledNow(at_s),
                "fail": Failed(at_s, JobError("engine_error", "no")), "lose": WorkerLost(at_s, 0.0),
                "stage": StageDone(at_s, one.stage_index, 1.0)}.get(what)
        if fact is not None and allowed(one, type(fact)):
            before, one = one, advance(one, fact)
            watcher.followed(before, one, at_s)
            if what == "step":
                watcher.stepped(one, one.stage_index, fact.step, step_s, at_s)
        elif fact is None:
            watcher.sampled(a_host(at_s, temp_c=99.0 if what == "hot" else 50.0), [one] if one.in_hand else [], at_s)
        if not one.in_hand:
            number += 1
            before, one = one, a_job(f"j{number}", at_s)
            watcher.followed(replace(one, state=JobState.PENDING, worker_id=""), one, at_s)
        for telling in incidents.update(watcher.findings(Scene([one], [], [AGENT]), at_s), at_s):
            assert (telling.cause in is_open) is (telling.what != "raise")
            (is_open.discard if telling.what == "resolve" else is_open.add)(telling.cause)
    done = advance(one, Completed(at_s)) if allowed(one, Completed) else one
    watcher.followed(one, done, at_s)
    for late_s in (1e5, 2e5):
        for telling in incidents.update(watcher.findings(Scene(), at_s + late_s), at_s + late_s):
            is_open.discard(telling.cause)
    assert not is_open, "with nothing wrong any more all is resolved"
