"""Whatever people, agents, time and restarts do to the room, in any order: no job is lost, doubled or out of step."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from echodeck import wire
from echodeck.errors import InputError
from echodeck.hub.session import Session
from echodeck.model.board import Board
from echodeck.model.job import TERMINAL, Job, JobState
from echodeck.model.transitions import check

STAGES = [("load", 0), ("sample", 3), ("save", 0)]
picks = st.integers(0, 5)
whose = st.integers(0, 1)


@dataclass
class Hand:
    """What a worker believes it works on. `done` counts what it has reported of it."""

    job: dict[str, Any]
    done: int = 0
    paused: bool = False


class Agent:
    """One agent process with one worker; its hands outlive its connection."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.number = name, number
        self.worker = f"studio/sketch/{number}"
        self.session: Session | None = None
        self.hands: dict[str, Hand] = {}


def kept(job: Job) -> tuple[Any, ...]:
    """What must be the same in the store: everything but what moves with each step."""
    return (job.id, job.spec, job.state, job.request, job.priority, job.rank, job.user, job.attempt, job.worker_id,
            job.outputs, job.error, job.paused_by, job.cancelled_by, job.finished_s, len(job.stages))


class Machine(RuleBasedStateMachine):
    rig_type: Any
    met: ClassVar[Counter[str]] = Counter()
    """What came about in all runs together."""
    new_id: ClassVar[Callable[[], str]]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.rig = self.rig_type()
        self.names = itertools.count(1)
        # Jobs that began at the same moment are ordered by their ids, which must be the same when a run is repeated.
        self.ids = itertools.count(1)
        Machine.new_id = lambda: f"job{next(self.ids):04}"
        self.agents = [Agent("a", 0), Agent("b", 1)]
        self.alive: dict[str, None] = {}
        """Every accepted job not removed, in the order they came: ids are random, and runs must be repeatable."""
        self.said: list[tuple[str, str, Any, str, dict[str, Any]]] = []
        self.seen_seqs: list[int] = []
        self.steps = 0
        """Since the hub began: it is to live for a while."""
        self.viewer = Board()
        self.runner.run(self.rig.start())
        self.person = self.rig.session()
        for agent in self.agents:
            self.connect(agent)

    @initialize(count=st.integers(2, 3))
    def begin(self, count: int) -> None:
        """Each agent has a job in hand and others wait: from an empty room, random steps seldom get far."""
        self.submit(count + len(self.agents), 0)
        for who in range(len(self.agents)):
            self.claim(who)

    def teardown(self) -> None:
        self.runner.run(self.rig.stop())
        self.runner.close()

    # --- tools ---

    def ask(self, session: Session, type_: str, payload: Any = None) -> dict[str, Any]:
        id_ = f"r{next(self.names)}"
        result: dict[str, Any] = self.runner.run(self.rig.ask(session, type_, payload, id_))
        if self.runner.run(self.rig.store.reply(f"{session.client}:{id_}")) is not None:  # it had an effect
            self.said.append((session.client, type_, payload, id_, result))
        return result

    def attempt(self, type_: str, payload: Any = None) -> dict[str, Any] | None:
        """A person's request; None when it was refused, and then nothing has changed."""
        before = {job.id: kept(job) for job in self.rig.room.desk.queue.all()}
        try:
            return self.ask(self.person, type_, payload)
        except InputError:
            assert {job.id: kept(job) for job in self.rig.room.desk.queue.all()} == before
            return None

    def any_job(self, pick: int) -> str:
        found = list(self.alive)
        return found[pick % len(found)] if found else "nobody"

    def connect(self, agent: Agent) -> None:
        agent.session = self.rig.session("", endpoint="/api/coordination/ws")
        running = [{"jobId": id_, "attempt": hand.job["attempt"], "workerId": agent.worker}
                   for id_, hand in agent.hands.items()]
        engine = {"name": "sketch", "models": [{"name": "sketch-s"}]}
        answer = self.ask(agent.session, "register", {"agentId": agent.name, "host": "studio", "engines": [engine],
                                                      "running": running})
        assert len(answer["jobs"]) == len(running)
        for entry in answer["jobs"]:
            self.met[f"{entry['action']} {entry['request']}".strip()] += 1
            if entry["action"] == "abandon":
                del agent.hands[entry["jobId"]]
            else:
                job = self.rig.job(entry["jobId"])
                assert job.in_hand
                assert job.worker_id == agent.worker
                assert entry["request"] == (job.request or ("pause" if job.state is JobState.PAUSED else ""))

    def hands(self) -> bool:
        return any(agent.session is not None and agent.hands for agent in self.agents)

    def hand(self, agent: Agent, pick: int) -> tuple[str, Hand] | None:
        if agent.session is None or not agent.hands:
            return None
        id_ = list(agent.hands)[pick % len(agent.hands)]
        return id_, agent.hands[id_]

    def report(self, agent: Agent, id_: str, fact: str, **fields: Any) -> bool:
        """Whether the report counted."""
        hand, session = agent.hands[id_], agent.session
        assert session is not None
        before = {job.id: kept(job) for job in self.rig.room.desk.queue.all()}
        lost = id_ in self.alive and not self.rig.job(id_).in_hand
        answer = self.ask(session, "job_report", {
            "jobId": id_, "attempt": hand.job["attempt"], "workerId": agent.worker, "fact": fact,
            "atS": self.rig.now_s, **fields})
        self.met[f"{fact}{' stale' if answer.get('stale') else ' of a lost job' if lost else ''}"] += 1
        self.met["stale"] += bool(answer.get("stale"))
        if answer.get("stale"):
            assert {job.id: kept(job) for job in self.rig.room.desk.queue.all()} == before
            del agent.hands[id_]
            return False
        if fact in ("completed", "failed", "cancelled"):
            del agent.hands[id_]
        return True

    # --- people ---

    @rule(count=st.integers(1, 3), priority=st.sampled_from([0, 10, "urgent", "low"]))
    def submit(self, count: int, priority: Any) -> None:
        self.rig.now_s += 0.001
        ids = self.ask(self.person, "submit", {"prompt": "x", "count": count, "priority": priority})["jobIds"]
        assert len(set(ids)) == count
        assert not self.alive.keys() & set(ids)
        self.alive.update(dict.fromkeys(ids))

    @precondition(lambda self: self.alive)
    @rule(pick=picks, verb=st.sampled_from(["pause", "resume", "pause", "resume", "cancel", "retry", "set_priority"]),
          priority=st.integers(-2, 2))
    def steer(self, pick: int, verb: str, priority: int) -> None:
        about = {"jobId": self.any_job(pick)}
        state = self.rig.job(about["jobId"]).state.value
        done = self.attempt("generation_command", {**about, "command": verb}) if verb in ("pause", "resume", "cancel") \
            else self.attempt(verb, {**about, "priority": priority} if verb == "set_priority" else about)
        self.met[f"{verb} {state}{'' if done else ' refused'}"] += 1

    @precondition(lambda self: self.rig.order())
    @rule(pick=picks, to=picks, how=st.sampled_from(["up", "down", "top", "bottom", "place", "before", "after"]))
    def move(self, pick: int, to: int, how: str) -> None:
        where = {"place": to} if how == "place" else {how: self.any_job(to)} if how in ("before", "after") else \
            {"direction": how}
        id_ = self.any_job(pick)
        answer = self.attempt("move", {"jobId": id_, **where})
        order = self.rig.order()
        if answer is None:
            return
        shown = answer["queue"]["order"][-len(order):]
        assert sorted(shown) == sorted(order)
        if how in ("before", "after"):
            assert order.index(id_) - order.index(where[how]) == (-1 if how == "before" else 1)
        if how == "top":
            assert order[0] == shown[0] == id_

    @precondition(lambda self: self.alive)
    @rule(pick=picks, all_=st.booleans())
    def remove(self, pick: int, all_: bool) -> None:
        """One job, or all that have completed."""
        if all_:
            done = {id_ for id_ in self.alive if self.rig.job(id_).state is JobState.COMPLETED}
            assert self.ask(self.person, "clear_completed")["cleared"] == len(done)
            self.met["cleared"] += len(done)
            self.alive = {id_: None for id_ in self.alive if id_ not in done}
            return
        id_ = self.any_job(pick)
        state = self.rig.job(id_).state.value
        if self.attempt("remove", {"jobId": id_}) is not None:
            self.met[f"removed {state}"] += 1
            self.alive.pop(id_, None)

    @precondition(lambda self: self.said)
    @rule(which=st.integers(0, 30))
    def say_again(self, which: int) -> None:
        """Any request said again, by whoever said it, has the same answer and no effect."""
        client, type_, payload, id_, result = self.said[-1 - which % len(self.said)]
        before = {job.id: kept(job) for job in self.rig.room.desk.queue.all()}
        again = self.rig.session(client=client)
        answer = self.runner.run(self.rig.ask(again, type_, payload, id_))
        assert wire.encode("ack", answer, 0.0) == wire.encode("ack", result, 0.0)
        self.rig.room.left(again)
        assert {job.id: kept(job) for job in self.rig.room.desk.queue.all()} == before

    # --- agents ---

    @precondition(lambda self: self.rig.order())
    @rule(who=whose)
    def claim(self, who: int) -> None:
        agent = self.agents[who]
        if agent.session is None:
            return
        first = self.rig.room.desk.queue.next_for(["sketch"], agent.worker, self.rig.room.clock())
        job = self.ask(agent.session, "claim", {"workerId": agent.worker, "engines": ["sketch"]})["job"]
        # Which is first is the order's to say, and one that another will have done sooner is left to it.
        assert first or not job
        if job is not None:
            agent.hands[job["id"]] = Hand(job)

    @precondition(lambda self: self.hands())
    @rule(who=whose, pick=picks, steps=st.integers(1, 12))
    def work(self, who: int, pick: int, steps: int) -> None:
        """The next things a worker would say of its job, in their order."""
        agent = self.agents[who]
        found = self.hand(agent, pick)
        for _ in range(steps):
            if found is None or found[0] not in agent.hands or found[1].paused:
                return
            id_, hand = found
            facts: list[tuple[str, dict[str, Any]]] = [("planned", {"stages": STAGES})]
            for index, (_, count) in enumerate(STAGES):
                facts += [("stage_started", {"index": index})]
                facts += [("step", {"index": index, "step": step + 1}) for step in range(count)]
                facts += [("stage_done", {"index": index, "durationS": 1.0})]
            facts += [("completed", {"outputs": [{"path": f"{id_}.png"}]})]
            fact, fields = facts[hand.done]
            hand.done += 1
            self.rig.now_s += 0.1
            if fact == "step":
                self.step(agent, id_, **fields)
            else:
                self.report(agent, id_, fact, **fields)

    def step(self, agent: Agent, id_: str, index: int, step: int) -> None:
        hand, session = agent.hands[id_], agent.session
        assert session is not None
        answer = self.runner.run(self.rig.ask(session, "job_progress", {
            "jobId": id_, "attempt": hand.job["attempt"], "workerId": agent.worker, "index": index, "step": step,
            "atS": self.rig.now_s, "samples": [[index, step, self.rig.now_s, 0.1]]}, f"r{next(self.names)}"))
        if answer.get("stale"):
            del agent.hands[id_]

    @precondition(lambda self: self.hands())
    @rule(who=whose, pick=picks, retryable=st.booleans(), kind=st.sampled_from(["engine_error", "out_of_memory"]))
    def fail(self, who: int, pick: int, retryable: bool, kind: str) -> None:
        found = self.hand(self.agents[who], pick)
        if found is not None:
            self.report(self.agents[who], found[0], "failed",
                        error={"kind": kind, "message": "no", "retryable": retryable})

    def wishes(self) -> list[tuple[Agent, str, str]]:
        """What workers that can be heard are asked to do."""
        return [(agent, id_, self.rig.job(id_).request) for agent in self.agents if agent.session is not None
                for id_ in agent.hands if id_ in self.alive and self.rig.job(id_).request]

    @precondition(lambda self: self.wishes())
    @rule(pick=picks)
    def heed(self, pick: int) -> None:
        """A worker does what it was asked for."""
        wishes = self.wishes()
        agent, id_, wish = wishes[pick % len(wishes)]
        hand = agent.hands[id_]
        match wish:
            case "pause":
                hand.paused = self.report(agent, id_, "paused")
            case "resume":
                hand.paused = not self.report(agent, id_, "resumed")
            case "cancel":
                self.report(agent, id_, "cancelled")

    @rule(who=whose, what=st.sampled_from(["heartbeat", "heartbeat", "vanish", "come back", "come back", "die"]))
    def live(self, who: int, what: str) -> None:
        agent = self.agents[who]
        if what in ("vanish", "die") and agent.session is not None:
            self.rig.room.left(agent.session)
            agent.session = None
        if what == "die":  # another process in its place; nobody works on what the old one had in hand
            agent = self.agents[who] = Agent(f"agent{next(self.names)}", who)
        if what in ("come back", "die"):
            self.connect(agent)
        elif what == "heartbeat" and agent.session is not None:
            self.heartbeat(agent, agent.session)

    def heartbeat(self, agent: Agent, session: Session) -> None:
        answer = self.runner.run(self.rig.ask(session, "heartbeat", {"jobs": sorted(agent.hands)}))
        for id_ in answer["abandon"]:
            self.met["abandoned on a heartbeat"] += 1
            del agent.hands[id_]
        for entry in answer["jobs"]:
            assert self.rig.job(entry["jobId"]).request == entry["request"]

    # --- time and the hub ---

    @rule(after_s=st.sampled_from([0.5, 2.0, 4.0, 11.0]))
    def wait(self, after_s: float) -> None:
        before = {job.id for job in self.rig.room.desk.queue.in_hand()}
        self.runner.run(self.rig.tick(after_s))
        for id_ in before - {job.id for job in self.rig.room.desk.queue.in_hand()}:
            self.met[f"lost, now {self.rig.job(id_).state.value}"] += 1

    @precondition(lambda self: self.steps > 12)
    @rule(crash=st.booleans(), back=st.booleans())
    def restart(self, crash: bool, back: bool) -> None:
        self.steps = 0
        before = {job.id: kept(job) for job in self.rig.room.desk.queue.all()}
        order = self.rig.order()
        self.met["crash" if crash else "restart"] += 1
        self.runner.run(self.fall() if crash else self.rig.stop())
        self.look()
        self.runner.run(self.rig.start())
        assert {job.id: kept(job) for job in self.rig.room.desk.queue.all()} == before
        assert self.rig.order() == order
        self.person = self.rig.session(client=self.person.client)
        for agent in self.agents:
            agent.session = None
        self.viewer = Board()
        state = wire.plain(self.rig.room.initial_state())
        wire.apply(self.viewer, wire.Message("initial_state", state))
        self.seen_seqs = [state["seq"]]
        self.rig.told.clear()
        for agent in self.agents if back else ():
            self.connect(agent)

    async def fall(self) -> None:
        """The process dies: no task of it runs on."""
        own = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in own:
            task.cancel()
        await asyncio.gather(*own, return_exceptions=True)
        await self.rig.store.close()

    # --- what always holds ---

    def look(self) -> None:
        """The viewer catches up with what was told."""
        for shown in self.rig.told:
            for message in wire.decode(wire.encode(shown.type, shown.payload, shown.at_s, shown.seq)):
                wire.apply(self.viewer, message)
        self.seen_seqs += [shown.seq for shown in self.rig.told if shown.seq is not None]
        self.rig.told.clear()

    @invariant()
    def every_job_is_there_once(self) -> None:
        self.steps += 1
        self.runner.run(self.rig.settle())
        jobs = self.rig.room.desk.queue.all()
        for job in jobs:
            check(job)
            assert len({one.attempt for one in job.tries}) == len(job.tries) < 3
            assert not (job.in_hand and job.spent(job.attempt)), "an attempt that failed is not gone on with"
        assert Counter(job.id for job in jobs) == Counter(list(self.alive))
        stored = [job for job in self.runner.run(self.rig.store.jobs()) if not job.removed]
        assert {job.id: kept(job) for job in stored} == {job.id: kept(job) for job in jobs}

    @invariant()
    def in_hand_of_one_worker_under_one_lease(self) -> None:
        in_hand = {job.id: job for job in self.rig.room.desk.queue.in_hand()}
        leases = [job_id for job_id, _ in self.rig.room.desk.workers.expired(math.inf)]
        assert sorted(leases) == sorted(in_hand)
        counting = Counter(id_ for agent in self.agents for id_, hand in agent.hands.items()
                           if id_ in in_hand and in_hand[id_].attempt == hand.job["attempt"]
                           and in_hand[id_].worker_id == agent.worker)
        assert all(count == 1 for count in counting.values())

    @invariant()
    def the_order_is_total(self) -> None:
        waiting = self.rig.room.desk.queue.waiting()
        assert all(one.rank < two.rank for one, two in pairwise(waiting))

    @invariant()
    def everybody_sees_the_same(self) -> None:
        self.look()
        jobs = {job.id: job for job in self.rig.room.desk.queue.all()}
        waiting = self.rig.order()
        for board in (self.rig.room.board, self.viewer):
            queue = wire.plain(board.get("queue"))
            # In which order they will be given out is the brain's to say; that all see the same is ours.
            shown = queue["order"][len(queue["order"]) - len(waiting):]
            assert sorted(shown) == sorted(waiting)
            place = {id_: number for number, id_ in enumerate(shown)}
            views = {id_: wire.plain(view) for id_, view in board.all("jobs").items()}
            assert views.keys() == jobs.keys()
            for id_, job in jobs.items():
                seen = views[id_]
                assert (seen["status"], seen["request"], seen["attempt"], seen["workerId"], seen["priority"]) == \
                    (job.state, job.request, job.attempt, job.worker_id, job.priority)
                assert seen["position"] == place.get(id_)
                assert seen["progress"] <= job.progress
            assert set(queue["order"]) == {id_ for id_, job in jobs.items() if job.state not in TERMINAL}
            assert [item["id"] for item in queue["items"]] == queue["order"]
            assert {item["id"]: item["status"] for item in queue["items"]} == {
                id_: jobs[id_].state for id_ in queue["order"]}
            assert {name: number for name, number in queue["stats"].items() if number} == Counter(
                job.state.value for job in jobs.values())

    @invariant()
    def events_have_each_its_number(self) -> None:
        self.runner.run(self.rig.settle())
        self.look()
        first, last = (self.seen_seqs or [1])[0], self.runner.run(self.rig.store.last_seq())
        assert self.seen_seqs == list(range(first, last + 1))


OFTEN = frozenset({
    "planned", "stage_done", "completed", "failed", "continue", "restart", "crash", "lost, now pending",
    "pause running", "resume running", "cancel running", "retry running refused", "removed pending",
})
"""What comes about dozens of times; if it does not, the steps were too tame to prove anything."""


@pytest.fixture(autouse=True)
def ids_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echodeck.hub.intake.new_id", lambda: Machine.new_id())


@pytest.mark.timeout(170)
def test_nothing_is_lost_doubled_or_out_of_step(rig_type: Any) -> None:
    Machine.rig_type, Machine.met = rig_type, Counter()
    run_state_machine_as_test(Machine, settings=settings(
        max_examples=80, stateful_step_count=60, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck)))
    tame = {what for what in OFTEN if Machine.met[what] < 3}
    assert not tame, Machine.met


INVARIANTS = ("every_job_is_there_once", "in_hand_of_one_worker_under_one_lease", "the_order_is_total",
              "everybody_sees_the_same", "events_have_each_its_number")
DONE = 12
"""More steps of work than a job has."""
RARE: list[tuple[str, dict[str, Any]]] = [
    # Paused, heeded, resumed, heeded, done.
    ("steer", {"pick": 0, "verb": "pause", "priority": 0}), ("heed", {"pick": 0}),
    ("steer", {"pick": 0, "verb": "resume", "priority": 0}), ("heed", {"pick": 0}),
    ("work", {"who": 0, "pick": 0, "steps": DONE}), ("remove", {"pick": 0, "all_": True}),
    # Asked to pause, lost before it could, held; its worker comes back, is told, and what it says late counts.
    ("work", {"who": 1, "pick": 0, "steps": 4}), ("steer", {"pick": 0, "verb": "pause", "priority": 0}),
    ("live", {"who": 1, "what": "vanish"}), ("wait", {"after_s": 11.0}), ("restart", {"crash": True, "back": False}),
    ("live", {"who": 1, "what": "come back"}), ("work", {"who": 1, "pick": 0, "steps": 2}),
    ("restart", {"crash": False, "back": True}), ("steer", {"pick": 0, "verb": "resume", "priority": 0}),
    ("heed", {"pick": 0}), ("work", {"who": 1, "pick": 0, "steps": DONE}),
    # Lost, given to the other, and the first one's words are void.
    ("claim", {"who": 0}), ("work", {"who": 0, "pick": 0, "steps": 3}), ("wait", {"after_s": 11.0}),
    ("claim", {"who": 1}), ("work", {"who": 0, "pick": 0, "steps": 1}),
    # Cancelled while its worker is away, tried again, lost three times.
    ("live", {"who": 1, "what": "vanish"}), ("steer", {"pick": 1, "verb": "cancel", "priority": 0}),
    ("wait", {"after_s": 11.0}), ("live", {"who": 1, "what": "come back"}),
    ("steer", {"pick": 1, "verb": "retry", "priority": 0}),
    *[("claim", {"who": 0}), ("live", {"who": 0, "what": "die"}), ("wait", {"after_s": 11.0})] * 3,
    ("restart", {"crash": True, "back": True}),
]


def test_what_is_rare_step_by_step(rig_type: Any) -> None:
    """Ways that random steps seldom find, through the same machine."""
    Machine.rig_type, Machine.met = rig_type, Counter()
    machine = Machine()
    try:
        # The steps name jobs by their places, so they are to be given out in that order.
        machine.ask(machine.person, "brain_switch", {"part": "order", "on": False})
        machine.begin(2)
        for name, given in RARE:
            getattr(machine, name)(**given)
            for invariant_ in INVARIANTS:
                getattr(machine, invariant_)()
    finally:
        machine.teardown()
    expected = {"paused", "resumed", "completed", "cleared", "lost, now paused", "continue pause", "stale",
                "lost, now pending", "lost, now cancelled", "abandon", "retry cancelled", "lost, now failed"}
    assert not {what for what in expected if not machine.met[what]}, machine.met
