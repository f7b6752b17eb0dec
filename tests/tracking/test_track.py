"""`track` with a real hub, with none, with one that dies and one that hangs."""

from __future__ import annotations

import io
import logging
import shutil
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import echodeck
from echodeck.errors import BadField, Cancelled
from echodeck.tracking import link as links
from echodeck.tracking import wish as wishes
from echodeck.tracking.liaison import Liaison

pytestmark = pytest.mark.slow


def view(seen: Any, job_id: str) -> dict[str, Any]:
    return seen.board.get("jobs", job_id) or {}


def test_a_block_is_a_job_with_its_stages_figures_and_pictures(told: Any, seen: Any, until: Any) -> None:
    with echodeck.track("hero shot", total=4, model="sdxl", width=64, height=32, prompt="dusk") as job:
        job.stage("load")
        job.stage("sample")
        for n in range(4):
            job.step(preview=np.full((32, 64, 3), 60 * n, np.uint8))
            job.metric("loss", 1.0 / (n + 1))
        until("a picture", lambda: seen.board.get("previews", job.id))
        job.stage("decode")
        job.log("nearly there", "warning")
        job.output(np.zeros((32, 64, 3), np.uint8))
    done = until("its end", lambda: view(seen, job.id).get("status") == "completed" and view(seen, job.id))
    assert (done["title"], done["model"], done["resolution"], done["origin"], done["prompt"]) == (
        "hero shot", "sdxl", "64×32", "script", "dusk")
    assert [(one["name"], one["status"], one["step"]) for one in done["stages"]] == [
        ("load", "completed", 0), ("sample", "completed", 4), ("decode", "completed", 0)]
    assert done["metrics"] == {"loss": 0.25}
    assert (done["outputs"][0]["width"], Path(done["outputs"][0]["path"]).is_file()) == (64, True)
    until("the line", lambda: any(line["message"] == "nearly there" for line in seen.board.all("logs").values()))


def test_an_iterable_is_one_step_an_item(told: Any, seen: Any, until: Any) -> None:
    assert list(echodeck.track(range(5), "render")) == [0, 1, 2, 3, 4]
    done = until("its end", lambda: next((one for one in seen.board.all("jobs").values()
                                          if one["status"] == "completed"), None))
    assert (done["title"], done["stages"][0]["step"], done["stages"][0]["steps"]) == ("render", 5, 5)


def test_a_loop_left_by_a_break_is_done_with_what_was_done(told: Any, seen: Any, until: Any) -> None:
    for n in echodeck.track(range(100), "search"):
        if n == 3:
            break
    until("its end", lambda: [one["status"] for one in seen.board.all("jobs").values()] == ["completed"])


def test_pausing_holds_the_script_and_cancelling_ends_it(told: Any, seen: Any, until: Any) -> None:
    steps: list[int] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            with job:
                for n in range(10_000):
                    steps.append(n)
                    job.step()
                    time.sleep(0.01)
        except Cancelled as error:
            raised.append(error)

    job = echodeck.track("long", total=10_000)
    thread = threading.Thread(target=work)
    thread.start()
    until("steps", lambda: view(seen, job.id).get("currentStep", 0) > 3)
    seen.pause(job.id)
    until("pause", lambda: view(seen, job.id)["status"] == "paused")
    held = len(steps)
    time.sleep(0.2)  # what holds makes no step: there is nothing that could be waited for
    assert len(steps) == held
    seen.resume(job.id)
    until("resume", lambda: view(seen, job.id)["status"] == "running" and len(steps) > held)
    seen.cancel(job.id)
    thread.join(20)
    until("its end", lambda: view(seen, job.id)["status"] == "cancelled")
    assert len(raised) == 1


def test_a_failure_says_what_it_was(told: Any, seen: Any, until: Any) -> None:
    job = echodeck.track("bad", total=3)

    def fail() -> None:
        with job:
            job.step()
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        fail()
    found = until("its end", lambda: view(seen, job.id).get("status") == "failed" and view(seen, job.id))
    assert found["error"] == "ZeroDivisionError: division by zero"
    assert "test_track.py" in found["errorDetail"]


def test_several_jobs_in_several_threads(told: Any, seen: Any, until: Any) -> None:
    def work(n: int) -> None:
        with echodeck.track(f"part {n}", total=50) as job:
            for _ in range(50):
                job.step()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until("all of them", lambda: sorted((one["title"], one["status"], one["stages"][0]["step"])
                                        for one in seen.board.all("jobs").values() if one["stages"]) == [
        (f"part {n}", "completed", 50) for n in range(4)])


def test_what_happened_without_a_hub_arrives_when_it_is_back(told: Any, until: Any) -> None:
    with echodeck.connect(told.url) as seen, echodeck.track("long", total=1000) as job:
        job.step()
        until("it", lambda: view(seen, job.id).get("currentStep") == 1)
        told.kill()
        until("the loss", lambda: links.link().gone_s() > 0)
        for _ in range(399):
            job.step()
        told.start()
        until("what happened meanwhile", lambda: view(seen, job.id).get("currentStep") == 400)
        assert view(seen, job.id)["status"] == "running"
        until("the samples", lambda: len(seen.client.rest.ask(f"/api/generations/{job.id}/trail")["steps"]) > 1)


def test_a_hub_that_comes_late_is_told_from_the_beginning(alone: None, hub: Any, until: Any,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    hub.kill()
    monkeypatch.setenv("ECHODECK_HUB", hub.url)
    with echodeck.track("early", total=10) as job:
        job.stage("load")
        for _ in range(5):
            job.step()
        hub.start()
        with echodeck.connect(hub.url) as seen:
            until("it", lambda: view(seen, job.id).get("currentStep") == 5)


def test_a_job_that_is_held_goes_on_when_its_hub_has_been_gone_too_long(told: Any, seen: Any, until: Any,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wishes, "AWAY_S", 0.5)
    monkeypatch.setattr(wishes, "CHECK_S", 0.05)
    job = echodeck.track("long", total=10)
    went_on = threading.Event()

    def work() -> None:
        with job:
            until("the wish", lambda: job.wish.now)
            job.step()
            went_on.set()

    thread = threading.Thread(target=work)
    thread.start()
    until("it", lambda: view(seen, job.id).get("status") == "running")
    seen.pause(job.id)
    until("pause", lambda: view(seen, job.id)["status"] == "paused")
    told.kill()
    assert went_on.wait(20)
    thread.join(20)


def test_a_hub_that_hangs_is_not_noticed(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("ECHODECK_HUB", f"http://127.0.0.1:{listener.getsockname()[1]}")
        with echodeck.track("long", total=100) as job:
            for _ in range(100):
                job.step()
        assert not links.link()._finished.is_set()


def test_nothing_wrong_that_is_said_breaks_the_script(told: Any, seen: Any, until: Any,
                                                      caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), echodeck.track("odd", total=3) as job:
        job.step(preview=object())
        job.step(preview=lambda: 1 / 0)
        job.metric("loss", "many")  # type: ignore[arg-type]
        job.metric("loss", float("nan"))
        job.step("two")  # type: ignore[arg-type]
        job.log("a file \udcff")
        job.describe(width="wide", steps=None)
        job.describe(colour="red")
        job.output("/nowhere/at/all.png")
        job.stage("s" * 5000)
        job.stage("\udcff")
        job.step(np.int64(2))
        until("what came after", lambda: view(seen, job.id).get("currentStep") == 2)
    done = until("its end", lambda: view(seen, job.id).get("status") == "completed" and view(seen, job.id))
    assert done["metrics"] == {}
    for said in ("a preview of odd could not be told", "an output of odd could not be kept", "no 'colour'",
                 "a step of so many: n: must be a whole number", "width: must be a whole number"):
        assert said in caplog.text
    assert caplog.text.count("no finite number") == 1
    assert "refuses" not in caplog.text


def test_the_end_of_a_job_arrives_when_its_hub_is_back(told: Any, until: Any) -> None:
    with echodeck.connect(told.url) as seen:
        with echodeck.track("short", total=5) as job:
            job.step()
            until("it", lambda: view(seen, job.id).get("currentStep") == 1)
            told.kill()
            until("the loss", lambda: links.link().gone_s() > 0)
            for _ in range(4):
                job.step()
        told.start()
        until("its end", lambda: view(seen, job.id).get("status") == "completed")
        assert view(seen, job.id)["stages"][0]["step"] == 5


def test_a_job_that_the_hub_took_for_lost_comes_back(told: Any, seen: Any, until: Any,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    with echodeck.track("slept", total=5) as job:
        job.step()
        until("it", lambda: view(seen, job.id).get("currentStep") == 1)
        with monkeypatch.context() as asleep:  # as of a machine that sleeps: the connection stays, no sign of life
            asleep.setattr(Liaison, "_in_hand", lambda liaison: [])
            until("the loss", lambda: view(seen, job.id)["status"] == "failed")
        until("its return", lambda: view(seen, job.id)["status"] == "running")
        job.step()
    until("its end", lambda: view(seen, job.id)["status"] == "completed")


def test_every_step_of_a_fast_loop_counts(told: Any, seen: Any, until: Any) -> None:
    with echodeck.track("fast") as job:
        for _ in echodeck.track(iter(range(1_000_000)), "faster"):
            job.step()
    ended = until("both ends", lambda: (all_ := [*seen.board.all("jobs").values()]) and len(all_) == 2 and all(
        one["status"] == "completed" for one in all_) and all_)
    assert [one["stages"][0]["step"] for one in ended] == [1_000_000] * 2


def test_a_cell_that_fails_in_the_loop_has_failed(told: Any, seen: Any, until: Any,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in echodeck.track(range(5), "cell"):
        break
    # As IPython does after a cell: the process goes on.
    monkeypatch.setattr("sys.last_value", ValueError("no"), raising=False)
    found = until("its end", lambda: next((one for one in seen.board.all("jobs").values()
                                           if one["status"] == "failed"), None))
    assert found["error"] == "ValueError: no"


def test_it_says_what_it_is_and_where(told: Any, until: Any) -> None:
    with echodeck.track("hero", prompt="dusk") as job:
        assert job.title == "hero"
        until("its address", lambda: job.url == f"{told.url}/api/generations/{job.id}")


def test_a_link_that_broke_holds_nobody(alone: None, until: Any, monkeypatch: pytest.MonkeyPatch,
                                        caplog: pytest.LogCaptureFixture) -> None:
    def broken(link: links.Link) -> None:
        raise RuntimeError("of our own making")

    monkeypatch.setattr(links.Link, "_look", broken)
    job = echodeck.track("held", total=3)
    job.wish.ask("pause")
    with job:
        job.step()
        until("its end", lambda: not links.link()._thread.is_alive())
        job.step()
    assert "cannot be watched any more" in caplog.text


@pytest.mark.parametrize("total", [-1, 2.5, "many", True])
def test_a_wrong_total_is_said_at_once(total: Any) -> None:
    with pytest.raises(BadField, match="total"):
        echodeck.track("x", total=total)


def test_what_is_neither_a_title_nor_an_iterable() -> None:
    with pytest.raises(TypeError, match="title or an iterable"):
        echodeck.track(5)  # type: ignore[call-overload]


def test_a_hub_that_has_forgotten_everything_is_told_again(told: Any, until: Any) -> None:
    with echodeck.connect(told.url) as seen, echodeck.track("long", total=100, model="sdxl") as job:
        job.step(7)
        until("it", lambda: view(seen, job.id).get("currentStep") == 7)
        told.kill()
        shutil.rmtree(told.data)
        job.step(2)
        told.start()
        again = until("it again", lambda: view(seen, job.id).get("currentStep") == 9 and view(seen, job.id))
        assert (again["title"], again["model"], again["stages"][0]["steps"]) == ("long", "sdxl", 100)
        assert job.url == f"{told.url}/api/generations/{job.id}"
        assert seen.client.rest.ask(job.url.removeprefix(told.url))["jobId"] == job.id


def test_a_slow_picture_or_file_holds_up_nothing_else(told: Any, seen: Any, until: Any) -> None:
    go_on = threading.Event()

    def slow() -> np.ndarray[Any, Any]:
        assert go_on.wait(20)
        return np.zeros((8, 8, 3), np.uint8)

    with echodeck.track("slow", total=9) as slowed, echodeck.track("quick", total=9) as quick:
        slowed.step(preview=slow)
        slowed.output(slow)
        slowed.step()
        quick.step(5)
        until("the quick one", lambda: view(seen, quick.id).get("currentStep") == 5)
        assert view(seen, slowed.id).get("currentStep") == 1
        go_on.set()
        until("the slow one", lambda: view(seen, slowed.id).get("currentStep") == 2)


def test_without_a_hub_nobody_looks_at_pictures(alone: None, until: Any) -> None:
    looked: list[int] = []
    with echodeck.track("a", total=2) as job:
        job.step(preview=lambda: looked.append(1))
        until("the step", lambda: links.link()._told[job.id]._story.done == 1 if links.link()._told else False)
    assert looked == []


@pytest.mark.parametrize("broken", [True, False])
def test_a_terminal_that_is_gone_is_not_noticed(alone: None, until: Any, monkeypatch: pytest.MonkeyPatch,
                                                broken: bool) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    if broken:
        written.close()
    with echodeck.track("a", total=2, bar=True) as job:
        job.step()
        until("a try to draw", lambda: (told := links.link()._told.get(job.id)) and told._drawn and not told._drawing)
        job.step()
    until("its end", lambda: not links.link()._told)
    links.link().finish(10.0)
    assert broken or "2/2" in written.getvalue()


def test_where_there_is_a_terminal_it_is_said_once_who_watches(told: Any, until: Any,
                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", terminal)
    for title in ("a", "b"):
        with echodeck.track(title, total=2, bar=True):
            until("a hub", lambda: links.link().gone_s() == 0 and terminal.getvalue())
    assert terminal.getvalue() == f"echodeck: told to the hub at {told.url}\n"


def test_one_that_has_ended_does_not_begin_again(alone: None, caplog: pytest.LogCaptureFixture) -> None:
    job = echodeck.track("a")
    for _ in range(3):
        with job:
            job.step()
    assert caplog.text.count("has begun already") == 1
