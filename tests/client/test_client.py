"""The client against a scripted hub on a real socket."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from echodeck.errors import BadField, BadFrame, ConfigError, HubUnreachable, IllegalTransition, UnknownRecord


def job(id_: str, progress: float = 0.0) -> dict[str, Any]:
    return {"jobId": id_, "title": id_, "status": "running", "progress": progress}


async def test_it_fills_a_board_and_follows_it(hub: Any, client_of: Any, say: Any, until: Any) -> None:
    hub.greeting = [say.initial(3, [job("a")])]
    async with client_of(hub, user="ann", client_id="c1") as client:
        await client.ready(10)
        assert client.connection.state == "live"
        assert client.board.get("jobs", "a")["progress"] == 0.0
        await hub.say(say.frame("generation_progress", job("a", 40.0)), say.frame("generation_queued", job("b"), 4))
        await until("job b", lambda: client.board.get("jobs", "b"))
        assert client.board.get("jobs", "a")["progress"] == 40.0
        assert client.board.seq == 4
    assert hub.queries == [{"client": "c1", "user": "ann"}]
    assert client.connection.state == "closed"


async def test_latency_and_the_hubs_clock_are_measured(hub: Any, client_of: Any, until: Any) -> None:
    async with client_of(hub) as client:
        await until("a pong", lambda: client.connection.latency_s is not None)
        assert 0 <= client.connection.latency_s < 20
        assert 4 < client.connection.offset_s < 6  # the scripted hub's clock is 5 s ahead


async def test_a_command_returns_when_acknowledged(hub: Any, client_of: Any) -> None:
    async with client_of(hub) as client:
        assert await client.call("retry", {"jobId": "a"}) == {"echo": {"jobId": "a"}}
        hub.reply = lambda request: {"type": "ack", "payload": {"id": request["id"], "result": {"jobIds": ["x", "y"]}}}
        assert await client.submit("hills", width=64, seed=None, count=2) == ["x", "y"]
        moment = datetime(2037, 5, 4, 18, 30, tzinfo=UTC)
        await client.submit("hills", model="auto", deadline=moment)
    assert hub.said("submit")[0]["payload"] == {"prompt": "hills", "width": 64, "count": 2}
    assert datetime.fromisoformat(hub.said("submit")[1]["payload"]["deadline"]) == moment


@pytest.mark.parametrize(("error", "kind"), [
    ({"code": "bad_field", "message": "width: must be 64 to 512, got 63", "field": "width"}, BadField),
    ({"code": "unknown_job", "message": "no job has the id 'a'", "field": "jobId"}, UnknownRecord),
    ({"code": "illegal_transition", "message": "command: cannot pause a job that is failed", "field": "command"},
     IllegalTransition),
    ({"code": "too_large", "message": "the message has 2 bytes", "field": None}, BadFrame),
])
async def test_a_refusal_is_raised_as_what_it_was(hub: Any, client_of: Any, say: Any, error: Any, kind: Any) -> None:
    hub.reply = lambda request: say.frame("error", {"id": request["id"], **error})
    async with client_of(hub) as client:
        with pytest.raises(kind) as caught:
            await client.pause("a")
        assert caught.value.as_dict() == error
        assert client.connection.state == "live"


async def test_every_command_says_what_the_protocol_has(hub: Any, client_of: Any) -> None:
    from echodeck.wire import decode_request, request

    async with client_of(hub) as client:
        await client.pause("a")
        await client.resume("a")
        await client.cancel("a")
        await client.retry("a")
        await client.remove("a")
        await client.move("a", "up")
        await client.move("a", place=0)
        await client.set_priority("a", "high")
        await client.clear_completed()
        await client.communicate("hello")
        await client.acknowledge("x")
    said = [r for r in hub.heard if r["type"] != "ping"]
    assert len(said) == 11
    for item in said:
        assert decode_request(request(item["type"], item["payload"], id_=item["id"]), "/api/ws").id == item["id"]


async def test_it_resumes_after_the_last_event_it_saw(hub: Any, client_of: Any, say: Any, until: Any) -> None:
    hub.greeting = [say.initial(7, [job("a")])]
    async with client_of(hub, client_id="c") as client:
        await client.ready(10)
        await hub.say(say.frame("generation_queued", job("b"), 8))
        await until("event 8", lambda: client.board.seq == 8)
        hub.greeting = [say.frame("generation_complete", job("a", 100.0), 9)]
        hub.drop()
        await until("event 9", lambda: client.board.seq == 9)
        assert client.board.get("jobs", "a")["progress"] == 100.0
        assert client.board.get("jobs", "b") is not None
    assert [query.get("after") for query in hub.queries] == [None, "8"]
    assert {query["client"] for query in hub.queries} == {"c"}


async def test_a_fresh_state_replaces_what_is_gone(hub: Any, client_of: Any, say: Any, until: Any) -> None:
    hub.greeting = [say.initial(7, [job("a"), job("b")])]
    async with client_of(hub) as client:
        await client.ready(10)
        hub.greeting = [say.initial(2, [job("c")], "another")]
        hub.drop()
        await until("the other hub", lambda: client.hub_id == "another")
        assert set(client.board.all("jobs")) == {"c"}
        assert client.board.seq == 2


async def test_what_was_not_acknowledged_is_sent_again_with_its_id(hub: Any, client_of: Any, until: Any) -> None:
    hub.reply = lambda request: None
    async with client_of(hub) as client:
        await client.ready(10)
        calls = [asyncio.create_task(client.call("retry", {"jobId": name}, id_=f"id-{name}")) for name in "ab"]
        await until("both", lambda: len(hub.said("retry")) == 2)
        hub.reply = hub.ack
        hub.drop()
        assert [await call for call in calls] == [{"echo": {"jobId": "a"}}, {"echo": {"jobId": "b"}}]
    assert [request["id"] for request in hub.said("retry")] == ["id-a", "id-b"] * 2


async def test_a_repeated_or_foreign_ack_does_no_harm(hub: Any, client_of: Any, say: Any) -> None:
    async with client_of(hub) as client:
        await client.call("retry", {"jobId": "a"}, id_="one")
        await hub.say(say.frame("ack", {"id": "one", "result": {}}), say.frame("ack", {"id": "never", "result": {}}),
                      say.frame("error", {"id": None, "code": "bad_json", "message": "?"}))
        assert await client.call("retry", {"jobId": "b"}) == {"echo": {"jobId": "b"}}


async def test_commands_given_while_the_hub_is_away_wait_for_it(hub: Any, client_of: Any, until: Any) -> None:
    await hub.stop()
    async with client_of(hub) as client:
        call = asyncio.create_task(client.pause("a"))
        await until("two tries", lambda: client.connection.attempts >= 2)
        assert client.connection.reason == "connection refused"
        await hub.start()
        assert (await call)["echo"]["command"] == "pause"


async def test_an_unanswered_command_times_out(hub: Any, client_of: Any) -> None:
    hub.reply = lambda request: None
    async with client_of(hub) as client:
        await client.ready(10)
        with pytest.raises(HubUnreachable, match="'retry' was not answered"):
            await client.call("retry", {"jobId": "a"}, timeout_s=0.05)


async def test_it_gives_up_after_so_many_attempts(hub: Any, client_of: Any) -> None:
    await hub.stop()
    async with client_of(hub, attempts=3) as client:
        with pytest.raises(HubUnreachable, match=rf"no hub answers at {hub.url} \(connection refused\)"):
            await client.ready(10)
        assert client.connection.state == "closed"
        with pytest.raises(HubUnreachable):
            await client.pause("a")
        assert [entry async for entry in client.changes()] == []


async def test_ready_can_be_too_late(hub: Any, client_of: Any) -> None:
    await hub.stop()
    async with client_of(hub) as client:
        with pytest.raises(HubUnreachable, match="connection refused"):
            await client.ready(0.2)


async def test_bad_frames_are_passed_over(hub: Any, client_of: Any, say: Any, until: Any,
                                          caplog: pytest.LogCaptureFixture) -> None:
    hub.greeting = [say.initial(1)]
    async with client_of(hub) as client:
        await client.ready(10)
        for bad in ("{", "[1]", '{"type": 3}', json.dumps(say.frame("initial_state", {"seq": "x"})),
                    json.dumps(say.frame("initial_state", {"jobs": [{}]})), json.dumps(say.frame("nobody_knows"))):
            await hub.sockets[0].send(bad)
        await hub.sockets[0].send(json.dumps(say.frame("generation_queued", job("a"), 2)))  # one object, not an array
        await until("the good one", lambda: client.board.get("jobs", "a"))
        assert len(hub.queries) == 1
    assert "passed over" in caplog.text


async def test_a_silent_hub_is_left(hub: Any, client_of: Any, until: Any) -> None:
    hub.pongs = False
    async with client_of(hub, heartbeat_s=0.02, silence_s=0.1) as client:
        await until("another connection", lambda: len(hub.queries) >= 2)
        assert client.hub_id == "h1"


async def test_handlers_are_routed_and_isolated(hub: Any, client_of: Any, say: Any, until: Any,
                                                caplog: pytest.LogCaptureFixture) -> None:
    got: list[str] = []

    def broken(message: Any) -> None:
        raise RuntimeError("boom")

    async def calls(message: Any) -> None:
        got.append(f"asked {(await client.pause(message.payload['jobId']))['echo']['jobId']}")

    async with client_of(hub) as client:
        await client.ready(10)
        client.on("generation_queued", broken)
        off = client.on("generation_queued", lambda message: got.append(message.payload["jobId"]))
        client.on("generation_queued", calls)
        every: list[str] = []
        client.on("*", lambda message: every.append(message.type))
        await hub.say(say.frame("generation_queued", job("a"), 1), say.frame("log", {"id": "1"}))
        await until("the call made by a handler", lambda: got == ["a", "asked a"])
        off()
        await hub.say(say.frame("generation_queued", job("b"), 2))
        await until("b", lambda: got == ["a", "asked a", "asked b"])
    assert every[:2] == ["generation_queued", "log"]
    assert "boom" in caplog.text


async def test_changes_gives_the_latest_of_each(hub: Any, client_of: Any, say: Any, until: Any) -> None:
    async with client_of(hub) as client:
        await client.ready(10)
        changes = client.changes()
        first = asyncio.create_task(anext(changes))
        await asyncio.sleep(0)
        await hub.say(say.frame("generation_queued", job("a"), 1))
        assert (await first).key == "a"
        await hub.say(*(say.frame("generation_progress", job("b", float(n))) for n in range(100)))
        await until("the last", lambda: (client.board.get("jobs", "b") or {}).get("progress") == 99.0)
        entry = await anext(changes)
        assert (entry.key, entry.value["progress"]) == ("b", 99.0)
        await changes.aclose()


async def test_sending_without_an_ack_is_bounded(hub: Any, client_of: Any, until: Any) -> None:
    async with client_of(hub) as client:
        assert client.send("log", {}) is False  # not connected yet: nothing is kept
        await client.ready(10)
        taken = await until("a connection", lambda: client.send("log", {"n": 0}))
        assert taken
        results = [client.send("log", {"n": n}) for n in range(1000)]
        assert results[0]
        assert not results[-1]
        await until("what was taken", lambda: len(hub.said("log")) == 1 + sum(results))


async def test_the_greeting_goes_before_everything_else(hub: Any, client_of: Any, until: Any) -> None:
    async def greet(client: Any) -> None:
        await client.call("register", {"agent": 1}, ahead=True)

    async with client_of(hub, greet=greet) as client:
        assert await client.call("claim", {}) == {"echo": {}}
        hub.reply = lambda request: None
        waiting = asyncio.create_task(client.call("job_report", {}))
        await until("the report", lambda: hub.said("job_report"))
        hub.reply = hub.ack
        hub.drop()
        await waiting
    order = [request["type"] for request in hub.heard if request["type"] != "ping"]
    assert order == ["register", "claim", "job_report", "register", "job_report"]


async def test_too_large_a_message_is_not_even_sent(hub: Any, client_of: Any) -> None:
    async with client_of(hub) as client:
        await client.ready(10)
        with pytest.raises(BadFrame) as caught:
            await client.submit("x" * (1 << 20))
        assert caught.value.code == "too_large"
    assert not hub.said("submit")


async def test_a_query_is_answered_where_questions_are_taken(hub: Any, client_of: Any, say: Any) -> None:
    hub.reply = lambda r: say.frame("ack", {"id": r["id"], "result": {"answer": {"because": "busy"}}})
    async with client_of(hub, endpoint="/api/echo/ws") as client:
        await client.ready(10)
        assert await client.query("why", job_id="a") == {"because": "busy"}
    assert hub.said("query")[0]["payload"] == {"what": "why", "jobId": "a"}


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://h:99999", "http://h:x", ""])
def test_a_wrong_address_is_said_at_once(client_of: Any, url: str) -> None:
    from types import SimpleNamespace

    with pytest.raises(ConfigError, match="no hub's address"):
        client_of(SimpleNamespace(url=url))
