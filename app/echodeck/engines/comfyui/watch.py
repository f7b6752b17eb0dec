"""What others do on a ComfyUI: their prompts as jobs, from REST alone or, with our extension there, with every step.

The queue is asked for when the server says that it changed, and now and then; what has left it is in the history, or
was taken out, or is lost with the process that had it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

from ...errors import EngineError
from ...model.workflow import redact, spec_of
from .. import Sighting, Sights, Told
from ..web import Unreachable
from .feed import Feed, News, Up, next_of
from .follow import Follower
from .frames import Frame, Held, Preview, Started, Status
from .outputs import fetch
from .past import Outcome, Past
from .rest import Item
from .run import error_of
from .server import Server

TICK_S = 0.2
LOOK_S, BLIND_LOOK_S = 10.0, 2.0
"""Between two looks at the queue that nothing called for: with a websocket, and without."""
SETTLE_S = 5.0
MOST_EARLY = 32
MOST_MISSED, MOST_ENDED = 8, 1000
"""How far back the history is looked at for what was missed, and how many of those that have ended are known."""
GENERATE = "generate"
"""The one stage of a prompt whose steps are not seen."""
WAITS = "it waits in ComfyUI's own queue, which holds no prompt back; pause it once it runs"


@dataclass(slots=True)
class Seen:
    """A prompt of others'. `boot` counts the server's connections when it was last there, `gone_s` since when it is
    in neither place. `moving`: it is taken out of the queue on purpose just now, to be queued again (see `steer`)."""

    item: Item
    told: Told
    running: bool = False
    started_s: float | None = None
    boot: int = 0
    follower: Follower | None = None
    held: bool = False
    cancelled: bool = False
    moving: bool = False
    gone_s: float | None = None
    sighting: Sighting | None = None
    unmovable: str = ""


class Watch:
    """`Watch(…)(sights)` watches. `mine` says whether a prompt is one of our own jobs'."""

    def __init__(self, name: str, server: Server, feed: Feed, output_dir: Path, mine: Callable[[Item], bool]) -> None:
        self._name, self._server, self._feed, self._output_dir, self._mine = name, server, feed, output_dir, mine
        self.seen: dict[str, Seen] = {}
        self._over: deque[str] = deque(maxlen=MOST_ENDED)
        self._early: dict[str, list[Frame]] = {}
        self._began_s = 0.0

    def __call__(self, sights: Sights) -> None:
        events: SimpleQueue[News] = SimpleQueue()
        self._feed.listen(events)
        due_s = 0.0
        self._began_s = time.time()
        try:
            called = False
            while not sights.ended.is_set():
                # Each as it comes: its time is that of the step.
                news = next_of(events, TICK_S)
                called = (news is not None and self._take(news)) or called
                if ((called and not events.qsize()) or time.monotonic() >= due_s) and not self._feed.reason:
                    called = False
                    with suppress(Unreachable):  # the feed says so, and asks again
                        self._look(sights)
                    due_s = time.monotonic() + self._period_s()
        finally:
            self._feed.forget(events)

    def _period_s(self) -> float:
        if any(one.gone_s is not None for one in self.seen.values()):
            return TICK_S
        return BLIND_LOOK_S if self._feed.note else LOOK_S

    # --- what is sent ---

    def _take(self, news: News) -> bool:
        """Whether to look at the queue."""
        match news:
            case Status() | Up():
                return True
            case Held(prompt_id, on):
                self._hold(prompt_id, on)
                return False
        prompt_id = getattr(news, "prompt_id", "")
        if not prompt_id and isinstance(news, Preview):  # of whatever runs
            prompt_id = next((key for key, one in self.seen.items() if one.running and one.follower), "")
        seen = self.seen.get(prompt_id)
        if seen is None or seen.follower is None:
            if prompt_id:
                self._remember(prompt_id, news)
            return isinstance(news, Started) if seen is None else not seen.running
        seen.follower.take(news)
        return seen.follower.ended is not None

    def _remember(self, prompt_id: str, frame: Frame) -> None:
        """What is sent of a prompt before the queue has shown that it is there: which of its nodes are cached, say."""
        self._early.setdefault(prompt_id, []).append(frame)
        if len(self._early[prompt_id]) > MOST_EARLY:
            del self._early[prompt_id][0]
        if len(self._early) > MOST_EARLY:
            del self._early[next(iter(self._early))]

    def _hold(self, prompt_id: str, on: bool) -> None:
        seen = self.seen.get(prompt_id)
        if seen is not None and seen.held != on:
            seen.held = on
            if on:
                seen.told.paused()
            else:
                seen.told.resumed()

    # --- what is there ---

    def _look(self, sights: Sights) -> None:
        queue = self._server.queue()
        here = {item.prompt_id for item in (*queue.running, *queue.pending)}
        for item in queue.running:
            if not self._mine(item):
                self._sight(sights, item, running=True)
        for item in queue.pending:
            if not self._mine(item):
                self._sight(sights, item, running=False)
        for prompt_id in [one for one in self.seen if one not in here]:
            if not self.seen[prompt_id].moving:
                self._gone(sights, prompt_id, self.seen[prompt_id])
        self._missed(sights, here)
        for prompt_id, sighting in sights.known().items():
            if prompt_id not in here and prompt_id not in self.seen:  # of a watching before this one
                self.seen[prompt_id] = Seen(Item(prompt_id), sights.sight(sighting), sighting.running)

    def _sight(self, sights: Sights, item: Item, *, running: bool) -> None:
        before = self.seen.get(item.prompt_id)
        if before is None or before.running != running or before.item.number != item.number:
            started_s = time.time() if running else None
            unmovable = before.unmovable if before is not None else self._unmovable(item)
            sighting = self._sighting(item, running, started_s, unmovable)
            told = sights.sight(sighting)
            before = before or Seen(item, told)
            before.item, before.told, before.sighting, before.unmovable = item, told, sighting, unmovable
            before.started_s = started_s
        before.boot, before.gone_s = self._feed.boot, None
        if running and not before.running:
            before.running = True
            self._begin(before)
        self.seen[item.prompt_id] = before

    def _begin(self, seen: Seen) -> None:
        """With our extension, or for a prompt that is told to everybody, its nodes are the stages."""
        item = seen.item
        if (self._server.tells or not item.client_id) and not self._feed.note:
            seen.follower = Follower(seen.told, item.graph, item.ends)
            for frame in (Started(item.prompt_id), *self._early.pop(item.prompt_id, ())):
                seen.follower.take(frame)
        else:
            seen.told.plan([(GENERATE, 0)])
            seen.told.stage(GENERATE)

    def _sighting(self, item: Item, running: bool, started_s: float | None, unmovable: str) -> Sighting:
        cannot = {}
        if not running:
            cannot["pause"] = WAITS
            if unmovable:
                cannot["move"] = unmovable
        spec = spec_of(item.graph, self._name, ends=item.ends)
        return Sighting(item.prompt_id, spec, running, item.created_s or time.time(), started_s, item.number,
                        cannot=cannot, workflow=redact(item.graph))

    def _unmovable(self, item: Item) -> str:
        """Why a waiting prompt cannot be queued again in another place: a newer ComfyUI hides the keys that its
        partner nodes need."""
        if item.had_secrets:
            return ""
        partners = self._server.partners()
        used = sorted({str(node.get("class_type")) for node in item.graph.values()} & partners)
        return f"its keys for {used[0]} are known to ComfyUI alone, and would be lost" if used else ""

    # --- what has ended ---

    def _missed(self, sights: Sights, here: set[str]) -> None:
        """What came and ended between two looks, while we watch."""
        for prompt_id, past in self._server.history(MOST_MISSED).items():
            known = prompt_id in here or prompt_id in self.seen or prompt_id in self._over
            if not known and not self._mine(past.item) and (past.ended_s or 0.0) >= self._began_s:
                self._sight(sights, past.item, running=False)
                self._gone(sights, prompt_id, self.seen[prompt_id])

    def _gone(self, sights: Sights, prompt_id: str, seen: Seen) -> None:
        past = self._server.past(prompt_id)
        if past is not None:
            if not seen.running and seen.sighting is not None:  # it was too quick to be seen running
                sights.sight(replace(seen.sighting, running=True, started_s=past.started_s, cannot={}))
            self._end(seen, past)
        elif seen.gone_s is None:
            seen.gone_s = time.monotonic()  # it may be on its way into the history
            return
        elif seen.boot != self._feed.boot:
            seen.told.failed("lost", "ComfyUI was restarted and has forgotten it", retryable=True)
        elif seen.cancelled or not seen.running:
            seen.told.cancelled()
        elif time.monotonic() - seen.gone_s > SETTLE_S:
            seen.told.failed("lost", "it is in neither ComfyUI's queue nor its history", retryable=True)
        else:
            return
        del self.seen[prompt_id]
        self._over.append(prompt_id)

    def _end(self, seen: Seen, past: Past) -> None:
        told = seen.told
        if past.outcome is Outcome.INTERRUPTED:
            told.cancelled()
        elif past.outcome is Outcome.SUCCESS:
            for output in fetch(self._server, past.files, self._output_dir / _safe(seen.item.prompt_id), told.log):
                told.output(output)
            told.completed()
        elif past.failure is not None:
            follower = seen.follower or Follower(told, seen.item.graph)
            error = error_of(past.failure, follower.title(past.failure.node))
            told.failed(error.code, error.message, retryable=error.retryable, detail=error.detail)
        else:
            told.failed("node_error", "ComfyUI does not say why it failed")


def _safe(prompt_id: str) -> str:
    """An older ComfyUI takes any text as an id."""
    if prompt_id in ("", ".", "..") or Path(prompt_id).name != prompt_id or "\\" in prompt_id:
        raise EngineError(f"the prompt's id {prompt_id[:80]!r} cannot name a directory")
    return prompt_id
