"""The control room for Python: what the hub shows as reactive parameters, for scripts, notebooks and Panel apps.

`Studio` reads a client's board and never holds a lock while it tells its watchers. Nothing is pushed into it from
another thread: it takes what changed when `pull` is called, by a script in its own time or by a session's own tick
(`follow`). So watchers run where the session runs, and one that raises harms nobody else's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import panel as pn
import param

from ..client import Connection, Live, connect
from ..errors import EchodeckError

_lives: dict[str | None, Live] = {}
_guard = threading.Lock()


def shared(hub: str | None = None) -> Live:
    """The process's one connection to a hub, made when first asked for; it connects whenever the hub is there."""
    with _guard:
        live = _lives.get(hub)
        if live is None or live.connection.state == "closed":
            live = _lives[hub] = connect(hub, wait_s=None)
        return live


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


class JobParams(param.Parameterized):  # type: ignore[misc]  # param has no types
    """One generation. `eta` and its 80 % interval are seconds left as of `eta_at`, None when unknown; `progress` is
    percent; `step` of `steps` belongs to the current `stage`. `view` is all of it, as the wire has it."""

    id = param.String(constant=True)
    title = param.String()
    prompt = param.String()
    engine = param.String()
    model = param.String()
    resolution = param.String()
    sampler = param.String()
    scheduler = param.String()
    origin = param.String(doc='"echodeck", or of jobs that live elsewhere "observed" or "script".')
    user = param.String()
    host = param.String()
    status = param.Selector(objects=["pending", "running", "paused", "completed", "failed", "cancelled"])
    request = param.String()
    progress = param.Number(0.0, bounds=(0, 100))
    stage = param.String()
    step = param.Integer(0)
    steps = param.Integer(0)
    speed = param.Number(0.0, doc="Steps a second.")
    eta = param.Number(None, allow_None=True)
    eta_low = param.Number(None, allow_None=True)
    eta_high = param.Number(None, allow_None=True)
    eta_at = param.ClassSelector(class_=datetime, allow_None=True)
    elapsed = param.Number(0.0)
    priority = param.Integer(0)
    position = param.Integer(None, allow_None=True)
    error = param.String(None, allow_None=True)
    outputs = param.List([])
    cannot = param.Dict({}, doc="Of commands that are impossible, why.")
    metrics = param.Dict({}, doc="Figures that the job tells of itself.")
    preview = param.String("", doc="The newest picture of it as a data URL.")
    view = param.Dict({})

    def take(self, view: dict[str, Any]) -> None:
        """Take over a JobView as plain JSON values; watchers are told once of all that changed."""
        self.param.update(
            **{name: view[name] for name in _SAME}, step=view["currentStep"], steps=view["totalSteps"],
            eta_low=view["etaLow"], eta_high=view["etaHigh"], eta_at=_moment(view["etaAt"]), view=view)


_SAME = ("title", "prompt", "engine", "model", "resolution", "sampler", "scheduler", "origin", "cannot", "metrics",
         "user", "host", "status", "request", "progress", "stage", "speed", "eta", "elapsed", "priority", "position",
         "error", "outputs")


class Studio(param.Parameterized):  # type: ignore[misc]  # param has no types
    """Everything a viewer sees, and every command. `hub` is an address, or a live connection to use.

    `jobs` maps ids to JobParams that stay the same objects while their values change; `hosts`, `alerts` and `engines`
    map names to records as plain JSON values; `queue` has the ids of what has not ended, what runs first at the front.
    """

    jobs = param.Dict({})
    hosts = param.Dict({})
    alerts = param.Dict({})
    engines = param.Dict({})
    queue = param.List([])
    stats = param.Dict({}, doc="How many jobs are in each state.")
    connection = param.ClassSelector(class_=Connection, default=Connection())

    def __init__(self, hub: str | Live | None = None, **params: Any) -> None:
        super().__init__(**params)
        self.live = hub if isinstance(hub, Live) else shared(hub)
        self._tick = -1
        self.pull()

    def pull(self) -> bool:
        """Take over what changed since the last time; True if anything did. Watchers run before it returns."""
        board = self.live.board
        entries = board.snapshot() if self._tick < 0 else board.after_tick(self._tick)
        connection = self.live.connection
        moved = connection != self.connection
        if entries:
            self._tick = max(entry.tick for entry in entries)
        with param.parameterized.batch_call_watchers(self):
            for kind in ("hosts", "alerts", "engines"):
                self._take_records(kind, [entry for entry in entries if entry.kind == kind])
            self._take_jobs([entry for entry in entries if entry.kind == "jobs"])
            for entry in entries:
                if entry.kind == "queue" and entry.value is not None:
                    self.param.update(queue=list(entry.value["order"]), stats=dict(entry.value["stats"]))
                elif entry.kind == "previews" and entry.value is not None and entry.key in self.jobs:
                    self.jobs[entry.key].preview = entry.value["image"]
            self.connection = connection
        return bool(entries) or moved

    def _take_records(self, kind: str, entries: list[Any]) -> None:
        if entries:
            changed = {**getattr(self, kind), **{entry.key: entry.value for entry in entries}}
            setattr(self, kind, {key: value for key, value in changed.items() if value is not None})

    def _take_jobs(self, entries: list[Any]) -> None:
        jobs = dict(self.jobs)
        for entry in entries:
            if entry.value is None:
                jobs.pop(entry.key, None)
                continue
            if entry.key not in jobs:
                jobs[entry.key] = JobParams(id=entry.key)
            jobs[entry.key].take(entry.value)
        if list(jobs) != list(self.jobs):  # a job that only changed tells its own watchers
            self.jobs = jobs

    def follow(self, period_s: float = 0.5) -> Any:
        """Pull on this session's (or notebook's) own tick; returns Panel's callback, whose `stop()` ends it."""
        return pn.state.add_periodic_callback(self.pull, period=round(1000 * period_s))

    def wait(self, met: Callable[[], Any], timeout_s: float = 60.0, period_s: float = 0.05) -> Any:
        """For scripts: pull until `met()` is true, and return that. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while True:
            self.pull()
            if found := met():
                return found
            if time.monotonic() > deadline:
                raise TimeoutError(f"it did not come about in {timeout_s:g} s")
            time.sleep(period_s)

    def submit(self, prompt: str = "", **fields: Any) -> list[str]:
        """Queue jobs; returns their ids. Raises BadField, naming the field."""
        ids: list[str] = self.live.submit(prompt, **fields)
        return ids

    def pause(self, job: str | JobParams) -> None:
        self.live.pause(_id(job))

    def skip(self, job: str | JobParams) -> None:
        """Leave out the picture in hand, where the engine can."""
        self.live.skip(_id(job))

    def free(self, engine: str) -> None:
        """Have an engine let go of the models that it keeps loaded."""
        self.live.free(engine)

    def resume(self, job: str | JobParams) -> None:
        self.live.resume(_id(job))

    def cancel(self, job: str | JobParams) -> None:
        self.live.cancel(_id(job))

    def retry(self, job: str | JobParams) -> None:
        self.live.retry(_id(job))

    def remove(self, job: str | JobParams) -> None:
        self.live.remove(_id(job))

    def move(self, job: str | JobParams, direction: str | None = None, **where: Any) -> None:
        """Up, down, top or bottom; or `place=`, `before=`, `after=`."""
        self.live.move(_id(job), direction, **where)

    def set_priority(self, job: str | JobParams, priority: int | str) -> None:
        self.live.set_priority(_id(job), priority)

    def acknowledge(self, alert_id: str) -> None:
        self.live.acknowledge(alert_id)


def _id(job: str | JobParams) -> str:
    return job if isinstance(job, str) else str(job.id)


class Submission(param.Parameterized):  # type: ignore[misc]  # param has no types
    """A job to be queued, as parameters: for `pn.Param` or a script. None takes the engine's default.

    `submit` gives the ids; what the hub refuses is put in `problems`, by field ("" for the whole), and nothing raised.
    """

    prompt = param.String()
    title = param.String()
    engine = param.String(doc='"" is the hub\'s default.')
    model = param.String()
    sampler = param.String()
    scheduler = param.String()
    workflow = param.Parameter(None, doc="A ComfyUI workflow in API format: an object, JSON text, or a file's path.")
    values = param.Dict({}, doc='Inputs to set in the workflow: "NODE.INPUT" to value.')
    options = param.Dict({}, doc="What only the engine knows.")
    width = param.Integer(None, allow_None=True)
    height = param.Integer(None, allow_None=True)
    steps = param.Integer(None, allow_None=True)
    seed = param.Integer(None, allow_None=True)
    batch = param.Integer(None, allow_None=True)
    frames = param.Integer(None, allow_None=True)
    priority = param.Selector(default="normal", objects=["low", "normal", "high", "urgent"])
    count = param.Integer(1, bounds=(1, 1000))
    problems = param.Dict({}, precedence=-1)

    def fields(self) -> dict[str, Any]:
        """What was given, as the payload of a submit."""
        values = self.param.values()
        kept = {name: value for name, value in values.items()
                if name not in ("name", "problems") and value not in (None, "", {})}
        return kept

    def submit(self, studio: Studio) -> list[str]:
        try:
            ids = studio.submit(**self.fields())
        except EchodeckError as error:
            self.problems = {error.field or "": error.message}
            return []
        self.problems = {}
        return ids
