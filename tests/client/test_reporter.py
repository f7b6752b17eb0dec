"""What carries an outbox: one that cannot be said, or that the hub refuses, holds up nothing."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from echodeck.client import WORKER
from echodeck.client.outbox import Outbox
from echodeck.client.reporter import Reporter
from echodeck.client.teller import sayable
from echodeck.wire import say


def line(text: str) -> say.Log:
    return say.Log("info", "w", text)


async def test_one_that_cannot_be_encoded_does_not_hold_up_the_next(hub: Any, client_of: Any, until: Any,
                                                                     caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        async with client_of(hub, endpoint=WORKER) as client:
            reporter = Reporter(client, Outbox())
            carrying = asyncio.create_task(reporter.run())
            reporter.take(line("bad \udcff"))
            reporter.take(line("good"))
            await until("the good one", lambda: hub.said("log"))
            carrying.cancel()
            await asyncio.gather(carrying, return_exceptions=True)
    assert [one["payload"]["message"] for one in hub.said("log")] == ["good"]
    assert "a log cannot be said" in caplog.text


@pytest.mark.parametrize(("text", "expected"), [("plain é 👩‍🎨", "plain é 👩‍🎨"), ("a\udcffb", "a?b")])
def test_text_that_can_be_sent(text: str, expected: str) -> None:
    assert sayable(text) == expected
