"""The commands by name: each is one `call` and returns when its effect is durable."""

from __future__ import annotations

from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import BadField
from ..model import workflow
from .line import Rest


class Commands:
    """What a client can ask for. All raise InputError and its kin, StoreError, or HubUnreachable (see `call`)."""

    rest: Rest

    async def call(self, type_: str, payload: Any = None, *, id_: str | None = None, timeout_s: float | None = None,
                   ahead: bool = False) -> dict[str, Any]:
        raise NotImplementedError

    async def submit(self, prompt: str = "", **fields: Any) -> list[str]:
        """Queues `count` jobs and returns their ids. `fields` are those of `wire.say.Submit`; None is not given.

        `workflow` may also be the path of a file: a workflow in API format, or a PNG that has one in it. With the model
        "auto" the hub takes the cheapest that should meet `quality` ("draft", "standard", "final") by `deadline` (a
        datetime, or as in `Submit`).
        """
        given = {name: value for name, value in fields.items() if value is not None}
        if isinstance(given.get("deadline"), datetime):
            given["deadline"] = given["deadline"].astimezone().isoformat()
        if isinstance(given.get("workflow"), PathLike):
            given["workflow"] = workflow.read(_content(Path(given["workflow"])))
        result = await self.call("submit", {"prompt": prompt, **given})
        return [str(id_) for id_ in result.get("jobIds", [])]

    async def pause(self, job_id: str) -> dict[str, Any]:
        return await self.call("generation_command", {"jobId": job_id, "command": "pause"})

    async def skip(self, job_id: str) -> dict[str, Any]:
        """Leave out the picture in hand."""
        return await self.call("generation_command", {"jobId": job_id, "command": "skip"})

    async def free(self, engine: str) -> dict[str, Any]:
        """Have an engine let go of the models that it keeps loaded."""
        return await self.call("engine_command", {"engine": engine, "command": "free"})

    async def forget_host(self, name: str) -> dict[str, Any]:
        """A machine that was taken away for good: it is listed no more; what was measured of it stays."""
        return await self.call("forget_host", {"host": name})

    async def resume(self, job_id: str) -> dict[str, Any]:
        return await self.call("generation_command", {"jobId": job_id, "command": "resume"})

    async def cancel(self, job_id: str) -> dict[str, Any]:
        return await self.call("generation_command", {"jobId": job_id, "command": "cancel"})

    async def retry(self, job_id: str) -> dict[str, Any]:
        return await self.call("retry", {"jobId": job_id})

    async def remove(self, job_id: str) -> dict[str, Any]:
        return await self.call("remove", {"jobId": job_id})

    async def move(self, job_id: str, direction: str | None = None, *, place: int | None = None,
                   before: str | None = None, after: str | None = None) -> dict[str, Any]:
        """Give one: `direction` (up, down, top, bottom), `place` (0 is the front), `before` or `after` another job."""
        given = {"direction": direction, "place": place, "before": before, "after": after}
        return await self.call("move", {"jobId": job_id, **{k: v for k, v in given.items() if v is not None}})

    async def set_priority(self, job_id: str, priority: int | str) -> dict[str, Any]:
        return await self.call("set_priority", {"jobId": job_id, "priority": priority})

    async def clear_completed(self) -> dict[str, Any]:
        return await self.call("clear_completed")

    async def communicate(self, message: str, level: str = "info", *, to: str = "",
                          job_id: str = "") -> dict[str, Any]:
        return await self.call("communicate", {"message": message, "level": level, "to": to, "jobId": job_id})

    async def messages(self, *, to: str = "", job_id: str = "", words: str = "", level: str = "", after: int = 0,
                       limit: int = 100) -> list[dict[str, Any]]:
        """The newest messages, oldest of them first: to somebody, about a job, with all of these words, of these
        levels (several with commas), after the event `after`."""
        found = await self.rest.get("/api/messages", to=to, job=job_id, q=words, level=level, after=after, limit=limit)
        return list(found["messages"])

    async def query(self, what: str, **fields: Any) -> dict[str, Any]:
        """Asks the coordinator (health, plan, estimate, capacity, why, recommend, compare) and returns its answer;
        `text` in it has the reasons as sentences. `fields` are those of `wire.say.Query`, in Python's spelling."""
        named = {_camel(name): value for name, value in fields.items() if value is not None}
        return dict((await self.call("query", {"what": what, **named}))["answer"])

    async def workflow(self, jobs: list[dict[str, Any]], name: str = "", *, on_failure: str = "cancel") -> list[str]:
        """Queues several jobs, some of them `after` others (see `wire.say.Task`), and returns their ids in order. The
        `workflow_result` comes when the last has ended."""
        tasks = [{_camel(key): value for key, value in job.items()} for job in jobs]
        result = await self.call("workflow", {"jobs": tasks, "name": name, "onFailure": on_failure})
        return [str(id_) for id_ in result.get("jobIds", [])]

    async def acknowledge(self, alert_id: str) -> dict[str, Any]:
        return await self.call("acknowledge_alert", {"alertId": alert_id})

    async def ladders(self) -> dict[str, Any]:
        """The ladders that jobs with the model "auto" choose from, and what is believed of their rungs."""
        found: dict[str, Any] = await self.rest.get("/api/brain/ladders")
        return found

    async def silence(self, alert_id: str, seconds: float) -> dict[str, Any]:
        """The alert calls nobody for so long, also when it comes again; 0 ends that."""
        return await self.call("silence_alert", {"alertId": alert_id, "seconds": seconds})

    async def forget_gpu(self, host: str, gpu: int) -> None:
        """A GPU that is missed was taken out, and is not missed any more."""
        await self.call("forget_gpu", {"host": host, "gpu": gpu})

    async def get(self, path: str, **query: Any) -> Any:
        """Any GET of the hub's REST interface, as JSON values."""
        return await self.rest.get(path, **query)

    async def history(self, kind: str, since_s: float | None = None, limit: int = 10_000) -> list[dict[str, Any]]:
        """Rows of "jobs", "steps", "runs" or "estimates" since a moment (seconds since the epoch), oldest first."""
        rows = await self.rest.get(f"/api/history/{kind}", since=since_s, limit=limit)
        if isinstance(rows, dict):
            rows = rows.get(kind, [])
        return list(rows)


def _camel(name: str) -> str:
    """A field as the wire has it: job_id is jobId."""
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadField("workflow", f"{path} cannot be read: {error.strerror or error}") from error
