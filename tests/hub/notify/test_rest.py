"""Messages out over a real hub's REST and WebSocket, and what its documentation says of webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from echodeck.config import Settings
from echodeck.hub.app import Hub
from echodeck.store.memory import MemoryStore


@pytest.fixture
async def hub(settings: Settings, receiver: Any, table: Any) -> AsyncIterator[Hub]:
    running = Hub(replace(settings, notify=table(receiver)), MemoryStore())
    await running.start()
    yield running
    await running.stop()


async def test_channels_are_listed_without_their_addresses(web: Any, receiver: Any) -> None:
    found = await web.get("/api/notify")
    [channel] = found["channels"]
    assert (channel["name"], channel["service"], channel["address"], channel["told"]) == (
        "studio", "webhook", f"http://{receiver.place}/…", 0)
    assert (found["on"], found["routes"][0]["to"], found["routes"][0]["levels"]) == (True, ["studio"], ["error"])


async def test_a_test_is_answered_when_it_is_known_how_it_went(web: Any, receiver: Any, meet: Any) -> None:
    talk = await meet()
    state = (await talk.next())["payload"]
    assert [channel["name"] for channel in state["channels"]] == ["studio"]
    channel = await web.post("/api/notify/studio/test?user=ann")
    assert (channel["test"]["by"], channel["test"]["error"], len(receiver.got)) == ("ann", "", 1)
    told = await talk.first(lambda it: it["type"] == "notify_channel" and it["payload"]["test"]["at"], "the test")
    assert told["payload"]["test"]["id"] == channel["test"]["id"]
    receiver.answers = [(401, {})]
    channel = await web.post("/api/notify/studio/test")
    assert channel["test"]["error"] == "it answered 401"
    refused = await web.post("/api/notify/phone/test", status=404)
    assert refused["error"]["code"] == "unknown_channel"


async def test_the_documentation_has_the_body_of_a_webhook(web: Any) -> None:
    document = await web.get("/openapi.json")
    said = document["webhooks"]["notice"]["post"]
    assert "webhook-signature" in said["description"]
    assert said["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/Hook")
    assert {"type", "timestamp", "data"} == document["components"]["schemas"]["Hook"]["properties"].keys()
