"""One job of ours on a ComfyUI: posted when its turn has come, followed to its end, taken up again after a crash.

A prompt of ours carries its job's id, so that an agent that was killed finds what its server still does, or has done
meanwhile, instead of having it done twice. The websocket says how far it is; whether it has ended is asked of the
history, which also knows what was missed.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import NoReturn

from ...errors import Cancelled, EngineError, JobLost, OutOfMemory
from ...model.job import JobSpec
from ...model.workflow import Graph, facts, with_seed
from .. import Control
from ..web import Refusal, Unreachable
from .failure import Failure
from .feed import Feed, News, Up, next_of
from .follow import Follower
from .frames import Failed, Held, Preview, Started
from .outputs import fetch
from .past import Outcome, Past
from .rest import Refused
from .server import Server, mark_of, marked

TICK_S = 0.1
POLL_S = 2.0
"""Between two looks whether it has ended; the websocket says so sooner."""
SETTLE_S = 10.0
"""How long the history may take after the end was told."""
AWAY_S = 20.0
"""A server that does not answer for so long has lost its job: its queue is in its memory."""
CANCEL_S = 60.0
"""A step may take long, and an interruption waits for its end."""
WAIT = "wait for ComfyUI"


class Run:
    """`Run(…)()` does it. `mine` is told the id of the prompt that is ours."""

    def __init__(self, server: Server, feed: Feed, output_dir: Path, job_id: str, spec: JobSpec, control: Control,
                 mine: Callable[[str], None]) -> None:
        self._server, self._feed, self._directory = server, feed, output_dir / job_id
        self._job_id, self._control, self._mine = job_id, control, mine
        self._graph = _graph(spec)
        self._follower = Follower(control.told, self._graph)
        self._holding = self._asked = False
        self._hold_again_s = 0.0
        self._peak = (0, 0)

    def __call__(self) -> None:
        """Raises what `Engine.run` may raise."""
        events: SimpleQueue[News] = SimpleQueue()
        self._feed.listen(events)
        try:
            prompt_id, past = self._earlier()
            if past is None:
                past = self._watch(prompt_id or self._post(), events)
        finally:
            self._feed.forget(events)
        self._end(past)

    # --- to the server ---

    def _earlier(self) -> tuple[str, Past | None]:
        """A prompt that an agent before us made for this job: it goes on, or has succeeded."""
        queue = self._server.queue()
        for item in (*queue.running, *queue.pending):
            if mark_of(item, self._feed.client_id) == self._job_id:
                self._mine(item.prompt_id)
                self._control.log("info", "its prompt was still there, and is taken up again")
                return item.prompt_id, None
        for prompt_id, past in self._server.history().items():
            if mark_of(past.item, self._feed.client_id) == self._job_id and past.outcome is Outcome.SUCCESS:
                self._control.log("info", "it had been made meanwhile")
                return prompt_id, past
        return "", None

    def _post(self) -> str:
        prompt_id = str(uuid.uuid4())
        self._mine(prompt_id)
        queue = self._server.queue()
        if queue.running or queue.pending:
            # With others' prompts waiting, ours takes the next turn: it has waited here, one at a time.
            self._follower = Follower(self._control.told, self._graph, before=(WAIT,))
            self._follower.take(Started(prompt_id))
            self._control.told.stage(WAIT)
        try:
            answer = self._server.post(self._graph, prompt_id, marked(self._job_id, self._feed.client_id),
                                       client_id=self._feed.client_id, front=bool(queue.pending))
        except Unreachable as error:
            if self._taken(prompt_id):
                return prompt_id
            raise JobLost(f"it could not be given to ComfyUI: {error.message}") from error
        if isinstance(answer, Refused):
            raise EngineError(f"ComfyUI refuses the workflow: {answer.message}", code="refused")
        for warning in answer.warnings:
            self._control.log("warning", warning)
        return answer.prompt_id

    def _taken(self, prompt_id: str) -> bool:
        """Whether a prompt whose answer was lost has arrived all the same."""
        deadline = time.monotonic() + AWAY_S
        while time.monotonic() < deadline:
            try:
                return self._there(prompt_id)
            except Unreachable:
                self._control.checkpoint()
                time.sleep(TICK_S)
        return False

    def _there(self, prompt_id: str) -> bool:
        queue = self._server.queue()
        if any(item.prompt_id == prompt_id for item in queue.running):
            if not self._follower.started:  # without a websocket, or it began before we listened
                self._follower.take(Started(prompt_id))
            return True
        return any(item.prompt_id == prompt_id for item in queue.pending)

    # --- while it runs ---

    def _watch(self, prompt_id: str, events: SimpleQueue[News]) -> Past:
        """Returns when it has ended. Raises Cancelled, JobLost."""
        due_s, heard_s, absent = time.monotonic() + POLL_S, time.monotonic(), 0
        while True:
            if (news := next_of(events, TICK_S)) is not None:
                self._take(prompt_id, news)
            self._obey(prompt_id)
            ended = self._follower.ended is not None
            if not ended and time.monotonic() < due_s:
                continue
            due_s = time.monotonic() + POLL_S
            try:
                past = self._past(prompt_id) if ended else self._server.past(prompt_id)
                absent = 0 if past is not None or self._there(prompt_id) else absent + 1
                self._measure()
                heard_s = time.monotonic()
            except Unreachable as error:
                if time.monotonic() - heard_s > AWAY_S:
                    raise JobLost(f"ComfyUI is gone, and its queue with it: {error.message}") from error
                continue
            if past is not None:
                return past
            if absent > 1:  # once may be between the queue and the history
                raise JobLost("ComfyUI was restarted and has forgotten it")

    def _take(self, prompt_id: str, news: News) -> None:
        match news:
            case Held(held_id, on) if held_id == prompt_id:
                if on and not self._holding and self._asked:
                    self._holding = True
                    self._control.paused()
                elif not on and self._holding:
                    self._holding = False
                    self._control.resumed()
            case Up() | Held():
                pass
            case _:
                about = getattr(news, "prompt_id", None)
                if about == prompt_id or (about == "" and isinstance(news, Preview)):
                    self._follower.take(news)

    def _obey(self, prompt_id: str) -> None:
        wanted = self._control.wanted
        if wanted == "stop":  # it goes on without us, and is taken up again by who comes next
            self._control.checkpoint()
        elif wanted in ("cancel", "abandon"):
            self._cancel(prompt_id)
        elif (wanted == "pause") != self._asked and time.monotonic() >= self._hold_again_s:
            self._hold(prompt_id, wanted == "pause")

    def _hold(self, prompt_id: str, on: bool) -> None:
        if on and not self._server.can_hold:
            self._control.refused("pause", self._server.why_not_hold)
            return
        try:
            self._server.hold(prompt_id, on)
        except (Unreachable, Refusal):  # it does not run yet, or not any more: then there is nothing to hold
            self._hold_again_s = time.monotonic() + 5 * TICK_S
            if on:
                return
        self._asked = on
        if not on and self._holding:
            self._holding = False
            self._control.resumed()

    def _cancel(self, prompt_id: str) -> NoReturn:
        """Ends it there, and waits until the server is free again."""
        deadline = time.monotonic() + CANCEL_S
        asked = False
        while time.monotonic() < deadline:
            try:
                if not asked:
                    self._server.cancel(prompt_id)
                    asked = True
                if not self._there(prompt_id):
                    break
            except Unreachable:
                break
            time.sleep(TICK_S)
        self._control.checkpoint()
        raise Cancelled  # not reached: what is wanted does not change back

    def _past(self, prompt_id: str) -> Past | None:
        """The end was told; the history follows, in a moment."""
        deadline = time.monotonic() + SETTLE_S
        while (past := self._server.past(prompt_id)) is None and time.monotonic() < deadline:
            time.sleep(TICK_S)
        if past is None and isinstance(self._follower.ended, Failed):
            raise self._error(self._follower.ended.failure)
        return past

    def _measure(self) -> None:
        """The most memory that was in use on the first device, as far as can be seen from looking now and then."""
        for device in self._server.stats().devices[:1]:
            self._peak = max(self._peak, (device.vram_total_bytes - device.vram_free_bytes, device.vram_total_bytes))

    # --- how it ended ---

    def _end(self, past: Past) -> None:
        if past.outcome is Outcome.SUCCESS:
            for output in fetch(self._server, past.files, self._directory, self._control.log):
                self._control.output(output)
        elif past.outcome is Outcome.INTERRUPTED:
            raise Cancelled("it was interrupted in ComfyUI", why="elsewhere")
        else:
            raise self._error(past.failure or Failure("", "", "", "ComfyUI does not say why"))

    def _error(self, failure: Failure) -> EngineError:
        return error_of(failure, self._follower.title(failure.node), self._peak)


def error_of(failure: Failure, title: str, peak: tuple[int, int] = (0, 0)) -> EngineError:
    """The failure as an engine's error, naming the node. `peak` is (bytes in use, bytes in all) of the device."""
    node = title or failure.class_type or "a node"
    where = node if node == failure.class_type or not failure.class_type else f"{node} ({failure.class_type})"
    where = f"{where}, node {failure.node}" if failure.node else where
    if failure.out_of_memory:
        used, total = peak
        most = f"; {used / 2**30:.1f} of {total / 2**30:.1f} GB were in use" if total else ""
        return OutOfMemory(f"out of memory in {where}{most}", free_bytes=max(0, total - used),
                           detail=f"{failure.message}\n{failure.traceback}")
    first = failure.message.splitlines()[0] if failure.message else "no message"
    kind = failure.kind.rpartition(".")[2]
    return EngineError(f"{where}: {f'{kind}: ' if kind else ''}{first}", code="node_error", detail=failure.traceback)


def _graph(spec: JobSpec) -> Graph:
    """The workflow with the job's own seed."""
    try:
        graph: Graph = json.loads(str(spec.options.get("workflow", "")))
    except ValueError as error:
        raise EngineError("the job came without its workflow; submit it again", code="no_workflow") from error
    return graph if facts(graph).seed == spec.seed else with_seed(graph, spec.seed)

