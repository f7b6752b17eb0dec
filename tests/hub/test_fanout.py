"""Outboxes: what may be left out and what may not, and that a reader with gaps ends where all others do."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echodeck import wire
from echodeck.hub import outbox as outbox_module
from echodeck.hub import resume
from echodeck.hub.fanout import Fanout
from echodeck.hub.line import FULL_BYTES, text_frame
from echodeck.hub.outbox import MAX_REPLIES, STUCK_S, Frame, Outbox
from echodeck.hub.session import Shown
from echodeck.model.board import Board
from echodeck.store import Event


class Pipe:
    """A connection that takes what it is given, unless it is stuck."""

    def __init__(self) -> None:
        self.written = b""
        self.unsent_bytes = 0
        self.aborted = False

    def write(self, frames: bytes) -> None:
        assert not self.unsent_bytes, "written to a full connection"
        self.written += frames

    def abort(self) -> None:
        self.aborted = True

    def read(self) -> list[dict[str, Any]]:
        """The frames written since the last time, as JSON: a message each, or a list of them."""
        data, self.written, found = self.written, b"", []
        while data:
            assert data[0] == 0x81, "a whole text frame"
            size, start = data[1], 2
            if size == 126:
                (size,), start = struct.unpack("!H", data[2:4]), 4
            elif size == 127:
                (size,), start = struct.unpack("!Q", data[2:10]), 10
            found.append(json.loads(data[start : start + size]))
            data = data[start + size :]
        return found

    def messages(self) -> list[dict[str, Any]]:
        return [one for frame in self.read() for one in (frame if isinstance(frame, list) else [frame])]


def progress(job: str, n: float) -> Shown:
    return Shown("generation_progress", {"jobId": job, "progress": n}, 0.0, "jobs", job)


def durable(job: str, n: float, seq: int, type_: str = "generation_paused") -> Shown:
    return Shown(type_, {"jobId": job, "progress": n}, 0.0, "jobs", job, seq)


def snapshot_of(board: Board) -> Callable[[], Shown]:
    return lambda: Shown("initial_state", {"jobs": [*board.all("jobs").values()], "seq": board.seq}, 0.0)


def attach(fanout: Fanout, *, batched: bool = True, begun: bool = True) -> tuple[Outbox, Pipe]:
    pipe = Pipe()
    outbox = Outbox(pipe, batched=batched, hurry=lambda box: None)
    if begun:
        outbox.held = False
    fanout.add(outbox)
    return outbox, pipe


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def fanout(board: Board) -> Fanout:
    return Fanout(snapshot_of(board))


def values(messages: list[dict[str, Any]]) -> list[tuple[str, float]]:
    return [(one["payload"]["jobId"], one["payload"]["progress"]) for one in messages]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 70000])
def test_a_frame_says_its_size(size: int) -> None:
    pipe = Pipe()
    pipe.write(text_frame(json.dumps("x" * size).encode()))
    assert pipe.read() == ["x" * size]


def test_volatile_messages_are_conflated_and_durable_ones_are_not(fanout: Fanout) -> None:
    _, pipe = attach(fanout)
    for n in range(100):
        fanout.publish(progress("a", n))
        fanout.publish(progress("b", -n))
    fanout.publish(durable("c", 1, 1))
    fanout.publish(durable("c", 2, 2))
    fanout.flush(1.0)
    assert values(pipe.messages()) == [("a", 99), ("b", -99), ("c", 1), ("c", 2)]


def test_what_is_older_than_a_durable_event_never_follows_it(fanout: Fanout) -> None:
    _, pipe = attach(fanout)
    fanout.publish(progress("a", 50))
    fanout.publish(durable("a", 100, 1, "generation_complete"))
    fanout.flush(1.0)
    assert [one["type"] for one in pipe.messages()] == ["generation_complete"]


def test_batches_are_for_those_who_speak_our_subprotocol(fanout: Fanout) -> None:
    (_, ours), (_, plain) = attach(fanout), attach(fanout, batched=False)
    fanout.publish(progress("a", 1))
    fanout.publish(progress("b", 2))
    fanout.flush(1.0)
    assert [isinstance(frame, list) for frame in ours.read()] == [True]
    assert [frame["payload"]["jobId"] for frame in plain.read()] == ["a", "b"]


def test_a_connection_is_flushed_at_its_own_rate(fanout: Fanout) -> None:
    (quick, first), (slow, second) = attach(fanout), attach(fanout)
    quick.subscribe([], 20)
    slow.subscribe([], 1)
    told = {"quick": 0, "slow": 0}
    for tick in range(1, 101):
        fanout.publish(progress("a", tick))
        fanout.flush(100 + tick * 0.05)
        told["quick"] += len(first.messages())
        told["slow"] += len(second.messages())
    assert 90 <= told["quick"] <= 100
    assert 5 <= told["slow"] <= 6


def test_topics_choose_the_types(fanout: Fanout) -> None:
    outbox, pipe = attach(fanout)
    outbox.subscribe(["generation_complete"], 10)
    fanout.publish(progress("a", 1))
    fanout.publish(durable("a", 100, 1, "generation_complete"))
    outbox.tell(Shown("pong", {}, 0.0))
    fanout.flush(1.0)
    assert [one["type"] for one in pipe.messages()] == ["generation_complete", "pong"]


def test_previews_go_to_those_who_asked(fanout: Fanout) -> None:
    (_, ours), (outbox, plain) = attach(fanout), attach(fanout, batched=False)
    outbox.watched.add("b")
    for job in ("a", "b"):
        fanout.publish(Shown("generation_preview", {"jobId": job}, 0.0, "previews", job))
    fanout.flush(1.0)
    assert [one["payload"]["jobId"] for one in ours.messages()] == ["a", "b"]
    assert [one["payload"]["jobId"] for one in plain.messages()] == ["b"]


def test_a_viewer_that_stops_reading_holds_nobody_up_and_is_bounded(fanout: Fanout, board: Board) -> None:
    (stuck, pipe), (_, other) = attach(fanout), attach(fanout)
    pipe.unsent_bytes = FULL_BYTES
    for seq in range(1, 2501):
        shown = durable(f"job{seq % 7}", seq, seq)
        wire.apply(board, wire.Message(shown.type, shown.payload, "", seq))
        fanout.publish(shown)
        fanout.flush(seq / 1000)
        other.messages()
    assert len(stuck.take()) <= outbox_module.MAX_ORDERED
    stuck.tell(Shown("ack", {"id": "x"}, 0.0))
    pipe.unsent_bytes = 0
    fanout.flush(9.0)
    first, *rest = pipe.messages()
    assert first["type"] == "initial_state"
    assert first["payload"]["seq"] == 2500
    assert [one["type"] for one in rest] == ["ack"]


def test_a_stuck_viewer_is_closed_after_a_while_and_a_slow_one_is_not(fanout: Fanout) -> None:
    (_, stuck), (_, slow) = attach(fanout), attach(fanout)
    stuck.unsent_bytes = slow.unsent_bytes = 100 * FULL_BYTES
    for tick in range(int(STUCK_S * 2)):
        fanout.publish(progress("a", tick))
        fanout.flush(10.0 + tick)
        slow.unsent_bytes -= 1
    assert stuck.aborted
    assert not slow.aborted


async def test_who_asks_without_listening_is_not_read_on(fanout: Fanout) -> None:
    outbox, pipe = attach(fanout)
    pipe.unsent_bytes = FULL_BYTES
    for _ in range(MAX_REPLIES):
        await asyncio.wait_for(outbox.room(), 1)
        outbox.tell(Shown("pong", {}, 0.0))
    waiting = asyncio.create_task(outbox.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    pipe.unsent_bytes = 0
    fanout.flush(1.0)
    await asyncio.wait_for(waiting, 1)


def test_one_bad_message_or_connection_stays_alone(fanout: Fanout, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Pipe):
        def write(self, frames: bytes) -> None:
            raise RuntimeError("this transport is broken")

    broken = Broken()
    box = Outbox(broken, batched=True, hurry=lambda box: None)
    box.held = False
    fanout.add(box)
    _, pipe = attach(fanout)
    fanout.publish(Shown("log", object(), 0.0, "logs", "x", 1))
    fanout.publish(progress("a", 1))
    fanout.flush(1.0)
    assert values(pipe.messages()) == [("a", 1)]
    assert broken.aborted
    assert "cannot be encoded" in caplog.text


def test_a_message_is_encoded_once(fanout: Fanout, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    encode = wire.encode

    def counting(*args: Any) -> bytes:
        nonlocal count
        count += 1
        return encode(*args)

    monkeypatch.setattr(wire, "encode", counting)
    pipes = [attach(fanout, batched=n % 2 == 0)[1] for n in range(10)]
    fanout.publish(progress("a", 1))
    fanout.flush(1.0)
    assert all(pipe.messages() for pipe in pipes)
    assert count == 1


class Source:
    """A hub's log and board, without a hub: what is published is on the board first, as in the room."""

    def __init__(self) -> None:
        self.board = Board()
        self.log: list[Event] = []
        self.fanout = Fanout(snapshot_of(self.board))
        self.meanwhile: list[Shown] = []

    def tell(self, job: str, n: float, kept: bool) -> None:
        shown = durable(job, n, len(self.log) + 1) if kept else progress(job, n)
        if kept:
            self.log.append(Event(shown.type, "jobs", job, shown.payload, 0.0, len(self.log) + 1))
        wire.apply(self.board, wire.Message(shown.type, shown.payload, "", shown.seq))
        self.fanout.publish(shown)

    async def events(self, after: int, limit: int) -> list[Event]:
        found = [event for event in self.log if event.seq > after][:limit]
        # The world goes on while the log is read.
        for shown in self.meanwhile:
            self.tell(shown.key, shown.payload["progress"], shown.seq is not None)
        self.meanwhile = []
        return found

    def since(self, seq: int) -> list[Shown] | None:
        found = self.board.since(seq)
        return None if found is None else [
            Shown("generation_progress", entry.value, 0.0, "jobs", entry.key) for entry in found]


class Reader:
    """Somebody who watches with gaps."""

    def __init__(self, source: Source, batched: bool) -> None:
        self.source, self.batched, self.board = source, batched, Board()
        self.outbox: Outbox | None = None
        self.pipe = Pipe()

    async def connect(self) -> None:
        begun = bool(len(self.board)) or self.board.seq > 0
        self.outbox, self.pipe = attach(self.source.fanout, batched=self.batched, begun=False)
        found = await resume.missed(self.source, self.board.seq) if begun else None  # type: ignore[arg-type]
        if found is None:
            self.outbox.restart()
        else:
            self.outbox.resume(found.events, found.records)

    def lose(self) -> None:
        if self.outbox is not None:
            self.source.fanout.discard(self.outbox)
            self.outbox = None

    def read(self, most: int | None = None) -> None:
        for one in self.pipe.messages()[:most]:
            wire.apply(self.board, wire.Message(one["type"], one["payload"], "", one.get("seq")))


facts = st.tuples(st.sampled_from("abc"), st.integers(0, 100), st.booleans())
steps = st.one_of(
    st.tuples(st.just("tell"), facts),
    st.tuples(st.just("flush"), st.just(None)),
    st.tuples(st.just("stall"), st.booleans()),
    st.tuples(st.just("cut"), st.tuples(st.integers(0, 5), st.lists(facts, max_size=4))),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=40), st.booleans(), st.integers(1, 6))
def test_any_gaps_end_in_the_same_board(script: list[Any], batched: bool, most: int) -> None:
    async def run() -> None:
        source = Source()
        reader = Reader(source, batched)
        await reader.connect()
        now = 1.0
        for what, given_ in script:
            now += 1.0
            if what == "tell":
                source.tell(*given_)
            elif what == "flush":
                source.fanout.flush(now)
                if not reader.pipe.unsent_bytes:
                    reader.read()
            elif what == "stall":
                reader.pipe.unsent_bytes = FULL_BYTES if given_ else 0
            else:
                seen, meanwhile = given_
                reader.pipe.unsent_bytes = 0
                source.fanout.flush(now)
                reader.read(seen)
                reader.lose()
                source.tell("c", now, True)
                source.meanwhile = [durable(j, n, 1) if k else progress(j, n) for j, n, k in meanwhile]
                await reader.connect()
        reader.pipe.unsent_bytes = 0
        source.fanout.flush(now + 1)
        reader.read()
        assert reader.board.all("jobs") == source.board.all("jobs")
        assert reader.board.seq == source.board.seq

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox_module, "MAX_ORDERED", most)
        patch.setattr(resume, "MAX_BEHIND", most)
        asyncio.run(run())


def test_frame_of_nothing_is_nothing() -> None:
    assert Frame(Shown("log", object(), 0.0)).framed == b""
