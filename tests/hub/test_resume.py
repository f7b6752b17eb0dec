"""Who leaves at any point of the stream and comes back has, after what was missed, what all others have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from echodeck import wire
from echodeck.errors import InputError, StoreUnavailable
from echodeck.hub import resume
from echodeck.hub.session import Session, Shown
from echodeck.model.board import Board
from echodeck.store import Batch
from echodeck.store.memory import MemoryStore

KINDS = ("jobs", "queue", "alerts", "logs", "agents", "hosts", "engines", "metrics", "status", "presence", "previews")
PICTURE = "data:image/png;base64,AAAA"
verbs = st.sampled_from([
    "submit", "claim", "plan", "step", "preview", "complete", "fail", "pause", "resume", "cancel", "heed", "retry",
    "remove", "move", "clear", "message", "acknowledge", "host", "wait", "long", "vanish", "agent", "join",
])
scripts = st.lists(st.tuples(verbs, st.integers(0, 3)), min_size=5, max_size=30)


class Fragile(MemoryStore):
    """A store that cannot write while it has a `reason`."""

    reason = ""

    async def append(self, batch: Batch) -> list[int]:
        if self.reason:
            raise StoreUnavailable(self.reason)
        return await super().append(batch)


class Play:
    """A room, with one agent and a person who do what a script says."""

    def __init__(self, rig: Any) -> None:
        self.rig = rig
        self.agent: Session | None = None
        self.hand: dict[str, Any] | None = None
        self.first = 0

    async def begin(self) -> Shown:
        """The initial_state a viewer begins with; what is told from then on is `rig.told`."""
        await self.rig.start()
        self.person = self.rig.session()
        self.agent = await self.rig.agent()
        await self.rig.submit(self.person, count=2)
        await self.rig.settle()
        self.rig.told.clear()
        return Shown("initial_state", self.rig.room.initial_state(), self.rig.now_s)

    async def do(self, verb: str, pick: int) -> None:
        self.rig.now_s += 0.25
        try:
            await self._do(verb, pick)
        except (InputError, StoreUnavailable):
            return
        finally:
            await self.rig.settle()

    async def _do(self, verb: str, pick: int) -> None:
        rig, person = self.rig, self.person
        jobs = [job.id for job in rig.room.desk.queue.all()]  # in the order they came: ids are random
        job = {"jobId": jobs[pick % len(jobs)] if jobs else "nobody"}
        match verb:
            case "submit":
                await rig.submit(person, count=pick + 1)
            case "pause" | "resume" | "cancel":
                await rig.ask(person, "generation_command", {**job, "command": verb})
            case "retry" | "remove":
                await rig.ask(person, verb, job)
            case "move":
                await rig.ask(person, "move", {**job, "direction": ("up", "down", "top", "bottom")[pick]})
            case "clear":
                await rig.ask(person, "clear_completed")
            case "message":
                await rig.ask(person, "communicate", {"message": "hello"})
            case "acknowledge":
                alerts = [alert.id for alert in rig.alerts(open_=False).values()] or ["nobody"]
                await rig.ask(person, "acknowledge_alert", {"alertId": alerts[pick % len(alerts)]})
            case "wait":
                await rig.tick(1.0)
            case "long":
                await rig.tick(11.0)
            case "join":
                rig.room.left(rig.session(f"user{pick}"))
            case "vanish":
                if self.agent is not None:
                    rig.room.left(self.agent)
                self.agent = None
            case "agent":
                self.agent, self.hand = await rig.agent(f"agent-{pick}"), None
            case _ if self.agent is not None:
                await self._work(verb, pick, self.agent)

    async def _work(self, verb: str, pick: int, agent: Session) -> None:
        rig, hand = self.rig, self.hand
        if verb == "host":
            await rig.ask(agent, "host_metrics", {"host": {"name": "studio", "atS": rig.now_s, "at_s": rig.now_s,
                                                           "cpu_percent": 10.0 * pick}})
        elif verb == "claim":
            self.hand = await rig.claim(agent) or hand
        elif hand is not None:
            about = {"jobId": hand["id"], "attempt": hand["attempt"]}
            match verb:
                case "plan":
                    await rig.report(agent, hand, "planned", stages=[["load", 0], ["sample", 9]])
                case "step":
                    await rig.ask(agent, "job_progress", {
                        **about, "workerId": "w1", "index": 1, "step": 2 * pick + 1, "atS": rig.now_s,
                        "samples": [[1, 2 * pick + 1, rig.now_s, 0.5]]})
                case "preview":
                    await rig.ask(agent, "job_preview", {**about, "step": pick, "image": PICTURE})
                case "complete":
                    await rig.report(agent, hand, "completed")
                case "fail":
                    await rig.report(agent, hand, "failed", error={"kind": "engine_error", "message": "no"})
                case "heed":
                    wish = rig.job(hand["id"]).request
                    said = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}.get(wish, "resumed")
                    await rig.report(agent, hand, said)


def picture(board: Board) -> dict[tuple[str, str], Any]:
    """What a viewer sees. Previews of jobs that are gone do not count: a viewer drops them with their job."""
    jobs = board.all("jobs")
    return {(kind, key): wire.plain(value) for kind in KINDS for key, value in board.all(kind).items()
            if kind != "previews" or key in jobs}


async def come_back(play: Play, board: Board) -> list[int]:
    """The viewer resumes where its board is; returns the seqs it is told."""
    found = await resume.missed(play.rig.room, board.seq)
    assert found is not None
    told = resume.merged(found.events, found.records)
    for shown in told:
        for message in wire.decode(wire.encode(shown.type, shown.payload, shown.at_s, shown.seq)):
            wire.apply(board, message)
    return [shown.seq for shown in told if shown.seq is not None]


@pytest.fixture
def play(rig_type: Any) -> Callable[[], Play]:
    return lambda: Play(rig_type(Fragile()))


async def run(play: Play, script: list[tuple[str, int]], cut: float, replayed: Callable[..., Board]) -> None:
    begin = await play.begin()
    for verb, pick in script:
        await play.do(verb, pick)
    told = list(play.rig.told)
    at = round(cut * len(told))
    left = replayed([begin, *told[:at]])
    first = left.seq
    missed = await come_back(play, left)
    assert missed == list(range(first + 1, play.rig.room.board.seq + 1)), "none repeated, none left out"
    stayed = replayed([begin, *told])
    assert picture(left) == picture(stayed)
    assert left.seq == stayed.seq == await play.rig.store.last_seq()
    fresh = replayed([Shown("initial_state", play.rig.room.initial_state(), play.rig.now_s)])
    assert {key: value for key, value in picture(fresh).items() if key[0] in ("jobs", "queue", "alerts", "agents")} == \
        {key: value for key, value in picture(stayed).items() if key[0] in ("jobs", "queue", "alerts", "agents")}
    await play.rig.stop()


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(script=scripts, cut=st.floats(0, 1))
def test_any_cut_then_resume_gives_the_same_board(play: Callable[[], Play], replayed: Callable[..., Board],
                                                  script: list[tuple[str, int]], cut: float) -> None:
    asyncio.run(run(play(), script, cut, replayed))


LIFE = [("claim", 0), ("plan", 0), ("step", 1), ("preview", 1), ("pause", 0), ("heed", 0), ("resume", 0), ("heed", 0),
        ("wait", 0), ("complete", 0), ("claim", 0), ("plan", 0), ("fail", 0), ("retry", 1), ("acknowledge", 0),
        ("submit", 3), ("move", 2), ("vanish", 0), ("long", 0), ("clear", 0), ("message", 0)]


async def test_every_cut_of_a_life(play: Callable[[], Play], replayed: Callable[..., Board]) -> None:
    one = play()
    begin = await one.begin()
    for verb, pick in LIFE:
        await one.do(verb, pick)
    told = list(one.rig.told)
    stayed = picture(replayed([begin, *told]))
    assert len(told) > 80
    for at in range(len(told) + 1):
        left = replayed([begin, *told[:at]])
        await come_back(one, left)
        assert picture(left) == stayed, told[at - 1].type
    await one.rig.stop()


async def test_while_the_store_cannot_write_and_after(play: Callable[[], Play], replayed: Callable[..., Board]) -> None:
    """What is not in the log yet is told to those who come back all the same, and again when it is in the log."""
    one = play()
    begin = await one.begin()
    for verb, pick in LIFE[:10]:
        await one.do(verb, pick)
    one.rig.store.reason = "its disk is full"
    before = len(one.rig.told)
    for verb, pick in [*LIFE[10:], ("remove", 0)]:
        await one.do(verb, pick)
    told = list(one.rig.told)
    stayed = picture(replayed([begin, *told]))
    assert any(shown.type == wire.REMOVED for shown in told[before:])
    for at in range(0, len(told) + 1, 5):
        left = replayed([begin, *told[:at]])
        await come_back(one, left)
        assert picture(left) == stayed
    one.rig.store.reason = ""
    async with asyncio.timeout(10):
        while one.rig.room.refused or "store" in one.rig.alerts():  # noqa: ASYNC110 - of another task's doing
            await asyncio.sleep(0.01)
    await one.rig.settle()
    stayed = picture(replayed([begin, *one.rig.told]))
    for at in range(0, len(told) + 1, 5):
        left = replayed([begin, *told[:at]])
        await come_back(one, left)
        assert picture(left) == stayed
    await one.rig.stop()


async def test_too_far_back_or_ahead_of_the_log_begins_anew(play: Callable[[], Play]) -> None:
    one = play()
    await one.begin()
    seq = one.rig.room.board.seq
    assert one.rig.room.since(seq) is not None
    assert one.rig.room.since(seq + 1) is None
    await one.rig.restart()
    assert one.rig.room.since(seq - 1) is None, "what was volatile before a restart is not known any more"
    await one.rig.stop()
