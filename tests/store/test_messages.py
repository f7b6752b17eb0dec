"""Looking for messages: whom they are to, what they are about, and the words in them; the same in every store."""

from __future__ import annotations

from typing import Any

import pytest

from echodeck.store import Batch, Event, Sought, Store


def message(text: str, source: str = "ada", **fields: Any) -> Event:
    payload = {"source": source, "message": text, "level": "info", "to": "", "jobId": "", **fields}
    return Event("communication", "messages", text, payload, 10.0)


@pytest.fixture
async def full(store: Store) -> Store:
    await store.append(Batch(events=[
        message("the lake is done"), Event("log", "logs", "x", {"message": "the lake"}, 10.0),
        message("come to the studio", to="bob", level="warning"), message("100% sure_thing \\ here", source="Bob"),
        message("wrong colours", jobId="j1", level="error"), message("Été à Paris")]))
    return store


@pytest.mark.parametrize(("sought", "expected"), [
    (Sought(), [1, 3, 4, 5, 6]),
    (Sought(to="bob"), [3]),
    (Sought(job_id="j1"), [5]),
    (Sought(levels=("warning", "error")), [3, 5]),
    (Sought(words=("LAKE",)), [1]),
    (Sought(words=("the", "studio")), [3]),
    (Sought(words=("bob",)), [4]),
    (Sought(words=("%",)), [4]),
    (Sought(words=("_",)), [4]),
    (Sought(words=("\\",)), [4]),
    (Sought(words=("été",)), []),
    (Sought(words=("Été",)), [6]),
    (Sought(to="bob", levels=("error",)), []),
])
async def test_what_is_found(full: Store, sought: Sought, expected: list[int]) -> None:
    assert [event.seq for event in await full.messages(sought)] == expected


async def test_the_newest_in_order_and_only_later_ones(full: Store) -> None:
    assert [event.seq for event in await full.messages(Sought(), limit=2)] == [5, 6]
    assert [event.seq for event in await full.messages(Sought(), after=4)] == [5, 6]
    assert await full.messages(Sought(), limit=0) == []
    assert (await full.messages(Sought(to="bob")))[0].payload["message"] == "come to the studio"
