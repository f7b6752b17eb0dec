"""What the terminal shows: tables and live bars with rich."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import typer

from .plain import as_line, plain

ENDED = frozenset({"completed", "failed", "cancelled"})
COLOURS = {"running": "bright_blue", "paused": "yellow", "failed": "red", "completed": "green", "pending": "white",
           "cancelled": "bright_black"}
SHORT = 8
FRAMES_PER_S = 8
SILENT_S = 30.0
"""A machine whose agent is there while its last sample is so much older has stopped to be measured."""
MOST_ALERTS = 5
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


def queue_table(jobs: list[Job], stats: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    if not jobs:
        typer.echo("the queue is empty")
        return
    table = Table(box=None, pad_edge=False, header_style="bright_black")
    for name in ("#", "job", "state", "done", "left", "starts", "title", "model", "size", "prio", "by"):
        table.add_column(name, justify="right" if name in ("#", "done", "left", "prio") else "left",
                         no_wrap=name != "title")
    for job in jobs:
        state = Text(f"{job['status']}{'…' if job.get('request') else ''}", COLOURS.get(job["status"], ""))
        position = job.get("position")
        # Text, not markup: a title with [brackets] is somebody's text.
        table.add_row(*(Text(plain(str(cell))) if isinstance(cell, str | int) else cell for cell in (
            "" if position is None else position + 1, short(job["jobId"]), state,
            "" if job["status"] == "pending" else f"{int(job['progress'])} %", span(left_s(job)),
            clock(job.get("expectedStart")) if job["status"] == "pending" else "", job["title"], job["model"],
            job["resolution"], "" if foreign(job) else job["priority"], foreign(job) or job["user"])))
    screen = console()
    screen.print(table)
    counts = ", ".join(f"{number} {name}" for name, number in stats.items() if number)
    if counts:
        screen.print(Text(counts, "bright_black"))


def foreign(job: Job) -> str:
    """Where a job lives that is not of our own queue; "" if it is."""
    origin = job.get("origin", "echodeck")
    return "" if origin == "echodeck" else "a script" if origin == "script" else f"seen in {job['engine']}"


def status_text(found: dict[str, Any]) -> str:
    """A few lines: the hub, the machines, the queue, what is wrong."""
    lines = [f"hub       {found['hub']} ({_latency(found['latency_s'])})"]
    status = found["status"] or {}
    lines += [f"state     {status.get('consciousness', '–')}, working memory {status.get('working_memory', '–')}"]
    for host in found["hosts"]:
        memory = 100 * host["memory_used_bytes"] / host["memory_total_bytes"] if host["memory_total_bytes"] else 0
        silent = _silent(host, found["agents"])
        if silent:
            lines.append(f"machine   {host['name']}: {silent}")
            continue
        lines.append(f"machine   {host['name']}: CPU {host['cpu_percent']:.0f} %, memory {memory:.0f} %")
        lines += [f"          {_gpu(gpu)}" for gpu in host.get("gpus", [])]
    for engine in found.get("engines", []):
        where = f" at {engine['address']}" if engine.get("address") else ""
        version = f" {engine['version']}" if engine.get("version") else ""
        lines.append(f"engine    {engine['name']}{where}{version}: {engine['reason'] or 'ready'}")
        if engine.get("note"):
            lines.append(f"          {engine['note']}")
    for agent in found["agents"]:
        away = f" since {since(agent['metadata'].get('seen'))}" if agent["status"] == "offline" else ""
        lines.append(f"agent     {agent['id']}: {agent['status']}{away}")
    queue = found["queue"]
    lines.append("queue     " + (", ".join(f"{n} {name}" for name, n in queue.items() if n) or "empty"))
    alerts = sorted(found["alerts"], key=lambda alert: str(alert.get("at")), reverse=True)
    lines += [f"{alert['level']:<9} {alert['title']}: {alert['message']}" for alert in alerts[:MOST_ALERTS]]
    if len(alerts) > MOST_ALERTS:
        lines.append(f"          and {len(alerts) - MOST_ALERTS} more alerts: see the dashboard")
    return "\n".join(map(plain, lines))


def _silent(host: Job, agents: list[Job]) -> str:
    """Why nothing is known of a machine now; "" when it is measured."""
    own = [agent for agent in agents if agent["metadata"].get("host") == host["name"]]
    if own and all(agent["status"] == "offline" for agent in own):
        return f"offline since {since(max(str(agent['metadata'].get('seen') or '') for agent in own))}"
    seen = max((_moment(agent["metadata"].get("seen")) for agent in own), default=0.0)
    # Both by clocks that the hub goes by: this one's may be wrong.
    if seen - host.get("at_s", seen) > max(SILENT_S, 5 * host.get("period_s", 1.0)):
        return f"not measured since {since(datetime.fromtimestamp(host['at_s'], UTC).isoformat())}"
    return ""


def _moment(moment: str | None) -> float:
    return datetime.fromisoformat(moment).timestamp() if moment else 0.0


def since(moment: str | None) -> str:
    """A moment in the past as local time, with its day when that is not today's."""
    if not moment:
        return "an unknown time"
    at = datetime.fromisoformat(moment).astimezone()
    return at.strftime("%H:%M:%S" if at.date() == datetime.now().astimezone().date() else "%Y-%m-%d %H:%M:%S")


def _latency(latency_s: float | None) -> str:
    return "no latency yet" if latency_s is None else f"{1000 * latency_s:.0f} ms"


def _gpu(gpu: dict[str, Any]) -> str:
    if gpu.get("reason"):
        return f"{gpu['name']}: {gpu['reason']}"
    shared = gpu.get("unified")  # such a GPU works in the system's memory too
    used = (gpu.get("vram_used_bytes") or 0) + (gpu.get("gtt_used_bytes") or 0 if shared else 0)
    total = (gpu.get("vram_total_bytes") or 0) + (gpu.get("gtt_total_bytes") or 0 if shared else 0)
    vram = f", VRAM {100 * used / total:.0f} %" if total and gpu.get("vram_used_bytes") is not None else ""
    load = "" if gpu.get("util_percent") is None else f" {gpu['util_percent']:.0f} %"
    return f"{gpu['name']}{load}{vram}"


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
    done = f"{job['status']} {int(job['progress'])} %"
    return f"{short(job['jobId'])} {done}{stage}{until}{why}  {plain(job['title'])}"


def bars(jobs: list[Job]) -> Any:
    """A row a job: id, title, bar in its state's colour, percent, stage and step, what is left."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    if not jobs:
        return Text("nothing is queued", "bright_black")
    table = Table.grid(padding=(0, 1))
    for job in jobs:
        colour = COLOURS.get(job["status"], "")
        step = f"{job['stage']} {job['currentStep']}/{job['totalSteps']}" if job["totalSteps"] else job["stage"]
        what = (job.get("error") or job["status"]) if job["status"] != "running" else step
        table.add_row(
            Text(short(job["jobId"]), "bright_black"), Text(plain(job["title"])[:32]),
            ProgressBar(100, job["progress"], width=32, complete_style=colour, finished_style=colour),
            Text(f"{int(job['progress']):3} %", colour), Text(plain(str(what))[:60]),
            Text(span(left_s(job)), "bright_black"))
    return table
