"""The sockets themselves: bad frames, bounds, resuming, subscriptions, foreign pages, slow viewers, a clean end."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from echodeck import wire
from echodeck.hub import outbox
from echodeck.hub.app import Hub
from echodeck.hub.session import Session, Shown
from echodeck.wire import say, show


def log_line(n: int, seq: int | None = None, text: str = "x") -> Shown:
    """Something to tell that belongs to nobody else."""
    view = show.LogView(f"line{n}", None, "info", "test", text, "")
    return Shown("log", view, 0.0, "logs", f"line{n}", seq)


async def fresh(meet: Any, *args: Any, **options: Any) -> Any:
    """Connected, with its initial_state read."""
    talk = await meet(*args, **options)
    first = await talk.raw()
    if isinstance(first, list):
        first = first[0]
    assert first["type"] == "initial_state"
    return talk


@pytest.mark.parametrize("path", say.ENDPOINTS)
async def test_the_first_message_is_everything(meet: Any, path: str) -> None:
    first = await (await meet(path)).next()
    assert first["type"] == "initial_state"
    assert {"system_status", "agents", "alerts", "logs", "jobs", "queue", "queueStats", "hosts", "users", "seq",
            "protocol"} <= set(first["payload"])
    assert first["timestamp"].endswith("Z")


async def test_batches_are_arrays(meet: Any) -> None:
    talk = await meet(batched=True)
    assert talk.socket.subprotocol == wire.SUBPROTOCOL
    assert (await talk.raw())[0]["type"] == "initial_state"
    await talk.say("ping", id="p")
    kinds: list[str] = []
    while "ack" not in kinds:
        kinds += [message["type"] for message in await talk.raw()]
    assert kinds[-2:] == ["pong", "ack"]


BAD: list[tuple[Any, str, str | None, str | None]] = [
    ("nonsense", "bad_json", None, None),
    ("", "bad_json", None, None),
    ("[1, 2]", "bad_frame", None, None),
    ("7", "bad_frame", None, None),
    ('{"payload": {}}', "bad_frame", None, None),
    ('{"type": 7}', "bad_frame", None, None),
    (b"\x00\x01", "bad_frame", None, None),
    ('{"type": "make_tea", "id": "1"}', "unknown_type", "type", "1"),
    ('{"type": "claim", "id": "1", "payload": {}}', "unknown_type", "type", "1"),
    ('{"type": "generation_command", "id": "1", "payload": {"jobId": 5, "command": "pause"}}', "bad_field", "jobId",
     "1"),
    ('{"type": "generation_command", "id": "1", "payload": {"jobId": "a", "command": "explode"}}', "bad_field",
     "command", "1"),
    ('{"type": "generation_command", "id": 1, "payload": {"command": "pause"}}', "bad_field", "jobId", "1"),
    ('{"type": "generation_command", "id": "1", "payload": {"jobId": "a", "command": "pause"}}', "unknown_job",
     "jobId", "1"),
    ('{"type": "generation_command", "payload": {"jobId": "a", "command": "pause"}}', "unknown_job", "jobId", None),
    ('{"type": "ping", "id": "1", "payload": 3}', "bad_field", "payload", "1"),
    ('{"type": "submit", "id": "1", "payload": {"count": -1}}', "bad_field", "count", "1"),
    ('{"type": "subscribe", "id": "1", "payload": {"topics": ["gossip"]}}', "bad_field", "topics", "1"),
    ('{"type": "subscribe", "id": "1", "payload": {"maxRate": 0}}', "bad_field", "maxRate", "1"),
    ("x" * (2 << 20), "too_large", None, None),
]


async def test_a_bad_frame_gets_an_error_and_nobody_is_disturbed(meet: Any) -> None:
    talk, other = await fresh(meet), await fresh(meet)
    for frame, *expected in BAD:
        await talk.socket.send(frame)
        error = (await talk.until("error"))["payload"]
        assert [error["code"], error["field"], error["id"]] == expected, frame[:80]
        assert error["message"]
        await talk.ask("ping")
    await other.ask("ping")
    assert not [message for message in other.seen if message["type"] == "error"]


async def test_extra_keys_and_a_missing_payload_are_fine(meet: Any) -> None:
    talk = await fresh(meet)
    await talk.say("ping", test_id="abc", timestamp="2026-01-01T00:00:00Z")
    pong = await talk.until("pong")
    assert pong["payload"]["id"] is None
    await talk.say("subscribe_generation", {"jobId": "not yet", "extra": 1})
    await talk.ask("ping")
    assert not [message for message in talk.seen if message["type"] in ("error",)]


async def test_requests_are_answered_in_order_and_once(meet: Any) -> None:
    talk = await fresh(meet)
    for n in range(200):
        await talk.say("request_queue_status", id=str(n))
    acks: list[str] = []
    while len(acks) < 200:
        message = await talk.next()
        if message["type"] == "ack":
            acks.append(message["payload"]["id"])
    assert acks == [str(n) for n in range(200)]


async def test_what_was_said_before_leaving_still_counts(hub: Hub, meet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    handled: list[str | None] = []
    done = asyncio.Event()

    async def slowly(session: Session, request: wire.Request) -> dict[str, Any]:
        await asyncio.sleep(0)
        handled.append(request.id)
        if len(handled) == 20:
            done.set()
        return {}

    monkeypatch.setattr(hub.room, "handle", slowly)
    talk = await fresh(meet)
    for n in range(20):
        await talk.say("clear_completed", id=str(n))
    await talk.socket.close()
    await asyncio.wait_for(done.wait(), 10)
    assert handled == [str(n) for n in range(20)]


async def test_a_fault_in_the_hub_is_an_error_for_who_asked(hub: Hub, meet: Any, monkeypatch: pytest.MonkeyPatch,
                                                           caplog: pytest.LogCaptureFixture) -> None:
    async def broken(session: Session, request: wire.Request) -> dict[str, Any]:
        raise ZeroDivisionError

    monkeypatch.setattr(hub.room, "handle", broken)
    talk = await fresh(meet)
    error = await talk.answer("clear_completed")
    assert error["payload"]["code"] == "internal"
    assert "ZeroDivisionError" in caplog.text
    await talk.ask("ping")


async def test_subscribe_chooses_types_and_rate(hub: Hub, meet: Any) -> None:
    talk = await fresh(meet)
    await talk.ask("subscribe", {"topics": ["log"], "maxRate": 50})
    for n in range(3):
        hub.fanout.publish(Shown("user_action", {}, 0.0))
        hub.fanout.publish(log_line(n))
    await talk.until("log", id="line2")
    assert not [message for message in talk.seen if message["type"] == "user_action"]


async def test_an_unknown_place_is_404_with_a_sentence(meet: Any) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await meet("/api/elsewhere")
    assert caught.value.response.status_code == 404
    assert "/api/coordination/ws" in json.loads(caught.value.response.body or b"")["error"]["message"]


async def test_foreign_pages_are_kept_out(meet: Any) -> None:
    for origin in ("http://127.0.0.1:8310", "http://localhost:3000", "https://127.0.0.1"):
        await fresh(meet, origin=origin)
    for origin in ("http://evil.example", "null", "http://127.0.0.1.evil.example", "file://"):
        with pytest.raises(InvalidStatus) as caught:
            await meet(origin=origin)
        assert caught.value.response.status_code == 403
        assert "allow_origin" in json.loads(caught.value.response.body or b"")["error"]["message"]


async def test_names_and_odd_parameters_do_no_harm(hub: Hub, meet: Any) -> None:
    queries = ("?after=x", "?after=-1", f"?after={'9' * 40}", "?after=99999", "?user=%F0%9F%8E%A8%00&client=%ff", "?&=")
    for query in queries:
        await fresh(meet, "/api/ws", query)


async def test_who_comes_from_another_log_starts_afresh(hub: Hub, meet: Any) -> None:
    """Its seq may well exist here too, but it means something else."""
    seq, own = hub.room.board.seq, hub.room.hub_id
    await fresh(meet, "/api/ws", f"?after={seq}&hub=another")
    resumed = await meet("/api/ws", f"?after={seq}&hub={own}")
    assert (await resumed.next())["type"] != "initial_state"


async def test_a_viewer_that_stops_reading_is_let_go(hub: Hub, meet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "STUCK_S", 0.3)
    viewer = await fresh(meet)
    with socket.create_connection(("127.0.0.1", int(hub.url.rsplit(":", 1)[1]))) as deaf:
        deaf.sendall(b"GET /api/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
        n = watched = 0
        async with asyncio.timeout(20):
            # It comes, takes what the kernel holds for it, and goes.
            while watched < 2 or len(hub.fanout) > 1:
                n, watched = n + 1, max(watched, len(hub.fanout))
                hub.fanout.publish(log_line(n, text="x" * 100_000))
                await viewer.until("log", id=f"line{n}")
    # Whoever reads has seen every line meanwhile; only the deaf one is gone.
    await viewer.ask("ping")


async def test_the_hub_says_goodbye(hub: Hub, meet: Any) -> None:
    talks = [await fresh(meet) for _ in range(3)]
    await hub.stop()
    for talk in talks:
        assert await talk.closed() == (1001, "the hub is stopping")
