"""Machines, workers and engines that are not there."""

from __future__ import annotations

from typing import Any

from echodeck.brain.watch.absence import FORGET_S, Absences
from echodeck.brain.watch.rule import rule_of
from echodeck.model.engine import EngineInfo
from echodeck.model.record import Agent

RULES = [rule_of("host_silent", "absent(host) for 30 s"), rule_of("worker_silent", "absent(worker) for 30 s"),
         rule_of("engine_down", "absent(engine) for 30 s"), rule_of("gpu_lost", "absent(gpu) for 30 s")]
HERE = Agent("a", host="studio", kind="worker", engines=("sketch",))
UP, DOWN = EngineInfo("sketch"), EngineInfo("sketch", reason="the server does not answer")


def causes(absences: Absences, agents: list[Agent], begin_s: int, end_s: int, *, engine: EngineInfo = UP) -> list[str]:
    """What is found at the end of a time in which it is asked each second."""
    found: list[str] = []
    for at_s in range(begin_s, end_s):
        found = [one.cause for one in absences.findings(agents, {"sketch": engine}, float(at_s))]
    return found


def test_a_machine_that_is_not_measured_while_its_agent_is_there(host: Any) -> None:
    absences = Absences(RULES)
    absences.sampled(host(0.0), 0.0)
    assert causes(absences, [HERE], 0, 45) == []
    assert causes(absences, [HERE], 45, 60) == ["silent:studio"]
    absences.sampled(host(60.0), 60.0)
    assert causes(absences, [HERE], 60, 62) == []


def test_a_machine_whose_agent_is_gone_as_well_is_told_of_by_others(host: Any) -> None:
    absences = Absences(RULES)
    absences.sampled(host(0.0), 0.0)
    assert causes(absences, [], 0, 600) == []


def test_a_hub_that_slept_accuses_nobody(host: Any) -> None:
    absences = Absences(RULES)
    absences.sampled(host(0.0), 0.0)
    assert causes(absences, [HERE], 0, 2) == []
    assert causes(absences, [HERE], 7200, 7202) == []


def test_a_worker_that_is_gone_while_its_machine_is_there() -> None:
    absences, other = Absences(RULES), Agent("m", host="studio", kind="metrics")
    assert causes(absences, [HERE, other], 0, 5) == []
    assert causes(absences, [other], 5, 30) == []
    assert causes(absences, [other], 30, 40) == ["worker:studio:sketch"]
    assert causes(absences, [other, Agent("b", host="studio", kind="worker", engines=("sketch",))], 40, 42) == []
    causes(absences, [other], 42, 90)
    assert causes(absences, [other], 90 + int(FORGET_S), 91 + int(FORGET_S)) == [], "it was taken away"


def test_an_engine_is_down_when_it_was_up_and_its_agent_is_there() -> None:
    absences = Absences(RULES)
    assert causes(absences, [HERE], 0, 90, engine=DOWN) == [], "it may just not have come yet"
    causes(absences, [HERE], 90, 92)
    assert causes(absences, [HERE], 92, 130, engine=DOWN) == ["engine:sketch"]
    assert causes(absences, [HERE], 130, 132) == []


def seen(absences: Absences, begin_s: int, end_s: int, host: Any, **gpu: Any) -> list[str]:
    """What is found at the end of a time in which the machine's only GPU is measured so each second."""
    found: list[str] = []
    for at_s in range(begin_s, end_s):
        absences.sampled(host(float(at_s), **gpu), float(at_s))
        found = [f"{one.cause} {one.message}" for one in absences.findings([HERE], {"sketch": UP}, float(at_s))]
    return found


def test_a_gpu_that_is_lost(host: Any) -> None:
    absences, lost = Absences(RULES), {"lost_s": 5.0, "reason": "no driver"}
    assert seen(absences, 0, 60, host) == []
    assert seen(absences, 60, 89, host, **lost) == []
    said = "gpu:studio:0 card was there and gives no figures now: no driver"
    assert seen(absences, 89, 92, host, **lost) == [said]
    assert "gpu:studio:0" in causes(absences, [HERE], 92, 150), "of a machine that is silent nothing new is known"
    assert seen(absences, 150, 151, host, **lost) == [said]
    assert seen(absences, 151, 153, host) == []


def test_a_gpu_that_never_worked_or_sleeps_is_not_lost(host: Any) -> None:
    absences = Absences(RULES)
    assert seen(absences, 0, 60, host, reason="no permission") == []
    assert seen(absences, 60, 120, host, reason="asleep", asleep=True) == []
