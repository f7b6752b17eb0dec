"""What the terminal shows: tables and live bars with rich."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import typer

from .plain import as_line, plain

ENDED = frozenset({"completed", "failed", "cancelled"})
COLOURS = {"running": "bright_blue", "paused": "yellow", "failed": "red", "completed": "green", "pending": "white",
           "cancelled": "bright_black"}
ASKED = {"pause": "pausing…", "resume": "resuming…", "cancel": "cancelling…", "move": "moving…"}
SHORT = 8
FRAMES_PER_S = 8
Job = dict[str, Any]


def console() -> Any:
    """The terminal; a pipe or file is wide enough for every column."""
    import sys

    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            # Rich would end the process with code 1; `ask.exits` knows what a reader that has gone means.
            raise BrokenPipeError

    return Piped(highlight=False, width=None if sys.stdout.isatty() else 240)


def short(job_id: str) -> str:
    return plain(job_id[:SHORT])


def span(seconds: float | None) -> str:
    """A duration for people: 42 s, 3:05, 1:02:03."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def clock(moment: str | None) -> str:
    """A moment as local hours and minutes."""
    if not moment:
        return "–"
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M")


def left_s(job: Job, now: datetime | None = None) -> float | None:
    """Seconds left by the estimate, counted on from when it was made."""
    if job.get("eta") is None:
        return None
    if job.get("status") != "running" or not job.get("etaAt"):
        return float(job["eta"])
    now = now or datetime.now(UTC)
    return max(0.0, float(job["eta"]) - (now - datetime.fromisoformat(job["etaAt"])).total_seconds())


def in_order(client: Any, *, ended: bool = False) -> list[Job]:
    """The jobs as the queue has them, what ended last (newest first) at the end."""
    jobs = client.board.all("jobs")
    order = (client.board.get("queue") or {}).get("order", [])
    open_ = [jobs[job_id] for job_id in order if job_id in jobs and jobs[job_id]["status"] not in ENDED]
    # What the order does not name yet has just been accepted.
    named = set(order)
    open_ += [job for job in jobs.values() if job["status"] not in ENDED and job["jobId"] not in named]
    done = sorted((job for job in jobs.values() if job["status"] in ENDED),
                  key=lambda job: str(job.get("finishedAt") or ""), reverse=True)
    return open_ + (done if ended else [])


def queue_table(jobs: list[Job], stats: dict[str, Any], engines: Mapping[str, Any] | None = None) -> None:
    """A row a job; below it why jobs wait whose engine (of `engines`, by name) is not ready."""
    from rich.table import Table
    from rich.text import Text

    if not jobs:
        typer.echo("the queue is empty")
        return
    table = Table(box=None, pad_edge=False, header_style="bright_black")
    columns = ("#", "job", "state", "done", "left", "starts", "title", "model", "size", "prio", "by")
    failed, judged = any(job.get("error") for job in jobs), any(job.get("verdicts") for job in jobs)
    for name in (*columns, *["verdict"] * judged, *["why"] * failed):
        table.add_column(name, justify="right" if name in ("#", "done", "left", "prio") else "left",
                         no_wrap=name not in ("title", "verdict", "why"))
    for job in jobs:
        # Text, not markup: a title with [brackets] is somebody's text.
        cells = [Text(plain(str(cell))) for cell in _cells(job)]
        cells[2].stylize(COLOURS.get(job["status"], ""))
        table.add_row(*cells, *([Text(plain(verdict_of(job)))] if judged else []),
                      *([Text(plain(job.get("error") or ""), "red")] if failed else []))
    screen = console()
    screen.print(table)
    for reason in _waiting(jobs, engines or {}):
        screen.print(Text(plain(reason), "yellow"))
    counts = ", ".join(f"{number} {name}" for name, number in stats.items() if number)
    if counts:
        screen.print(Text(counts, "bright_black"))


def _cells(job: Job) -> tuple[str | int, ...]:
    pending, position = job["status"] == "pending", job.get("position")
    return ("" if position is None else position + 1, short(job["jobId"]),
            ASKED.get(job["request"]) or str(job["status"]), "" if pending else _done(job),
            span(left_s(job)), clock(job.get("expectedStart")) if pending else "", job["title"], job["model"],
            job["resolution"], "" if foreign(job) else job["priority"], foreign(job) or job["user"])


def verdict_of(job: Job) -> str:
    """The worst verdict on what it made: "38 · noise left over: 2 steps", or why there is no score; "" without one."""
    verdicts = job.get("verdicts") or []
    if not verdicts:
        return ""
    low = min(verdicts, key=lambda verdict: 101 if verdict["score"] is None else verdict["score"])
    worth = [] if low["score"] is None else [str(low["score"])]
    return " · ".join([*worth, *(reason["sentence"] for reason in low["reasons"][:1])])


def _done(job: Job) -> str:
    """How far it is; a script's loop without an end has only its step to tell."""
    if job["currentStep"] and not job["totalSteps"] and not job["progress"]:
        return f"step {job['currentStep']}"
    return f"{int(job['progress'])} %"


def _waiting(jobs: list[Job], engines: Mapping[str, Any]) -> list[str]:
    """A sentence for each engine that jobs wait for and that is not ready."""
    names = sorted({job.get("engine", "") for job in jobs if job["status"] == "pending" and not foreign(job)})
    return [f"what is for {name} waits: {engines[name]['reason']}" for name in names
            if engines.get(name, {}).get("reason")]


def foreign(job: Job) -> str:
    """Where a job lives that is not of our own queue; "" if it is."""
    origin = job.get("origin", "echodeck")
    return "" if origin == "echodeck" else "a script" if origin == "script" else f"seen in {job['engine']}"


# --- watching --------------------------------------------------------------------------------------------------------


async def watch(client: Any, ids: Iterable[str] | None, *, as_json: bool, quiet: bool = False) -> list[Job]:
    """Shows the jobs (None: all that are in the queue, without end) until they have ended; returns them as ended."""
    wanted = None if ids is None else list(ids)
    screen = console()
    if quiet:
        return await _follow(client, wanted, lambda jobs: None)
    if as_json:
        return await _follow(client, wanted, _Lines(as_line, 0.0))
    if not screen.is_terminal:
        return await _follow(client, wanted, _Lines(job_line, 10.0))
    return await _live(client, wanted, screen)


async def queued(client: Any, ids: list[str], jobs: list[Job], *, wait: bool, as_json: bool) -> bool:
    """Says that they are, and with `wait` stays until they have ended; whether all is well. `jobs` are them as yet."""
    if not as_json:
        typer.echo(f"queued {' '.join(short(job_id) for job_id in ids)}")
    if wait:
        client.attempts = None  # the hub may be restarted meanwhile
        jobs = await watch(client, ids, as_json=as_json, quiet=as_json)
    if as_json:
        typer.echo(as_line({"jobIds": ids, "jobs": jobs}))
    return not wait or all(job["status"] == "completed" for job in jobs)


async def _live(client: Any, wanted: list[str] | None, screen: Any) -> list[Job]:
    from rich.live import Live

    # Drawn by this task only: rich's own thread would read the board while it changes.
    with Live(console=screen, auto_refresh=False) as live:

        async def draw() -> None:
            while True:
                live.update(bars(_chosen(client, wanted)), refresh=True)
                await asyncio.sleep(1 / FRAMES_PER_S)

        drawing = asyncio.create_task(draw())
        try:
            return await _follow(client, wanted, lambda jobs: None)
        finally:
            drawing.cancel()
            await asyncio.gather(drawing, return_exceptions=True)
            live.update(bars(_chosen(client, wanted)), refresh=True)


def _chosen(client: Any, wanted: list[str] | None) -> list[Job]:
    if wanted is None:
        return in_order(client)[:20]
    return [job for job_id in wanted if (job := client.board.get("jobs", job_id)) is not None]


async def _follow(client: Any, wanted: list[str] | None, show: Callable[[list[Job]], None]) -> list[Job]:
    from ..errors import HubUnreachable, UnknownRecord

    seen: set[str] = set()
    changes = client.changes()
    try:
        while True:
            following = asyncio.ensure_future(anext(changes, None))
            await asyncio.sleep(0)  # it listens before we look, so that nothing falls between
            jobs = _chosen(client, wanted)
            seen |= {job["jobId"] for job in jobs}
            show(jobs)
            gone = [job_id for job_id in wanted or () if job_id in seen and client.board.get("jobs", job_id) is None]
            if gone:
                following.cancel()
                raise UnknownRecord("job", gone[0])
            if wanted is not None and len(jobs) == len(wanted) and all(job["status"] in ENDED for job in jobs):
                following.cancel()
                return jobs
            if await following is None:
                raise HubUnreachable(client.connection.reason)
    finally:
        await asyncio.gather(following, return_exceptions=True)
        await changes.aclose()


class _Lines:
    """For pipes and files: a line when a job's state or stage changes, or every so many percent."""

    def __init__(self, line: Callable[[Job], str], every_percent: float) -> None:
        self._line, self._every = line, every_percent
        self._last: dict[str, tuple[Any, ...]] = {}

    def __call__(self, jobs: list[Job]) -> None:
        for job in jobs:
            part = int(job["progress"] // self._every) if self._every else job["progress"]
            now = (job["status"], job["request"], job["stage"], part, 0 if self._every else job["currentStep"])
            if self._last.get(job["jobId"]) != now:
                self._last[job["jobId"]] = now
                typer.echo(self._line(job))


def job_line(job: Job) -> str:
    step = f", step {job['currentStep']} of {job['totalSteps']}" if job["totalSteps"] else ""
    stage = f" ({plain(job['stage'])}{step})" if job["stage"] and job["status"] not in ENDED else ""
    left = left_s(job)
    until = f", {span(left)} left" if left is not None and job["status"] == "running" else ""
    why = f": {plain(job['error'])}" if job.get("error") else ""
    if job["status"] == "pending" and job.get("tries"):
        why = f": it failed, and {plain(job['tries'][-1]['told'])}"
    done = f"{job['status']} {_done(job)}"
    where = f" ({plain(foreign(job))})" if foreign(job) else ""
    return f"{short(job['jobId'])} {done}{stage}{until}{why}  {plain(job['title'])}{where}"


def bars(jobs: list[Job]) -> Any:
    """A row a job: id, title, bar in its state's colour, how far, stage and step, what is left, where it lives."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    if not jobs:
        return Text("nothing is queued", "bright_black")
    table = Table.grid(padding=(0, 1))
    for job in jobs:
        colour = COLOURS.get(job["status"], "")
        step = f"{job['stage']} {job['currentStep']}/{job['totalSteps']}" if job["totalSteps"] else job["stage"]
        what = ASKED.get(job["request"]) or (
            step if job["status"] == "running" else job.get("error") or job["status"])
        table.add_row(
            Text(short(job["jobId"]), "bright_black"), Text(plain(job["title"])[:32]),
            ProgressBar(100, job["progress"], width=32, complete_style=colour, finished_style=colour),
            Text(f"{_done(job):>5}", colour), Text(plain(str(what))[:60]), Text(span(left_s(job)), "bright_black"),
            Text(plain(foreign(job))[:32], "bright_black"))
    return table
