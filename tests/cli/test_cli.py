"""The commands against a scripted hub: what they ask, what they print, how they exit."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from echodeck.cli import show


def view(job_id: str, status: str = "pending", **more: Any) -> dict[str, Any]:
    return {"jobId": job_id, "id": job_id, "title": f"title of {job_id}", "status": status, "request": "",
            "progress": 100.0 if status == "completed" else 0.0, "stage": "", "currentStep": 0, "totalSteps": 0,
            "eta": None, "etaAt": None, "model": "sketch-s", "resolution": "256×256", "priority": 0, "user": "ann",
            "position": None, "expectedStart": None, "error": None, "finishedAt": None, **more}


@pytest.fixture
def deck(hub: Any, say: Any) -> Any:
    """A hub with a running job, two that wait, and one that has ended."""
    jobs = [view("done-1", "completed"), view("bbbb-2222", position=1), view("aaaa-1111", position=0),
            view("aaaa-9999", "running", progress=41.5, stage="sample", currentStep=4, totalSteps=10, eta=30.0)]
    state = say.initial(4, jobs)
    order = ["aaaa-9999", "aaaa-1111", "bbbb-2222"]
    state["payload"]["queue"] = {"order": order, "items": [], "stats": {"pending": 2, "running": 1}}
    hub.greeting = [state]
    return hub


def test_no_hub_is_one_line_and_an_exit_code(run: Any) -> None:
    done = run("queue", "--hub", "http://127.0.0.1:9")
    assert done.code == 3
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert "no hub answers at http://127.0.0.1:9 (connection refused)" in done.err
    done = run("status", "--json", "--hub", "http://127.0.0.1:9")
    assert done.error["code"] == "hub_unreachable"


def test_the_hub_can_be_named_by_the_environment(run: Any, deck: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHODECK_HUB", deck.url)
    assert run("queue").code == 0


@pytest.mark.parametrize(("arguments", "says"), [
    (("queue", "--nope"), "No such option"),
    (("nonsense",), "No such command"),
    (("submit", "x", "--count", "many"), "--count"),
    (("queue", "--hub", "ftp://x"), "no hub's address"),
    (("move", "a"), "up, down, top or bottom"),
    (("move", "a", "up", "--place", "1"), "up, down, top or bottom"),
    (("up", "--port", "99999"), "--port: a port is 0 to 65535"),
])
def test_wrong_usage_is_2(run: Any, arguments: tuple[str, ...], says: str) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err
    done = run(*arguments, "--json")
    assert done.code == 2
    assert says in done.error["message"] or arguments == ("nonsense",)


def test_help_says_the_exit_codes(run: Any) -> None:
    for arguments in (("--help",), ("submit", "-h"), ("watch", "--help")):
        done = run(*arguments)
        assert done.code == 0
        assert "no hub answers" in " ".join(done.out.split())
    assert run("--version").out.startswith("echodeck ")


def test_submit_sends_what_was_given_and_nothing_else(run: Any, deck: Any, say: Any) -> None:
    deck.reply = lambda r: say.frame("ack", {"id": r["id"], "result": {"jobIds": ["n-1", "n-2"], "jobs": []}})
    done = run("submit", "warm hills", "--model", "sketch-m", "--width", "128", "--count", "2", "--priority", "5",
               "--user", "ben", "--hub", deck.url)
    assert (done.code, done.out) == (0, "queued n-1 n-2\n")
    assert deck.said("submit")[0]["payload"] == {
        "prompt": "warm hills", "model": "sketch-m", "width": 128, "count": 2, "priority": 5}
    assert deck.queries[0]["user"] == "ben"
    assert run("submit", "x", "--json", "--hub", deck.url).json == {"jobIds": ["n-1", "n-2"], "jobs": []}
    assert deck.said("submit")[1]["payload"]["priority"] == "normal"


@pytest.mark.parametrize(("code", "exit_code"), [
    ("bad_field", 2), ("unknown_job", 2), ("too_large", 2), ("illegal_transition", 1), ("store_unavailable", 1),
])
def test_a_refusal_has_its_exit_code(run: Any, deck: Any, say: Any, code: str, exit_code: int) -> None:
    deck.reply = lambda r: say.frame("error", {"id": r["id"], "code": code, "message": "width: no\nno", "field": "f"})
    done = run("cancel", "bbbb-2222", "--hub", deck.url)
    assert done.code == exit_code
    assert done.err == "echodeck: width: no no\n" or code == "bad_field"
    assert run("cancel", "bbbb-2222", "--hub", deck.url, "--json").error["code"] == code


def test_a_job_is_known_by_the_beginning_of_its_id(run: Any, deck: Any) -> None:
    assert run("pause", "b", "--hub", deck.url).out == "pausing bbbb-222\n"
    assert deck.said("generation_command")[0]["payload"] == {"jobId": "bbbb-2222", "command": "pause"}
    done = run("pause", "aaaa", "--hub", deck.url)
    assert done.code == 2
    assert "'aaaa' begins 2 ids: aaaa-1111, aaaa-9999" in done.err
    run("resume", "unknown", "--hub", deck.url)  # the hub is the judge of that
    assert deck.said("generation_command")[1]["payload"]["jobId"] == "unknown"


def test_every_verb_says_its_own(run: Any, deck: Any) -> None:
    for arguments in (("resume", "b"), ("cancel", "b"), ("retry", "done"), ("remove", "done"), ("move", "b", "top"),
                      ("move", "b", "--before", "aaaa-1"), ("move", "b", "--place", "0"), ("clear",)):
        assert run(*arguments, "--hub", deck.url, "--json").code == 0
    said = [(r["type"], r["payload"]) for r in deck.heard if r["type"] != "ping"]
    assert said == [
        ("generation_command", {"jobId": "bbbb-2222", "command": "resume"}),
        ("generation_command", {"jobId": "bbbb-2222", "command": "cancel"}),
        ("retry", {"jobId": "done-1"}),
        ("remove", {"jobId": "done-1"}),
        ("move", {"jobId": "bbbb-2222", "direction": "top"}),
        ("move", {"jobId": "bbbb-2222", "before": "aaaa-1111"}),
        ("move", {"jobId": "bbbb-2222", "place": 0}),
        ("clear_completed", {}),
    ]


def test_the_queue_is_shown_in_its_order(run: Any, deck: Any) -> None:
    done = run("queue", "--hub", deck.url)
    assert done.out.index("title of aaaa-9999") < done.out.index("aaaa-1111"[:8]) < done.out.index("bbbb-222")
    assert "41 %" in done.out
    assert "done-1" not in done.out
    assert "2 pending, 1 running" in done.out
    found = run("queue", "--hub", deck.url, "--json", "--all").json
    assert [job["jobId"] for job in found["jobs"]] == ["aaaa-9999", "aaaa-1111", "bbbb-2222", "done-1"]
    assert found["stats"] == {"pending": 2, "running": 1}


def test_markup_in_a_title_is_text(run: Any, hub: Any, say: Any) -> None:
    hub.greeting = [say.initial(1, [view("a", title="[red]x[/nope]")])]
    assert "[red]x[/nope]" in run("queue", "--hub", hub.url).out


def test_status_is_one_document(run: Any, deck: Any, say: Any) -> None:
    host = {"name": "box", "cpu_percent": 12.0, "memory_used_bytes": 1, "memory_total_bytes": 4, "gpus": []}
    agent = {"id": "box-1", "status": "online", "metadata": {"host": "box", "seen": None}}
    deck.greeting[0]["payload"] |= {"hosts": [host], "agents": [agent]}
    found = run("status", "--hub", deck.url, "--json").json
    assert found["queue"] == {"pending": 2, "running": 1}
    assert found["latency_s"] is not None
    text = run("status", "--hub", deck.url).out
    assert "box: CPU 12 %, memory 25 %" in text


def test_a_machine_can_be_forgotten(run: Any, deck: Any, say: Any) -> None:
    deck.reply = lambda r: say.frame("ack", {"id": r["id"], "result": {"host": r["payload"]["host"]}})
    done = run("forget", "attic (2)", "--hub", deck.url)
    assert (done.code, done.out) == (0, "forgot attic (2)\n")
    deck.reply = lambda r: say.frame("error", {"id": r["id"], "code": "illegal_transition", "field": "command",
                                               "message": "command: cannot forget attic: it is heard from"})
    assert "it is heard from" in run("forget", "attic", "--hub", deck.url).err


def test_status_says_who_is_away_and_since_when(run: Any, deck: Any) -> None:
    seen = datetime(2026, 1, 1, 12, tzinfo=UTC)
    at = {"at_s": seen.timestamp(), "period_s": 1.0, "cpu_percent": 12.0, "memory_used_bytes": 1,
          "memory_total_bytes": 4}
    state = deck.greeting[0]["payload"]
    state["hosts"] = [{"name": "gone", **at}, {"name": "old", **at}, {"name": "mute", **at, "at_s": at["at_s"] - 60},
                      {"name": "well", **at}]
    state["agents"] = [
        {"id": name, "status": status, "metadata": {"host": name, "seen": seen.isoformat()}}
        for name, status in (("gone", "offline"), ("mute", "online"), ("well", "busy"))]
    text = run("status", "--hub", deck.url).out
    local = seen.astimezone()
    assert f"machine   gone: offline since {local:%Y-%m-%d %H:%M:%S}\n" in text
    assert f"machine   old: silent since {local:%Y-%m-%d %H:%M:%S}\n" in text
    assert f"machine   mute: not measured since {local - timedelta(seconds=60):%Y-%m-%d %H:%M:%S}\n" in text
    assert "machine   well: CPU 12 %" in text
    assert f"agent     gone: offline since {local:%Y-%m-%d %H:%M:%S}\n" in text
    assert "agent     mute: online\n" in text


def test_clear_says_what_it_clears(run: Any) -> None:
    said = " ".join(run("clear", "--help").out.split())
    assert "completed jobs" in said
    assert "failed and cancelled ones stay" in said


def sequence(hub: Any, say: Any, *steps: dict[str, Any]) -> None:
    """After a client's first request, tells these jobs' values."""

    def reply(request: dict[str, Any]) -> Any:
        async def tell() -> None:
            for step in steps:
                await hub.say(say.frame("generation_progress", step))
                await asyncio.sleep(0)

        asyncio.get_running_loop().call_soon(lambda: hub.tasks.append(asyncio.ensure_future(tell())))
        return say.frame("ack", {"id": request["id"], "result": {"jobIds": ["new"], "jobs": [view("new")]}})

    hub.tasks = []
    hub.reply = reply


@pytest.mark.parametrize(("end", "code"), [("completed", 0), ("failed", 1), ("cancelled", 1)])
def test_submit_can_wait_for_the_end(run: Any, hub: Any, say: Any, end: str, code: int) -> None:
    middle = view("new", "running", progress=50.0, stage="sample", currentStep=5, totalSteps=10)
    sequence(hub, say, view("new"), middle, view("new", end, error="out of memory" if end == "failed" else None))
    done = run("submit", "x", "--wait", "--hub", hub.url)
    assert done.code == code
    assert f"new {end}" in done.out
    assert ("out of memory" in done.out) == (end == "failed")
    sequence(hub, say, view("new"), middle, view("new", end))
    done = run("submit", "x", "--wait", "--json", "--hub", hub.url)
    assert done.code == code
    assert done.json["jobs"][0]["status"] == end


def test_a_pipe_gets_a_line_a_change_of_note(capsys: pytest.CaptureFixture[str]) -> None:
    lines = show._Lines(show.job_line, 10.0)
    job = view("new", "running", stage="sample", currentStep=5, totalSteps=10)
    for percent in (50.0, 52.0, 59.9, 60.0):
        lines([{**job, "progress": percent}])
    lines([{**job, "status": "paused", "progress": 60.0}])
    assert [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()] == [
        "new running 50 % (sample, step 5 of 10)", "new running 60 % (sample, step 5 of 10)",
        "new paused 60 % (sample, step 5 of 10)"]


def test_watching_a_job_that_has_ended_returns_at_once(run: Any, deck: Any) -> None:
    done = run("watch", "done", "--hub", deck.url, "--json")
    assert done.code == 0
    assert [json.loads(line)["jobId"] for line in done.out.splitlines()] == ["done-1"]
    assert run("watch", "nothing", "--hub", deck.url).code == 2


def test_watching_a_job_that_is_removed_ends(run: Any, hub: Any, say: Any) -> None:
    hub.greeting = [say.initial(1, [view("a")]), say.frame("generation_removed", {"jobId": "a"}, 2)]
    done = run("watch", "a", "--hub", hub.url)
    assert done.code == 2


def test_bars_have_the_state_in_words_and_percent(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    screen = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115 - closed with the process
    screen.print(show.bars([view("a", "running", progress=30.0, stage="sample", currentStep=3, totalSteps=10, eta=7),
                            view("b", "failed", error="too big", title="[b]t")]))
    screen.file.close()
    text = screen.export_text()
    assert "sample 3/10" in text
    assert "30 %" in text
    assert "7 s" in text
    assert "too big" in text
    assert "[b]t" in text


def test_what_is_left_counts_on_while_it_runs() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    job = view("a", "running", eta=30.0, etaAt=at.isoformat())
    assert show.left_s(job, at + timedelta(seconds=12)) == 18.0
    assert show.left_s(job, at + timedelta(seconds=99)) == 0.0
    assert show.left_s({**job, "status": "paused"}, at + timedelta(seconds=12)) == 30.0
    assert [show.span(s) for s in (None, 0.4, 59.6, 185, 3723, float("inf"))] == \
        ["–", "0 s", "1:00", "3:05", "1:02:03", "–"]


def test_an_error_of_ours_is_one_line_too(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echodeck.cli.with_hub", lambda *_: 1 / 0)
    done = run("queue")
    assert done.code == 1
    assert "unexpected error: ZeroDivisionError" in done.err
    assert done.err.count("\n") == 1


def test_ctrl_c_is_quiet(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("echodeck.cli.ask.settings_of", interrupted)
    done = run("queue")
    assert (done.code, done.out, done.err) == (130, "", "")
