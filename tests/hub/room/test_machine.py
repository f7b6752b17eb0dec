"""Anything in any order: people, agents that die and come back, a hub that is restarted. What must hold always holds,
and whoever loses the connection anywhere ends with the same board as who never did."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
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
from echodeck.brain.order import BOUND
from echodeck.errors import InputError
from echodeck.hub import resume
from echodeck.hub.session import Shown
from echodeck.model.board import Board
from echodeck.model.job import TERMINAL
from echodeck.model.transitions import check

COMPARED = ("jobs", "agents", "alerts", "logs", "queue", "hosts", "engines", "previews", "presence")
"""Not metrics and status, which initial_state tells in another shape, and not messages, which it leaves out."""
NUMBER = st.integers(0, 5)


def frames(shown: Shown) -> list[wire.Message]:
    return wire.decode(wire.encode(shown.type, shown.payload, shown.at_s, shown.seq))


def read(board: Board, told: list[Shown]) -> Board:
    for one in told:
        for message in frames(one):
            wire.apply(board, message)
    return board


def contents(board: Board) -> dict[str, Any]:
    found = {kind: board.all(kind) for kind in COMPARED}
    # Nobody is told that a preview goes; it is shown with its job or not at all.
    found["previews"] = {key: one for key, one in found["previews"].items() if key in found["jobs"]}
    return found


def differing(found: dict[str, Any], wanted: dict[str, Any]) -> dict[Any, Any]:
    """What is not the same, and nothing else: a failure should be readable."""
    return {(kind, key): (found[kind].get(key), wanted[kind].get(key)) for kind in COMPARED
            for key in {*found[kind], *wanted[kind]} if found[kind].get(key) != wanted[kind].get(key)}


class Rooms(RuleBasedStateMachine):
    """Two agents and one person; `mine` is what each agent believes to have in hand."""

    make: Any
    new_id: ClassVar[Callable[[], str]]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.place = self.make()
        self.accepted: dict[str, None] = {}
        """In the order they came."""
        numbers = itertools.count(1)  # of equals the ids decide, and a run must be repeatable
        Rooms.new_id = lambda: f"job{next(numbers):04}"
        self.mine: dict[str, dict[str, Any]] = {}
        self.here = {"agent-1": True, "agent-2": True}
        self.requests = 0

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(self._done(work))

    async def _done(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await work
        except InputError:
            return None
        finally:
            await self.place.settle()

    @initialize()
    def open(self) -> None:
        self.runner.run(self._open())

    async def _open(self) -> None:
        await self.place.room.start()
        self.ada = self.place.person("ada")
        self.hands = {name: await self.place.hand(name) for name in self.here}
        # Something is in hand and something waits from the start: most of what can go wrong needs that.
        self.accepted |= dict.fromkeys(await self.ada.submit(4))
        for name, hand in self.hands.items():
            self.mine[name] = await hand.claim()
        await self.hands["agent-1"].begin(self.mine["agent-1"])
        self.begin_stream()

    def begin_stream(self) -> None:
        state = self.place.room.initial_state()
        self.first = Shown("initial_state", wire.plain(state), self.place.clock.now_s)
        self.place.stream.clear()

    # --- people -------------------------------------------------------------------------------------------------------

    def known(self, number: int) -> str:
        jobs = list(self.accepted)
        return jobs[number % len(jobs)] if jobs else "nobody"

    @rule(count=st.integers(1, 3), priority=st.sampled_from(["low", "normal", "high"]), twice=st.booleans())
    def submit(self, count: int, priority: str, twice: bool) -> None:
        self.requests += 1
        for _ in range(1 + twice):
            result = self.do(self.ada.say("submit", id_=f"r{self.requests}", prompt="hills", count=count,
                                          priority=priority))
            assert len(result["jobIds"]) == count
            self.accepted |= dict.fromkeys(result["jobIds"])
        assert len(self.accepted) == len(self.place.room.desk.queue.all())

    @rule(number=NUMBER, command=st.sampled_from(["pause", "resume", "cancel"]))
    def command(self, number: int, command: str) -> None:
        self.do(self.ada.command(self.known(number), command))

    @rule(number=NUMBER, direction=st.sampled_from(["up", "down", "top", "bottom"]))
    def move(self, number: int, direction: str) -> None:
        self.do(self.ada.say("move", jobId=self.known(number), direction=direction))

    @rule(number=NUMBER, other=NUMBER)
    def move_before(self, number: int, other: int) -> None:
        self.do(self.ada.say("move", jobId=self.known(number), before=self.known(other)))

    @rule(number=NUMBER, priority=st.integers(-20, 20))
    def prioritise(self, number: int, priority: int) -> None:
        self.do(self.ada.say("set_priority", jobId=self.known(number), priority=priority))

    @rule(number=NUMBER)
    def retry(self, number: int) -> None:
        self.do(self.ada.say("retry", jobId=self.known(number)))

    @precondition(lambda self: len(self.accepted) > 5)
    @rule(number=NUMBER)
    def remove(self, number: int) -> None:
        job_id = self.known(number)
        if self.do(self.ada.say("remove", jobId=job_id)) is not None:
            del self.accepted[job_id]

    # --- agents -------------------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(["agent-1", "agent-2"]))
    def claim(self, name: str) -> None:
        if self.here[name] and name not in self.mine:
            job = self.do(self.hands[name].claim())
            if job is not None:
                others = {(other["id"], other["attempt"]) for other in self.mine.values()}
                assert (job["id"], job["attempt"]) not in others, "an attempt is one worker's"
                assert max(self.place.room.staff.order.overtaken.values(), default=0) <= BOUND
                self.mine[name] = job

    @rule(name=st.sampled_from(["agent-1", "agent-2"]), step=st.integers(1, 4),
          what=st.sampled_from(["begin", "step", "step", "paused", "resumed", "preview"]))
    def work(self, name: str, what: str, step: int) -> None:
        if not self.here[name] or name not in self.mine:
            return
        hand, job = self.hands[name], self.mine[name]
        if what == "begin":
            self.do(hand.begin(job))
        elif what == "step":
            self.do(hand.step(job, step))
        elif what == "preview":
            self.do(hand.say("job_preview", jobId=job["id"], attempt=job["attempt"], step=step,
                             image="data:image/png;base64,AAAA"))
        else:
            self.do(hand.report(job, what))

    @rule(name=st.sampled_from(["agent-1", "agent-2"]), how=st.sampled_from(["completed", "failed", "cancelled"]))
    def end(self, name: str, how: str) -> None:
        if self.here[name] and name in self.mine:
            job = self.mine.pop(name)
            error = {"error": {"kind": "crash", "message": "it broke"}} if how == "failed" else {}
            self.do(self.hands[name].report(job, how, **error))

    @rule(name=st.sampled_from(["agent-1", "agent-2"]))
    def beat(self, name: str) -> None:
        if self.here[name]:
            jobs = [self.mine[name]["id"]] if name in self.mine else []
            answer = self.do(self.hands[name].say("heartbeat", jobs=jobs))
            if answer["abandon"]:
                del self.mine[name]

    @rule(name=st.sampled_from(["agent-1", "agent-2"]))
    def leave_or_return(self, name: str) -> None:
        if self.here[name]:
            self.hands[name].leave()
        else:
            self.register(name)
        self.here[name] = not self.here[name]

    def register(self, name: str) -> None:
        held = [self.hands[name].named(self.mine[name])] if name in self.mine else []
        for answer in self.do(self.hands[name].register(held))["jobs"]:
            if answer["action"] == "abandon":
                del self.mine[name]

    @rule(name=st.sampled_from(["agent-1", "agent-2"]))
    def forget(self, name: str) -> None:
        """The agent's process is killed; another one starts."""
        self.mine.pop(name, None)

    # --- time, and the hub's own death --------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.5, 3.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.do(self.place.wait_s(seconds))

    @precondition(lambda self: self.accepted)
    @rule()
    def restart(self) -> None:
        def state() -> dict[str, tuple[Any, ...]]:
            return {job.id: (job.state, job.request, job.attempt, job.worker_id, job.priority, job.error)
                    for job in self.place.room.desk.queue.all()}

        def order() -> list[str]:
            # As it was asked for: what the brain makes of it depends on who is there to take it.
            return [job.id for job in self.place.room.desk.queue.waiting()]

        before, asked = state(), order()
        self.runner.run(self.place.restart())
        assert state() == before
        assert order() == asked
        for name, here in self.here.items():
            if here:
                self.register(name)
        self.begin_stream()

    # --- what holds ---------------------------------------------------------------------------------------------------

    @invariant()
    def every_job_is_in_one_state_and_one_place(self) -> None:
        if not hasattr(self, "hands"):
            return
        desk = self.place.room.desk
        jobs = desk.queue.all()
        assert {job.id for job in jobs} == set(self.accepted)
        for job in jobs:
            check(job)
        ranks = [(job.rank, job.created_s, job.id) for job in desk.queue.waiting()]
        assert ranks == sorted(set(ranks))
        assert sorted(self.place.order()) == sorted(job.id for job in jobs if job.state not in TERMINAL)
        leased = {job_id for agent in ("", *self.here) for job_id in desk.workers.jobs_of(agent)}
        assert leased == {job.id for job in jobs if job.in_hand}

    @invariant()
    def what_is_kept_is_what_is_known(self) -> None:
        if not hasattr(self, "hands"):
            return
        stored = self.runner.run(self.place.stored())
        known = {job.id: job for job in self.place.room.desk.queue.all()}
        for job_id, job in known.items():
            kept = stored[job_id]
            assert (kept.state, kept.request, kept.attempt, kept.rank, kept.priority) == (
                job.state, job.request, job.attempt, job.rank, job.priority)
        assert {job_id for job_id, job in stored.items() if job.state not in TERMINAL} <= set(known)

    @invariant()
    def a_reader_may_be_cut_off_anywhere(self) -> None:
        if not hasattr(self, "hands"):
            return
        stream = list(self.place.stream)
        whole = contents(read(Board(), [self.first, *stream]))
        for cut in sorted({0, len(stream) // 3, len(stream) // 2, max(0, len(stream) - 2), len(stream)}):
            board = read(Board(), [self.first, *stream[:cut]])
            missed = self.runner.run(resume.missed(self.place.room, board.seq))
            if missed is None:
                state = self.place.room.initial_state()
                read(board, [Shown("initial_state", wire.plain(state), self.place.clock.now_s)])
            else:
                read(board, resume.merged(missed.events, missed.records))
            assert differing(contents(board), whole) == {}, f"cut at {cut} of {len(stream)}"

    @invariant()
    def events_are_told_once_and_in_order(self) -> None:
        seqs = [one.seq for one in self.place.stream if one.seq is not None]
        assert seqs == sorted(set(seqs))

    def teardown(self) -> None:
        self.runner.run(self.place.room.stop())
        self.runner.close()


@pytest.fixture
def ids_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echodeck.hub.intake.new_id", lambda: Rooms.new_id())


def test_whatever_happens(place_of: Any, ids_in_order: None) -> None:
    machine = type("Machine", (Rooms,), {"make": staticmethod(place_of)})
    run_state_machine_as_test(machine, settings=settings(
        max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck),
        # A walk is short enough to be read as it is; to shorten it takes minutes.
        phases=[Phase.explicit, Phase.reuse, Phase.generate]))


async def test_a_reader_that_comes_back_while_nothing_can_be_written(place: Any, ada: Any, agent: Any) -> None:
    """The alert that says so has no seq, and must reach those who connect again meanwhile."""
    [job_id] = await ada.submit()
    first = Shown("initial_state", wire.plain(place.room.initial_state()), place.clock.now_s)
    place.stream.clear()
    place.store.broken = "the disk is full"
    await ada.command(job_id, "cancel")
    await place.settle()
    board = read(Board(), [first])
    missed = await resume.missed(place.room, board.seq)
    assert missed is not None
    read(board, resume.merged(missed.events, missed.records))
    assert contents(board) == contents(read(Board(), [first, *place.stream]))
    assert [alert["title"] for alert in board.all("alerts").values()]


async def test_a_reader_from_before_a_restart_does_not_keep_what_is_gone(place: Any, ada: Any, agent: Any) -> None:
    """An agent that died with the hub says nothing more."""
    before = read(Board(), [Shown("initial_state", wire.plain(place.room.initial_state()), place.clock.now_s)])
    assert before.all("agents")
    await place.restart()
    missed = await resume.missed(place.room, before.seq)
    if missed is not None:
        read(before, resume.merged(missed.events, missed.records))
    else:
        read(before, [Shown("initial_state", wire.plain(place.room.initial_state()), place.clock.now_s)])
    assert [agent["status"] for agent in before.all("agents").values()] == ["offline"]
