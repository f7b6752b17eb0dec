"""Asking, saying, and workflows' files, as somebody types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from echodeck.cli.question import flow, score
from echodeck.errors import BadField


@pytest.fixture
def deck(hub: Any, say: Any) -> Any:
    """A hub that answers questions, takes messages and workflows."""
    def reply(request: Any) -> Any:
        results: dict[str, Any] = {
            "query": {"answer": {"text": ["2 jobs are before it", "it should begin in about 4 min"], "start": "x"}},
            "communicate": {"id": "m1", "delivered": 1, "held": False},
            "workflow": {"workflowId": "w1", "jobIds": ["job-1", "job-2"]}}
        return say.frame("ack", {"id": request["id"], "result": results.get(request["type"], {})})

    state = say.initial(1, [{"jobId": "abcdef", "id": "abcdef", "title": "hills", "status": "pending"}])
    hub.greeting, hub.reply = [state], reply
    return hub


@pytest.mark.parametrize(("arguments", "payload"), [
    (("why", "abc"), {"what": "why", "jobId": "abcdef"}),
    (("estimate", "abc"), {"what": "estimate", "jobId": "abcdef"}),
    (("estimate", "--steps", "30"), {"what": "estimate", "job": {"steps": 30}}),
    (("plan",), {"what": "plan"}),
    (("plan", "--add", "0"), {"what": "plan", "add": [{"count": 0}]}),
    (("plan", "--add", "20", "--model", "sdxl"), {"what": "plan", "add": [{"model": "sdxl", "count": 20}]}),
    (("compare", "a", "b", "--width", "512"), {"what": "compare", "models": ["a", "b"], "job": {"width": 512},
                                               "count": 1}),
    (("recommend", "--quality", "final", "--count", "4"), {"what": "recommend", "quality": "final", "count": 4}),
    (("recommend", "--quality", "75", "--by", "2026-05-01T18:00Z"), {
        "what": "recommend", "quality": 75.0, "count": 1, "deadline": "2026-05-01T18:00:00+00:00"}),
    (("health",), {"what": "health"}),
])
def test_questions(run: Any, deck: Any, arguments: tuple[str, ...], payload: dict[str, Any]) -> None:
    done = run("ask", *arguments, "--hub", deck.url)
    assert done.code == 0, done.err
    assert done.out == "2 jobs are before it\nit should begin in about 4 min\n"
    assert {name: one for name, one in deck.said("query")[0]["payload"].items() if one is not None} == payload


@pytest.mark.parametrize(("arguments", "said"), [
    (("capacity", "x", "y"), "capacity: it is about no job and no model; leave out 'x'"),
    (("why", "abc", "def"), "why: it is about one job; leave out 'def'"),
    (("plan", "abc"), "plan: it is about no job and no model; leave out 'abc'"),
    (("why", "abc", "--steps", "3"), "--steps: 'why' does not mind it; leave it out"),
    (("plan", "--by", "18:00"), "--by: 'plan' does not mind it; leave it out"),
    (("estimate", "abc", "--steps", "3"), "--steps: the job is as it is; leave out one of the two"),
])
def test_what_a_question_would_pass_over_is_refused(
        run: Any, deck: Any, arguments: tuple[str, ...], said: str) -> None:
    done = run("ask", *arguments, "--hub", deck.url)
    assert (done.code, done.out, done.err) == (2, "", f"echodeck: {said}\n")
    assert not deck.said("query")


def test_an_answer_as_json_is_whole(run: Any, deck: Any) -> None:
    assert run("ask", "plan", "--json", "--hub", deck.url).json["start"] == "x"


def test_saying_something(run: Any, deck: Any) -> None:
    done = run("say", "brighter, please", "--job", "abc", "--level", "warning", "--hub", deck.url)
    assert (done.code, done.out) == (0, "said, brought to 1\n"), done.err
    assert deck.said("communicate")[0]["payload"] == {"message": "brighter, please", "level": "warning", "to": "",
                                                      "jobId": "abcdef"}


def test_saying_something_to_a_name_that_nobody_has(run: Any, hub: Any, say: Any) -> None:
    hub.reply = lambda request: say.frame("ack", {"id": request["id"], "result": {
        "id": "m1", "delivered": 0, "held": True, "names": ["studio", "ann"]}})
    done = run("say", "hello", "--to", "studoi", "--hub", hub.url)
    assert (done.code, done.out) == (0, "said, but nobody is known as 'studoi': it is kept until somebody of that name "
                                        "is here (known: studio, ann)\n"), done.err


@pytest.mark.parametrize(("name", "content"), [
    ("f.json", '[{"prompt": "a", "name": "x"}, {"prompt": "b", "after": ["x"]}]'),
    ("f.json", '{"jobs": [{"prompt": "a", "name": "x"}, {"prompt": "b", "after": ["x"]}], "on_failure": "continue"}'),
    ("f.toml", 'on_failure = "continue"\n[[jobs]]\nprompt = "a"\nname = "x"\n[[jobs]]\nprompt = "b"\nafter = ["x"]\n'),
])
def test_a_workflow_out_of_a_file(run: Any, deck: Any, tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    done = run("workflow", str(file), "--hub", deck.url)
    assert (done.code, done.out) == (0, "queued job-1 job-2\n"), done.err
    payload = deck.said("workflow")[0]["payload"]
    assert payload["jobs"] == [{"prompt": "a", "name": "x"}, {"prompt": "b", "after": ["x"]}]
    assert payload["onFailure"] == ("continue" if "continue" in content else "cancel")


@pytest.mark.parametrize(("name", "content", "said"), [
    ("f.json", "{nonsense", "is not JSON"), ("f.toml", "= 3", "is not TOML"), ("f.json", "3", "no list of jobs"),
    ("f.json", '{"jobs": [{}], "onfail": "continue"}', "has 'onfail', which no workflow has; there are jobs, "),
    ("f.json", '{"jobs": [3]}', "no list of jobs"), ("f.json", "\x00\xff", "is not JSON"),
])
def test_a_file_that_is_no_workflow(run: Any, deck: Any, tmp_path: Path, name: str, content: str, said: str) -> None:
    file = tmp_path / name
    file.write_bytes(content.encode("latin-1"))
    done = run("workflow", str(file), "--json", "--hub", deck.url)
    assert done.code == 2
    assert (done.error["field"], said in done.error["message"]) == ("FILE", True)
    assert deck.said("workflow") == []


def test_a_file_that_is_not_there_or_too_large(tmp_path: Path) -> None:
    with pytest.raises(BadField, match="cannot be read"):
        flow(tmp_path / "nowhere.json")
    large = tmp_path / "large.json"
    large.write_text(json.dumps(["x" * (1 << 20)]), encoding="utf-8")
    with pytest.raises(BadField, match="bytes"):
        flow(large)


def test_scores() -> None:
    assert (score("75"), score("final"), score(None)) == (75.0, "final", None)


def test_messages_are_listed(run: Callable[..., Any], deck: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    async def get(self: Any, path: str, **query: Any) -> Any:
        asked.append((path, query))
        return {"messages": [{"source": "ada", "message": "hi\x1b[2J", "level": "warning", "to": "bob",
                              "jobId": "abcdef", "at": "2026-05-01T10:00:00Z", "seq": 1}], "seq": 1}

    monkeypatch.setattr("echodeck.client.line.Rest.get", get)
    done = run("messages", "two", "words", "--to", "bob", "--hub", deck.url)
    assert done.code == 0, done.err
    assert "ada → bob (job abcdef): warning: hi\ufffd[2J" in done.out
    assert asked == [("/api/messages", {"to": "bob", "job": "", "q": "two words", "level": "", "after": 0,
                                        "limit": 50})]
