"""What people want of a job, heeded by threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.errors import Cancelled
from echodeck.tracking import wish as wishes
from echodeck.tracking.wish import Wish


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def wish(said: list[str]) -> Wish:
    return Wish(said.append, lambda: 0.0)


def heeding(wish: Wish, outcome: list[str]) -> threading.Thread:
    def work() -> None:
        try:
            wish.heed()
        except Cancelled:
            outcome.append("cancelled")
        else:
            outcome.append("went on")

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize(("then", "outcome"), [("resume", "went on"), ("cancel", "cancelled")])
def test_what_is_paused_waits_for_the_next_wish(wish: Wish, said: list[str], until: Callable[..., Any], then: str,
                                                outcome: str) -> None:
    found: list[str] = []
    wish.ask("pause")
    assert said == []  # nothing holds yet
    thread = heeding(wish, found)
    until("a pause", lambda: said == ["paused"])
    wish.ask("pause")
    assert said == ["paused", "paused"]  # asked again: it still does
    wish.ask(then)
    thread.join(20)
    assert found == [outcome]
    assert said == ["paused", "paused", "resumed"]


def test_of_several_threads_the_first_says_that_it_holds_and_the_last_that_it_goes_on(
        wish: Wish, said: list[str], until: Callable[..., Any]) -> None:
    found: list[str] = []
    wish.ask("pause")
    threads = [heeding(wish, found) for _ in range(5)]
    until("all", lambda: wish._holding == 5)
    wish.ask("resume")
    for thread in threads:
        thread.join(20)
    assert found == ["went on"] * 5
    assert said == ["paused", "resumed"]


def test_without_a_hub_for_long_it_goes_on_and_says_so(said: list[str], monkeypatch: pytest.MonkeyPatch,
                                                       caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(wishes, "CHECK_S", 0.01)
    wish = Wish(said.append, lambda: wishes.AWAY_S + 1.0)
    wish.ask("pause")
    wish.heed()
    assert said == ["paused", "resumed"]
    assert "its hub has been gone" in caplog.text


@given(st.lists(st.sampled_from(["pause", "resume", "cancel"])))
def test_a_cancel_is_never_taken_back(asked: list[str]) -> None:
    wish = Wish(lambda _: None, lambda: 0.0)
    for one in asked:
        wish.ask(one)
    last = asked[-1] if asked else ""
    assert wish.now == ("cancel" if "cancel" in asked else "pause" if last == "pause" else "")
