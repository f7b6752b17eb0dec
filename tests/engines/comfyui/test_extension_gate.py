"""Holding a prompt, in a stand-in for the inside of ComfyUI: a real loop in a thread stands still and goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .inside import BROWSER, MONITOR, ComfyUI, Interrupted, Socket, load, running

Sampling = tuple[threading.Thread, list[int], list[BaseException]]


@pytest.fixture
def comfyui() -> Iterator[ComfyUI]:
    with running(ComfyUI()) as server:
        yield server


@pytest.fixture
def extension(comfyui: ComfyUI) -> Any:
    module = load(comfyui, comfyui.utils, comfyui.management, comfyui.execution)
    comfyui.hijack_progress()
    return module


@pytest.fixture
def sampling(comfyui: ComfyUI) -> Iterator[Callable[[int], Sampling]]:
    """Samples so many steps in a thread: the thread, the steps made, and what it raised."""
    started: list[threading.Thread] = []

    def start(steps: int) -> Sampling:
        made: list[int] = []
        raised: list[BaseException] = []

        def work() -> None:
            try:
                comfyui.sample(steps, made)
            except Interrupted as error:
                raised.append(error)

        started.append(threading.Thread(target=work))
        started[-1].start()
        return started[-1], made, raised

    yield start
    comfyui.interrupted = True
    for thread in started:
        thread.join(10)


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def told(socket: Socket, kind: str) -> list[Any]:
    return [frame["data"] for frame in socket.texts(kind)]


def test_a_held_prompt_stands_at_a_step_and_goes_on(comfyui: ComfyUI, extension: Any,
                                                    sampling: Callable[[int], Sampling]) -> None:
    monitor = comfyui.monitor()
    assert comfyui.hold() == (200, {"held": "p"})
    thread, made, _ = sampling(4)
    until(lambda: told(monitor, "echodeck.held"))
    assert (comfyui.state()["held"], comfyui.state()["holding"]) == ("p", True)
    time.sleep(0.2)  # what stands makes no step: there is nothing that could be waited for
    assert made == [1]
    assert [one for one, _ in comfyui.to(BROWSER)] == ["progress"], "its step was told before"
    assert comfyui.hold(False) == (200, {"held": None})
    thread.join(10)
    comfyui.settle()
    assert made == [1, 2, 3, 4]
    assert told(monitor, "echodeck.held") == told(monitor, "echodeck.released") == [{"prompt_id": "p", "node": "3"}]


def test_it_can_be_held_again(comfyui: ComfyUI, extension: Any, sampling: Callable[[int], Sampling]) -> None:
    for _ in range(2):
        comfyui.hold()
        thread, made, _ = sampling(2)
        until(lambda: comfyui.state()["holding"])
        assert made == [1]
        comfyui.hold(False)
        thread.join(10)
        assert made == [1, 2]


def test_an_interruption_ends_one_that_stands_at_once(comfyui: ComfyUI, extension: Any,
                                                      sampling: Callable[[int], Sampling]) -> None:
    monitor = comfyui.monitor()
    comfyui.hold()
    thread, made, raised = sampling(4)
    until(lambda: comfyui.state()["holding"])
    comfyui.interrupted = True
    thread.join(10)
    comfyui.settle()
    assert (made, len(raised)) == ([1], 1), "no step is made for what is thrown away"
    assert told(monitor, "echodeck.released")


def test_only_what_runs_can_be_held(comfyui: ComfyUI, extension: Any) -> None:
    status, answer = comfyui.hold(prompt_id="q")
    assert (status, answer) == (409, {"error": "that prompt does not run"})
    assert comfyui.hold(False, "q") == (200, {"held": None})
    comfyui.end()
    assert comfyui.hold()[0] == 409


@pytest.mark.parametrize("body", [None, [], {"hold": True}, {"prompt_id": "p"}, {"prompt_id": 1, "hold": True},
                                  {"prompt_id": "p", "hold": "yes"}])
def test_what_makes_no_sense_is_refused(comfyui: ComfyUI, extension: Any, body: Any) -> None:
    assert comfyui.ask("POST", "/echodeck/hold", body)[0] == 400


def test_another_sites_page_cannot_post_to_it_unasked(comfyui: ComfyUI, extension: Any) -> None:
    body = {"prompt_id": "p", "hold": True}
    assert comfyui.ask("POST", "/echodeck/hold", body, "text/plain")[0] == 400
    assert comfyui.state()["held"] is None


def test_a_hold_ends_with_its_prompt(comfyui: ComfyUI, extension: Any, sampling: Callable[[int], Sampling]) -> None:
    comfyui.hold()
    comfyui.end()
    assert comfyui.state()["held"] is None
    comfyui.prompt_queue.currently_running[0] = [1, "p", {}, {}, []]  # queued again with the same id
    thread, made, _ = sampling(3)
    thread.join(10)
    assert made == [1, 2, 3]


def test_one_that_nobody_could_release_goes_on(comfyui: ComfyUI, extension: Any, sampling: Callable[[int], Sampling],
                                               monkeypatch: pytest.MonkeyPatch,
                                               caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(extension.gate, "ALONE_S", 0.1)
    comfyui.hold()
    thread, made, _ = sampling(2)
    thread.join(10)
    assert made == [1, 2]
    assert "it goes on" in caplog.text


def test_one_stands_as_long_as_a_monitor_is_there(comfyui: ComfyUI, extension: Any,
                                                  sampling: Callable[[int], Sampling],
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extension.gate, "ALONE_S", 0.05)
    comfyui.monitor()
    comfyui.hold()
    thread, made, _ = sampling(2)
    until(lambda: comfyui.state()["holding"])
    thread.join(0.3)
    assert (thread.is_alive(), made) == (True, [1])
    del comfyui.sockets[MONITOR]
    thread.join(10)
    assert made == [1, 2]


def test_a_failure_to_tell_of_it_does_not_reach_the_prompt(comfyui: ComfyUI, extension: Any,
                                                           sampling: Callable[[int], Sampling]) -> None:
    comfyui.hold()
    comfyui.loop = None  # type: ignore[assignment]
    try:
        thread, made, raised = sampling(2)
        until(lambda: comfyui.state()["holding"])
        comfyui.hold(False)
        thread.join(10)
    finally:
        comfyui.loop = comfyui.echodeck._pictures._loop  # type: ignore[attr-defined]
    assert (made, raised) == ([1, 2], [])


@pytest.mark.parametrize("missing", ["set_progress_bar_global_hook", "throw_exception_if_processing_interrupted",
                                     "prompt_queue", "comfy"])
def test_a_comfyui_without_what_holding_needs_is_still_watched(comfyui: ComfyUI, missing: str) -> None:
    utils, management = comfyui.utils, comfyui.management
    for thing in (utils, management, comfyui):
        if missing in vars(thing):
            delattr(thing, missing)
    load(comfyui, *((None, None) if missing == "comfy" else (utils, management)))
    features = comfyui.state()["features"]
    assert (features["events"], features["pause"]) == (True, False)
    assert features["reasons"]["pause"]
    assert comfyui.hold() == (409, {"error": features["reasons"]["pause"]})


def test_one_that_sets_no_hook_says_that_it_cannot_be_held(comfyui: ComfyUI) -> None:
    load(comfyui, comfyui.utils, comfyui.management)
    assert comfyui.state()["features"]["pause"] is False
    assert comfyui.hold()[0] == 409
    comfyui.hijack_progress()
    assert comfyui.state()["features"]["pause"] is True


def test_a_hook_that_was_set_before_is_wrapped_too(comfyui: ComfyUI) -> None:
    comfyui.hijack_progress()
    load(comfyui, comfyui.utils, comfyui.management)
    assert comfyui.state()["features"]["pause"] is True
    comfyui.utils.set_progress_bar_global_hook(None)
    assert comfyui.utils.PROGRESS_BAR_HOOK is None


@given(st.lists(st.one_of(st.tuples(st.sampled_from(["hold", "release", "run", "step"]), st.sampled_from("pqr")),
                          st.just(("end", "")))))
def test_whatever_is_asked_only_the_running_prompt_is_held(orders: list[tuple[str, str]]) -> None:
    with running(ComfyUI()) as comfyui:
        load(comfyui, comfyui.utils, comfyui.management)
        comfyui.hijack_progress()
        queue = comfyui.prompt_queue.currently_running
        for verb, prompt_id in orders:
            now = queue[0][1] if queue else None
            if verb in ("hold", "release"):
                status, _ = comfyui.hold(verb == "hold", prompt_id)
                assert status == (409 if verb == "hold" and prompt_id != now else 200)
            elif verb == "end" and queue:
                comfyui.end()
            elif verb == "run" and not queue:
                queue[0] = [0, prompt_id, {}, {}, []]
            elif verb == "step" and comfyui.state()["held"] is None:
                comfyui.sample(1, [])  # nothing stands that is not held
            state = comfyui.state()
            assert state["held"] in (None, state["running"])
            assert not state["holding"]
