"""ComfyUI: jobs of ours are given to it one at a time, those that others queue there are watched and steered.

What its servers say is read by pure functions (`frames`, `rest`, `past`), what a prompt does is followed by a pure one
(`follow`); `server` and `feed` are the way to it, `run` a job of ours, `watch` and `steer` those of others. With the
extension in it (`extension`, put there by `install`) others' steps are seen, and a running prompt can be held.
"""

from __future__ import annotations

import threading
import uuid
from pathlib import Path

from ...errors import EngineError
from ...model.engine import EngineInfo
from ...model.job import JobSpec
from .. import Control, Sights
from ..web import Web
from .feed import PREFIX, Feed
from .rest import Item
from .run import Run
from .server import Server, mark_of
from .steer import steer
from .watch import Watch

PATIENCE_S = 5.0
"""How long a new engine is waited for to find out whether its server answers."""
DECKS = uuid.UUID("6f1d0f4e-58a5-4f0c-9f0f-0d2f6b1f6a1e")
NOTE = ("without the echodeck extension in it, other clients' jobs are seen without steps, and none can be paused "
        "while it runs")


class ComfyUI:
    """The engine of one server, called `name`."""

    def __init__(self, output_dir: Path, name: str = "comfyui", url: str = "http://127.0.0.1:8188") -> None:
        self.output_dir, self.name = output_dir, name
        self._server = Server(Web(url))
        # The same after a restart, so that what this agent began is known to be its own, and its events reach us.
        deck = uuid.uuid5(DECKS, f"{uuid.getnode()} {output_dir.resolve()} {name} {self._server.url}")
        self._feed = Feed(self._server, f"{PREFIX}{deck.hex}")
        self._watch = Watch(name, self._server, self._feed, output_dir, self._is_mine)
        self._mine: set[str] = set()
        self._asked = threading.Event()

    def info(self) -> EngineInfo:
        self._feed.start()
        if not self._asked.is_set():
            self._first_look()
        feed, why = self._feed, self._server.why_not_hold
        version = feed.stats.version if feed.stats is not None else ""
        extension = "" if self._server.extension else NOTE
        return EngineInfo(
            name=self.name, label="ComfyUI" if self.name == "comfyui" else f"ComfyUI {self.name}", kind="comfyui",
            address=self._server.url, version=version, workflows=True, cannot={"pause": why} if why else {},
            extras=("free",), note="; ".join(filter(None, (feed.note, extension))) if not feed.reason else "",
            reason=feed.reason, since_s=round(feed.since_s, 3) if feed.reason else 0.0)

    def run(self, job_id: str, spec: JobSpec, control: Control) -> None:
        Run(self._server, self._feed, self.output_dir, job_id, spec, control, self._mine.add)()

    def watch(self, sights: Sights) -> None:
        self._watch(sights)

    def steer(self, job_id: str, command: str, *, before: str = "", after: str = "") -> None:
        seen = self._watch.seen.get(job_id)
        if seen is None:
            raise EngineError("ComfyUI does not have it any more")
        steer(self._server, seen, command, before=before, after=after)

    def free(self) -> None:
        self._server.free()

    def close(self) -> None:
        self._feed.stop()
        self._server.web.close()

    def _is_mine(self, item: Item) -> bool:
        return item.prompt_id in self._mine or bool(mark_of(item, self._feed.client_id))

    def _first_look(self) -> None:
        """So that who asks first is not told that nobody knows."""
        self._asked.set()
        self._feed.wait(PATIENCE_S)
