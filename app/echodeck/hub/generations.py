"""REST for jobs and the queue: the fixed calls and ours. What is asked here goes through the room like any command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse

from .. import wire
from ..config import Settings
from ..errors import BadField, InputError, UnknownRecord
from ..model.job import JobState
from ..model.record import EstimateSample, StepSample
from ..wire import say, show
from .answers import Asked, answer, body, shows, takes, with_fields
from .room import Room
from .shapes import Active, Cleared, Jobs, Queue, QueueCounts, StageLine, Submitted, Trail, Used

PICTURES = frozenset({"image/png", "image/apng", "image/jpeg", "image/webp", "image/gif", "video/mp4", "video/webm"})
"""What a browser is given to show; anything else only to keep (it could be a page with a script)."""
THUMBNAIL = "image/webp"
Command = Literal["pause", "resume", "cancel", "skip"]


def routes(room: Room, settings: Settings) -> APIRouter:
    router = APIRouter(prefix="/api/generations", tags=["generations"])
    # Before the routes that take any word for a job's id.
    _queue(router, room, settings)
    _jobs(router, room, settings)
    _commands(router, room)
    _files(router, room, settings)
    return router


def _queue(router: APIRouter, room: Room, settings: Settings) -> None:
    @router.get("/queue", responses=shows(Queue))
    async def queue() -> Response:
        """What waits and runs, in order, the counts, and the job in hand."""
        return answer(queue_of(room))

    @router.post("/queue/clear-completed", responses=shows(Cleared))
    async def clear_completed(request: Request) -> Response:
        """Takes away the jobs that have ended; answers how many."""
        result = await Asked(room, request).do("clear_completed", say.Nothing())
        return answer({**result, "cleared": _how_many(result)})

    @router.post("/queue/{job_id}/move", responses=shows(Queue), openapi_extra=takes(say.Move))
    async def move(job_id: str, request: Request) -> Response:
        """Moves a job (`direction` up, down, top or bottom; or to a `place`, `before` or `after` another)."""
        raw = with_fields(await body(request, settings.max_frame_bytes), jobId=job_id)
        await Asked(room, request).do("move", wire.check(say.Move, raw))
        return answer(queue_of(room))

    @router.post("/queue/{job_id}/priority", responses=shows(show.JobView), openapi_extra=takes(say.SetPriority))
    async def set_priority(job_id: str, request: Request) -> Response:
        raw = with_fields(await body(request, settings.max_frame_bytes), jobId=job_id)
        await Asked(room, request).do("set_priority", wire.check(say.SetPriority, raw))
        return answer(room.job_view(job_id))

    @router.delete("/queue/{job_id}", status_code=204, response_class=Response)
    async def remove(job_id: str, request: Request) -> Response:
        await Asked(room, request).do("remove", _ref(job_id))
        return Response(status_code=204)


def _jobs(router: APIRouter, room: Room, settings: Settings) -> None:
    @router.post("", status_code=201, responses=shows(Submitted, 201), openapi_extra=takes(say.Submit))
    async def submit(request: Request) -> Response:
        """Queues one job, or `count` of them."""
        raw = await body(request, settings.max_frame_bytes)
        return answer(await Asked(room, request).do("submit", wire.check(say.Submit, raw)), 201)

    @router.get("", responses=shows(Jobs))
    async def jobs(state: str = "", limit: Annotated[int, Query(ge=1, le=20_000)] = 100) -> Response:
        """The newest jobs; `state` is one or several (comma) of pending, running, paused, completed, failed, …"""
        wanted = {item.strip() for item in state.split(",") if item.strip()}
        if wanted - {*JobState}:
            raise BadField("state", f"there are {', '.join(JobState)}, got {state[:60]!r}")
        found = [job for job in room.board.all("jobs").values() if not wanted or job.status in wanted]
        found.sort(key=lambda job: job.created_at or "", reverse=True)
        return answer(Jobs(found[:limit]))

    @router.get("/{job_id}", responses=shows(show.JobView))
    async def job(job_id: str) -> Response:
        return answer(room.job_view(job_id))

    @router.get("/{job_id}/usage", responses=shows(Used))
    async def usage(job_id: str) -> Response:
        """What its present attempt took of the machine: memory, power, energy, disk and network, stage by stage."""
        return answer(room.usage(job_id))

    @router.get("/{job_id}/trail", responses=shows(Trail))
    async def trail(job_id: str) -> Response:
        """Its present attempt: the steps measured and the estimates made so far."""
        view = room.job_view(job_id)
        steps = await room.store.steps(job_id=job_id)
        return answer(trail_of(view, steps, await room.store.estimates(job_id=job_id)))


def _commands(router: APIRouter, room: Room) -> None:
    def steer(command: Command) -> Callable[[str, Request], Awaitable[Response]]:
        async def ask(job_id: str, request: Request) -> Response:
            await Asked(room, request).do("generation_command", say.GenerationCommand(job_id=job_id, command=command))
            return answer(room.job_view(job_id))

        return ask

    asks: tuple[Command, ...] = ("pause", "resume", "cancel", "skip")
    for command in asks:
        router.add_api_route(f"/{{job_id}}/{command}", steer(command), methods=["POST"], name=command,
                             summary=f"{command.title()} a job; answers the job", responses=shows(show.JobView))

    @router.post("/{job_id}/retry", responses=shows(show.JobView))
    async def retry(job_id: str, request: Request) -> Response:
        """Queues a failed or cancelled job again."""
        await Asked(room, request).do("retry", _ref(job_id))
        return answer(room.job_view(job_id))


def _files(router: APIRouter, room: Room, settings: Settings) -> None:
    @router.get("/{job_id}/outputs/{number}", response_class=FileResponse)
    async def output(job_id: str, number: int) -> Response:
        """A file that the job produced, if it lies in the hub's own output directory; a small picture of it where the
        original (`link`) is another program's."""
        outputs = room.job_view(job_id).outputs
        if not 0 <= number < len(outputs):
            raise UnknownRecord("output", str(number))
        found = outputs[number]
        path = inside(settings.output_dir, found.path)
        if path is None:
            there = f"{found.path} on the machine {found.host or 'that made it'}"
            raise _Elsewhere(f"the file is not here: it lies at {found.link or there}")
        kind = THUMBNAIL if found.link else found.kind
        safe = kind in PICTURES
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600"}
        return FileResponse(path, media_type=kind if safe else "application/octet-stream", headers=headers,
                            filename=path.name, content_disposition_type="inline" if safe else "attachment")


class _Elsewhere(UnknownRecord):
    """The output exists, but not where this hub can serve it from."""

    def __init__(self, message: str) -> None:
        super().__init__("output", "")
        self.message, self.args = message, (message,)


def inside(directory: Path, path: str) -> Path | None:
    """The file at `path` (relative ones count from `directory`), or None unless it is really within `directory`."""
    try:
        found = (directory / path).resolve()
        good = found.is_relative_to(directory.resolve()) and found.is_file()
    except (OSError, ValueError):  # a name that is too long, or has a zero byte
        return None
    return found if good else None


def _ref(job_id: str) -> say.JobRef:
    if len(job_id) > 128:
        raise UnknownRecord("job", job_id)
    return say.JobRef(job_id=job_id)


def _how_many(result: dict[str, object]) -> int:
    for value in result.values():
        if isinstance(value, list):
            return len(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    raise InputError("the hub did not say how many")


def queue_of(room: Room) -> Queue:
    update = room.board.get("queue") or room.initial_state().queue
    stats = update.stats
    counts = QueueCounts(stats.pending, stats.running, stats.completed, stats.paused, stats.failed, stats.cancelled)
    views = [room.job_view(job_id) for job_id in update.order if room.board.get("jobs", job_id) is not None]
    in_hand = [view for view in views if view.worker_id and view.status in ("running", "paused")]
    in_hand.sort(key=lambda view: (view.status != "running", view.started_at or ""))
    return Queue(update.items, counts, active_of(in_hand[0]) if in_hand else None, update.order, update.reason)


def active_of(job: show.JobView) -> Active:
    done = sum(stage.duration or 0.0 for stage in job.stages)
    stages = []
    for stage in job.stages:
        took = stage.duration
        if took is None:
            took = max(0.0, job.elapsed - done) if stage.status == "running" else 0.0
        stages.append(StageLine(stage.name, stage.status, round(took, 3)))
    return Active(id=job.id, title=job.title, type=job.type, paused=job.status == "paused",
                  current_step=job.current_step, total_steps=job.total_steps, percentage=job.progress,
                  eta=job.eta or 0.0, elapsed=job.elapsed, stages=stages)


def trail_of(job: show.JobView, steps: list[StepSample], estimates: list[EstimateSample]) -> Trail:
    """Of the present attempt; steps of the latest stage that has any."""
    mine = [step for step in steps if step.attempt == job.attempt]
    last = max((step.stage for step in mine), default=0)
    return Trail(
        job.job_id, job.attempt, [(step.step, step.duration_s) for step in mine if step.stage == last],
        [(show.iso(one.at_s) or "", one.eta_s, one.low_s, one.high_s)
         for one in estimates if one.attempt == job.attempt],
    )
