"""Servers with AUTOMATIC1111's interface: A1111, Forge, reForge, SD.Next. Jobs of ours are given to it one at a time;
what others have it do is seen as far as it says.

It does not say whose a generation is, only when one began: a new time stamp is a new job.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from ...errors import EngineError
from ...model.engine import EngineInfo, ModelInfo, Option, Param
from ...model.job import JobSpec
from .. import Control, Sighting, Sights, Told
from ..web import Refusal, Unreachable, Web
from .parse import Progress, decoded, mime_of
from .passes import Passes
from .run import CANNOT_PAUSE, Run
from .server import Server, why

POLL_S, IDLE_S = 0.5, 1.5
"""Between two questions while somebody's job runs, and while none does."""
LEARN_S = 60.0
"""Between two looks which models and samplers there are."""
FIRST_S, LAST_S = 1.0, 30.0
PATIENCE_S = 5.0
STAMPS = uuid.UUID("0d2e0c0a-3b1d-4f07-8a0b-6c2a9e3b7f11")
PARAMS = (Param("width", 64, 4096, 512, 8), Param("height", 64, 4096, 512, 8), Param("steps", 1, 150, 20),
          Param("seed", 0, 2**32 - 1, 0), Param("batch", 1, 100, 1))
OPTIONS = (
    Option("negative_prompt", "Negative prompt"), Option("cfg_scale", "CFG scale", "number", 7.0, 1.0, 30.0, 0.5),
    Option("init_image", "Start picture", "image"),
    Option("denoising_strength", "Denoising strength", "number", 0.6, 0.0, 1.0, 0.05),
    Option("hires", "Hires fix", "flag", False), Option("hires_scale", "Hires scale", "number", 2.0, 1.0, 4.0, 0.05),
    Option("hires_steps", "Hires steps", "number", 0, 0, 150, 1),
)
OTHERS = {"pause": CANNOT_PAUSE, "retry": "what was asked for is not known here",
          "move": "the server does not say what waits there"}


@dataclass(slots=True)
class Seen:
    """The job of others that runs."""

    stamp: str
    job_id: str
    told: Told
    passes: Passes
    cancelled: bool = False


class A1111:
    """The engine of one server, called `name`. A user name and password may stand in the address."""

    def __init__(self, output_dir: Path, name: str = "a1111", url: str = "http://127.0.0.1:7860") -> None:
        self.output_dir, self.name = output_dir, name
        self._server = Server(Web(url))
        self._reason, self._since_s = "it has not been asked yet", time.time()
        self._models: tuple[str, ...] = ()
        self._samplers: tuple[str, ...] = ()
        self._schedulers: tuple[str, ...] = ()
        self._flavour = ""
        self._learnt_s = 0.0
        self._mine: deque[str] = deque(maxlen=100)
        self._busy = threading.Event()
        self._seen: Seen | None = None
        self._lock, self._asked = threading.Lock(), False

    def info(self) -> EngineInfo:
        if not self._asked:
            self._asked = True
            self._learn()
        elif self._reason and not self._busy.is_set() and time.time() - self._learnt_s > LAST_S:
            self._learn()  # nobody watches, so nobody else would notice that it is back
        flavour = self._flavour or "A1111"
        return EngineInfo(
            name=self.name, label=flavour if self.name == "a1111" else f"{flavour} {self.name}", kind="a1111",
            address=self._server.url, version="", models=tuple(ModelInfo(one, one) for one in self._models),
            samplers=self._samplers, schedulers=self._schedulers, params=PARAMS, options=OPTIONS,
            cannot={"pause": CANNOT_PAUSE}, extras=("skip", "free"), reason=self._reason,
            since_s=round(self._since_s, 3) if self._reason else 0.0)

    def run(self, job_id: str, spec: JobSpec, control: Control) -> None:
        self._busy.set()
        try:
            Run(self._server, self.output_dir, job_id, spec, control, self._is_ours, self._down)()
        finally:
            self._busy.clear()

    def free(self) -> None:
        self._server.free()

    def close(self) -> None:
        self._server.web.close()

    def _is_ours(self, stamp: str) -> None:
        if stamp not in self._mine:
            self._mine.append(stamp)

    # --- what is known of it ---

    def _learn(self) -> None:
        """Asks what it has. Whatever goes wrong is the reason why it cannot be used."""
        with self._lock:
            self._learnt_s = time.time()
            try:
                self._models, self._samplers = self._server.models(), self._server.samplers()
                self._schedulers = self._server.schedulers()
                self._flavour = self._flavour or self._server.flavour()
            except (Unreachable, Refusal) as error:
                self._down(why(error))
            except EngineError as error:
                self._down(error.message)
            else:
                self._reason = ""

    def _down(self, reason: str) -> None:
        if not self._reason:
            self._since_s = time.time()
        self._reason, self._flavour = reason, ""

    # --- what others do there ---

    def watch(self, sights: Sights) -> None:
        wait_s, away_s = IDLE_S, FIRST_S
        while not sights.ended.wait(wait_s):
            if self._reason or time.time() - self._learnt_s > LEARN_S:
                self._learn()
            if self._reason:
                self._lost()
                wait_s = away_s = min(2 * away_s, LAST_S)
                continue
            away_s = FIRST_S
            try:
                self._look(sights, self._server.progress(picture=self._seen is not None))
            except (Unreachable, Refusal) as error:
                self._down(why(error))
            wait_s = POLL_S if self._seen is not None else IDLE_S

    def _look(self, sights: Sights, now: Progress) -> None:
        seen = self._seen
        if seen is not None and (now.idle or now.stamp != seen.stamp):
            self._end(seen, now)
            seen = None
        if seen is None and not now.idle and not self._busy.is_set() and now.stamp not in self._mine and now.jobs > 0:
            self._seen = seen = self._begin(sights, now)
        if seen is not None and not now.idle:
            seen.cancelled = seen.cancelled or now.interrupted
            seen.passes.take(now)
            if now.image and now.step:
                picture = decoded(now.image)
                seen.told.preview(now.step, lambda: (mime_of(picture), picture))

    def _begin(self, sights: Sights, now: Progress) -> Seen:
        job_id = str(uuid.uuid5(STAMPS, f"{self._server.url} {now.stamp}"))
        try:
            model = self._server.checkpoint()
        except EngineError:
            model = ""
        spec = JobSpec(self.name, model, title=f"a generation in {self._flavour or 'A1111'}", steps=now.steps,
                       batch=max(1, now.jobs))
        told = sights.sight(Sighting(job_id, spec, running=True, created_s=time.time(), started_s=time.time(),
                                     cannot=OTHERS))
        return Seen(now.stamp, job_id, told, Passes(told.plan, told.stage, told.step, steps=now.steps,
                                                    passes=now.jobs))

    def _end(self, seen: Seen, now: Progress) -> None:
        self._seen = None
        if seen.cancelled or now.interrupted:
            seen.told.cancelled()
        else:
            seen.told.completed()

    def _lost(self) -> None:
        seen, self._seen = self._seen, None
        if seen is not None:
            seen.told.failed("lost", f"the server is gone: {self._reason}")

    def steer(self, job_id: str, command: str, *, before: str = "", after: str = "") -> None:
        seen = self._seen
        if seen is None or seen.job_id != job_id:
            raise EngineError("it does not run any more")
        if command not in ("cancel", "skip"):
            raise EngineError(OTHERS.get(command, f"there is no way to {command}"))
        if self._server.progress(picture=False).stamp != seen.stamp:
            raise EngineError("it has just ended, and another one runs")
        if command == "cancel":
            seen.cancelled = True
            self._server.interrupt()
        else:
            self._server.skip()
