"""What carries an outbox to a scripted hub: one that cannot be said, or that it refuses, holds up nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from echodeck.client.outbox import Outbox
from echodeck.client.reporter import Reporter
from echodeck.client.teller import sayable
from echodeck.wire import say


@asynccontextmanager
async def reporting(hub: Any, client_of: Callable[..., Any]) -> AsyncIterator[Reporter]:
    async with client_of(hub) as client:
        reporter = Reporter(client, Outbox())
        task = asyncio.create_task(reporter.run())
        yield reporter
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def line(text: str) -> say.Log:
    return say.Log("info", "w", text)


def heard(hub: Any) -> list[str]:
    return [request["payload"]["message"] for request in hub.said("log")]


async def test_each_is_said_until_it_is_acknowledged(hub: Any, client_of: Any, until: Any) -> None:
    deaf = True
    hub.reply = lambda request: None if deaf else hub.ack(request)
    async with reporting(hub, client_of) as reporter:
        reporter.take(line("a"))
        reporter.take(line("b"))
        await until("the first", lambda: heard(hub) == ["a"])
        assert reporter.unsaid
        deaf = False
        hub.drop()
        await until("both", lambda: not reporter.unsaid and len(reporter.outbox) == 0)
    assert heard(hub) == ["a", "a", "b"]
    assert len({request["id"] for request in hub.said("log")}) == 2


async def test_what_cannot_be_written_or_is_refused_does_not_hold_up_the_rest(
        hub: Any, client_of: Any, until: Any, caplog: pytest.LogCaptureFixture) -> None:
    refusal = {"code": "bad_field", "message": "message: no", "field": "message"}
    hub.reply = lambda request: ({"type": "error", "payload": {"id": request["id"], **refusal}}
                                 if request["payload"].get("message") == "refused" else hub.ack(request))
    async with reporting(hub, client_of) as reporter:
        for text in ("no Unicode: \udcff", "refused", "good"):
            reporter.take(line(text))
        await until("the good one", lambda: "good" in heard(hub) and len(reporter.outbox) == 0)
    assert "cannot be said" in caplog.text
    assert "refuses a log" in caplog.text


async def test_a_picture_goes_when_there_is_a_connection(hub: Any, client_of: Any, until: Any) -> None:
    async with reporting(hub, client_of) as reporter:
        reporter.take(say.JobPreview("j", 1, 1, "data:image/png;base64,old"))
        reporter.take(say.JobPreview("j", 1, 2, "data:image/png;base64,new"))
        await until("a connection", lambda: reporter._client.connection.usable)
        reporter.wake()
        await until("the picture", lambda: hub.said("job_preview"))
    assert [request["payload"]["step"] for request in hub.said("job_preview")] == [2]


@pytest.mark.parametrize(("text", "expected"), [("plain é 👩‍🎨", "plain é 👩‍🎨"), ("a\udcffb", "a?b")])
def test_text_that_can_be_sent(text: str, expected: str) -> None:
    assert sayable(text) == expected


async def test_at_the_end_of_a_process_progress_goes_without_pauses(
        hub: Any, client_of: Any, until: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echodeck.client.reporter.PROGRESS_S", 1e6)
    async with reporting(hub, client_of) as reporter:
        reporter.hurry = True
        for job_id in "abc":
            reporter.take(say.JobProgress(job_id, 1, "w", 0, 1, 1.0))
        await until("all", lambda: len(hub.said("job_progress")) == 3)
