"""Commands on several jobs, and on all."""

from __future__ import annotations

from typing import Any

import pytest

STATES = {"run-1": "running", "wait-1": "pending", "wait-2": "pending", "held-1": "paused", "done-1": "completed",
          "fail-1": "failed", "away-1": "cancelled"}


def view(job_id: str, status: str, request: str = "") -> dict[str, Any]:
    return {"jobId": job_id, "id": job_id, "title": job_id, "status": status, "request": request, "finishedAt": None}


@pytest.fixture
def deck(hub: Any, say: Any) -> Any:
    state = say.initial(1, [view(*item) for item in STATES.items()])
    order = ["run-1", "wait-1", "wait-2", "held-1"]
    state["payload"]["queue"] = {"order": order, "items": [], "stats": {}}
    hub.greeting = [state]
    return hub


def steered(deck: Any) -> list[str]:
    return [r["payload"]["jobId"] for r in deck.heard if r["type"] != "ping"]


def test_several_are_named(run: Any, deck: Any) -> None:
    done = run("pause", "run", "wait-2", "run-1", "--hub", deck.url)
    assert (done.code, done.out) == (0, "pausing run-1\npausing wait-2\n")
    assert steered(deck) == ["run-1", "wait-2"]


@pytest.mark.parametrize(("verb", "whose", "says"), [
    ("pause", ["wait-2", "wait-1", "run-1"], "pausing 3 jobs"),
    ("resume", ["held-1"], "resuming 1 job"),
    ("retry", ["fail-1", "away-1"], "queued again: 2 jobs"),
    ("remove", ["away-1", "fail-1", "done-1"], "removed 3 jobs"),
])
def test_all_are_those_it_applies_to(run: Any, deck: Any, verb: str, whose: list[str], says: str) -> None:
    done = run(verb, "--all", "--hub", deck.url)
    assert (done.code, done.out) == (0, says + "\n")
    assert steered(deck) == whose


def test_cancelling_all_is_confirmed(run: Any, deck: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("cancel", "--all", "--hub", deck.url)  # no terminal to ask at
    assert done.code == 2
    assert "this would cancel 4 jobs; say --yes" in done.err
    asked: list[str] = []

    def answer(agrees: bool) -> None:
        def confirm(text: str, *, abort: bool, err: bool) -> bool:
            asked.append(text)
            if not agrees:
                import typer

                raise typer.Abort
            return True

        monkeypatch.setattr("typer.confirm", confirm)

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    answer(agrees=False)
    assert run("cancel", "--all", "--hub", deck.url).code == 130
    assert steered(deck) == []
    answer(agrees=True)
    assert run("cancel", "--all", "--hub", deck.url).out == "cancelling 4 jobs\n"
    assert steered(deck) == ["held-1", "wait-2", "wait-1", "run-1"]  # none begins meanwhile
    assert asked == ["cancel 4 jobs?"] * 2
    assert run("cancel", "--all", "--yes", "--hub", deck.url).code == 0
    assert len(asked) == 2


def test_what_is_refused_keeps_no_other_from_it(run: Any, deck: Any, say: Any) -> None:
    def reply(request: dict[str, Any]) -> Any:
        if request["payload"]["jobId"] == "done-1":
            return say.frame("error", {"id": request["id"], "code": "illegal_transition", "message": "it has ended",
                                       "field": None})
        return say.frame("ack", {"id": request["id"], "result": {}})

    deck.reply = reply
    done = run("cancel", "done-1", "wait-1", "--hub", deck.url)
    assert (done.code, done.out) == (1, "cancelling wait-1\n")
    assert done.err == "echodeck: done-1: it has ended\n"
    done = run("cancel", "done-1", "wait-1", "--hub", deck.url, "--json")
    assert [job["jobId"] for job in done.json["jobs"]] == ["wait-1"]
    assert [(job["jobId"], job["code"]) for job in done.json["refused"]] == [("done-1", "illegal_transition")]


def test_nothing_to_do_is_no_fault(run: Any, hub: Any, say: Any) -> None:
    hub.greeting = [say.initial(1, [])]
    done = run("cancel", "--all", "--hub", hub.url)
    assert (done.code, done.out) == (0, "cancelling no jobs\n")


@pytest.mark.parametrize("arguments", [("cancel",), ("cancel", "a", "--all"), ("retry",)])
def test_either_names_or_all(run: Any, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert "name one job or several, or say --all" in done.err
