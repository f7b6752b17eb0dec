"""`echodeck alerts`: shown, seen, silenced, and of a GPU forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest


def alert(id_: str, cause: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "cause": cause, "level": "warning", "title": f"{cause} is wrong", "message": "very",
            "at": f"2026-01-0{len(id_) % 9 + 1}T10:00:00.000Z", "count": 1, "acknowledgedBy": "",
            "acknowledgedAt": None, "resolvedAt": None, "silencedBy": "", "silencedUntil": None, **more}


@pytest.fixture
def deck(hub: Any, say: Any) -> Any:
    state, soon = say.initial(1), (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    state["payload"]["alerts"] = [alert("aa1", "disk", count=3, acknowledgedBy="ada"),
                                  alert("ab22", "leak", silencedBy="bob", silencedUntil=soon),
                                  alert("b333x", "heat", resolvedAt="2026-01-05T11:00:00.000Z")]
    hub.greeting = [state]
    hub.reply = lambda request: say.frame("ack", {"id": request["id"], "result": {"alert": alert(
        request["payload"]["alertId"], "disk", silencedUntil=soon if request["payload"].get("seconds") else None)}})
    return hub


def test_the_open_ones_are_shown_newest_first(run: Any, deck: Any) -> None:
    done = run("alerts", "--hub", deck.url)
    first, second = done.out.splitlines()
    assert "leak is wrong: very, silent until" in first
    assert second.endswith("warning  disk is wrong: very (3 times), seen by ada")
    assert len(run("alerts", "--all", "--hub", deck.url).out.splitlines()) == 3
    assert [one["id"] for one in run("alerts", "--json", "--hub", deck.url).json["alerts"]] == ["ab22", "aa1"]


def test_the_latest_jobs_are_named(run: Any, hub: Any, say: Any) -> None:
    state = say.initial(1)
    state["payload"]["alerts"] = [alert("a", "failed:x", count=5, jobs=["one", "two", "three", "four", "five"])]
    hub.greeting = [state]
    assert run("alerts", "--hub", hub.url).out.endswith("very (jobs five, four, three and 2 more)\n")


def test_nothing_wrong(run: Any, hub: Any) -> None:
    assert run("alerts", "--hub", hub.url).out == "all is well\n"


@pytest.mark.parametrize("named", ["aa", "aa1", "disk"])
def test_one_is_acknowledged(run: Any, deck: Any, named: str) -> None:
    assert run("alerts", "ack", named, "--hub", deck.url).out == "seen: disk is wrong\n"
    assert deck.said("acknowledge_alert")[0]["payload"] == {"alertId": "aa1"}


@pytest.mark.parametrize(("span", "seconds", "says"), [("1 h", 3600.0, "silent until"), ("8 h", 28_800.0, "silent"),
                                                       ("0 s", 0.0, "calls again: disk is wrong")])
def test_one_is_silenced(run: Any, deck: Any, span: str, seconds: float, says: str) -> None:
    done = run("alerts", "silence", "disk", "--for", span, "--hub", deck.url)
    assert (done.code, done.out.startswith(says)) == (0, True)
    assert deck.said("silence_alert")[0]["payload"] == {"alertId": "aa1", "seconds": seconds}


def test_what_is_wrong_is_refused_here(run: Any, deck: Any) -> None:
    done = run("alerts", "silence", "disk", "--for", "ever", "--json", "--hub", deck.url)
    assert (done.code, done.error["field"]) == (2, "--for")
    done = run("alerts", "ack", "a", "--hub", deck.url)
    assert (done.code, "begins 2 ids" in done.err) == (2, True)


def test_a_gpu_that_was_taken_out_is_forgotten(run: Any, hub: Any, say: Any) -> None:
    hub.reply = lambda request: say.frame("ack", {"id": request["id"], "result": {}})
    done = run("alerts", "forget", "studio", "1", "--hub", hub.url)
    assert (done.code, done.out) == (0, "forgotten: GPU 1 of studio\n")
    assert hub.said("forget_gpu")[0]["payload"] == {"host": "studio", "gpu": 1}
