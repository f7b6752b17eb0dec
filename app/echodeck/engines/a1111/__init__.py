"""Servers with AUTOMATIC1111's interface: A1111, Forge, reForge, SD.Next. Jobs of ours are given to it one at a time;
what others have it do is seen as far as it says.

What it says is read by pure functions (`parse`, `offer`, `made`), what a request does is followed by a pure one
(`passes`); `server` and `feed` are the way to it, `claim` tells ours from others', `run` is a job of ours, `watch` is
for those of others.
"""

from __future__ import annotations

import threading
from pathlib import Path

from ...errors import EngineError
from ...model.engine import EngineInfo, ModelInfo
from ...model.job import JobSpec
from .. import Control, Sights
from ..web import Web
from .claim import Claim
from .feed import Feed
from .offer import A1111_NAME, CANNOT_PAUSE, OPTIONS, PARAMS
from .run import Run
from .server import Server
from .watch import Watch

PATIENCE_S = 5.0
"""How long a new engine is waited for to find out whether its server answers."""


class A1111:
    """The engine of one server, called `name`. A user name and password may stand in the address, or be given as
    `auth`, "user:password"."""

    def __init__(self, output_dir: Path, name: str = "a1111", url: str = "http://127.0.0.1:7860",
                 auth: str = "") -> None:
        self.output_dir, self.name = output_dir, name
        self._server = Server(Web(url, auth=auth))
        self._feed, self._claim = Feed(self._server), Claim(self._server)
        self._watch = Watch(name, self._server, self._feed, self._claim)
        self._asked = threading.Event()

    def info(self) -> EngineInfo:
        self._feed.start()
        if not self._asked.is_set():  # so that who asks first is not told that nobody knows
            self._asked.set()
            self._feed.wait(PATIENCE_S)
        feed, offer = self._feed, self._feed.offer
        flavour = offer.flavour or A1111_NAME
        return EngineInfo(
            name=self.name, label=flavour if self.name == "a1111" else f"{flavour} {self.name}", kind="a1111",
            address=self._server.url, version=offer.version, models=tuple(map(ModelInfo, offer.models, offer.models)),
            samplers=offer.samplers, schedulers=offer.schedulers, params=PARAMS, options=OPTIONS,
            cannot={"pause": CANNOT_PAUSE}, extras=("skip", "free"), reason=feed.reason,
            since_s=round(feed.since_s, 3) if feed.reason else 0.0)

    def run(self, job_id: str, spec: JobSpec, control: Control) -> None:
        if job_id in ("", ".", "..") or Path(job_id).name != job_id:
            raise EngineError(f"job id {job_id[:80]!r} cannot name a directory")
        Run(self._server, self._feed, self._claim, self.output_dir / job_id, spec, control)()

    def watch(self, sights: Sights) -> None:
        self._watch(sights)

    def steer(self, job_id: str, command: str, *, before: str = "", after: str = "") -> None:
        self._watch.steer(job_id, command)

    def free(self) -> None:
        if self._server.progress().idle:
            self._server.free()
        else:  # it would be taken from what runs with it
            self._feed.when_idle(self._server.free)

    def close(self) -> None:
        self._feed.stop()
        self._server.web.close()
