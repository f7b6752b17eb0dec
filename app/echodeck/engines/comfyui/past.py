"""How prompts ended, as ComfyUI remembers it: the history, and in newer versions the list of jobs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .failure import Failure, parse_failure
from .field import bad_answer, count, listed, mapping, number, seconds, text, texts
from .media import File, parse_file, parse_outputs
from .rest import Item, is_item, item_of, parse_item


class Outcome(StrEnum):
    SUCCESS = "success"
    ERROR = "error"
    OUT_OF_MEMORY = "out_of_memory"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Past:
    """A prompt that has ended. The times are the server's own; None where it kept none."""

    item: Item
    outcome: Outcome
    failure: Failure | None = None
    started_s: float | None = None
    ended_s: float | None = None
    cached: tuple[str, ...] = ()
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class JobLine:
    """A line of the list of jobs. `status`: pending, in_progress, completed, failed or cancelled.

    `outcome` is None until the job has ended. `number` orders those that wait.
    """

    id: str
    status: str
    number: float = 0.0
    outcome: Outcome | None = None
    failure: Failure | None = None
    created_s: float | None = None
    started_s: float | None = None
    ended_s: float | None = None
    outputs_count: int = 0
    preview: File | None = None
    workflow_id: str = ""


@dataclass(frozen=True, slots=True)
class JobList:
    jobs: tuple[JobLine, ...] = ()
    total: int = 0
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class JobDetail:
    """A job with all that the server knows of it."""

    line: JobLine
    item: Item
    cached: tuple[str, ...] = ()
    files: tuple[File, ...] = ()


_OUTCOMES = {"completed": Outcome.SUCCESS, "failed": Outcome.ERROR, "cancelled": Outcome.INTERRUPTED}


def parse_history(body: Any) -> dict[str, Past]:
    """Prompts that have ended by id, in the order in which they ended: the body of GET /history, or of one id of it."""
    if not isinstance(body, dict):
        raise bad_answer("GET /history", "it is no JSON object")
    return {prompt_id: _past(prompt_id, entry) for prompt_id, entry in body.items() if isinstance(entry, dict)}


def _past(prompt_id: str, entry: dict[str, Any]) -> Past:
    item = parse_item(entry["prompt"]) if is_item(entry.get("prompt")) else Item(prompt_id)
    status = mapping(entry.get("status"))
    messages = _messages(status)
    files = parse_outputs(entry.get("outputs"))
    ending = next((name for name in ("execution_interrupted", "execution_error", "execution_success")
                   if name in messages), "")
    failure = None
    if ending == "execution_error":
        failure = parse_failure(messages[ending])
        outcome = Outcome.OUT_OF_MEMORY if failure.out_of_memory else Outcome.ERROR
    elif ending == "execution_interrupted":
        outcome = Outcome.INTERRUPTED
    elif ending or status.get("status_str") == "success" or (not status and files):
        outcome = Outcome.SUCCESS
    else:
        outcome, failure = Outcome.ERROR, Failure("", "", "", "ComfyUI does not say why it failed")
    return Past(item, outcome, failure, seconds(messages.get("execution_start", {}).get("timestamp")),
                seconds(messages.get(ending, {}).get("timestamp")),
                texts(messages.get("execution_cached", {}).get("nodes")), files)


def _messages(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The events that the server kept, by type: [[type, data], …]."""
    return {text(event[0]): mapping(event[1]) for event in listed(status.get("messages"))
            if isinstance(event, list) and len(event) == 2}


def parse_jobs(body: Any) -> JobList:
    """The body of GET /api/jobs, which older versions (0.3.64) do not have."""
    if not isinstance(body, dict) or not isinstance(body.get("jobs"), list):
        raise bad_answer("GET /api/jobs", "it has no jobs")
    page = mapping(body.get("pagination"))
    lines = tuple(_line(job) for job in map(mapping, body["jobs"]) if text(job.get("id")))
    return JobList(lines, count(page.get("total")) or len(lines), page.get("has_more") is True)


def parse_job(body: Any) -> JobDetail:
    """The body of GET /api/jobs/{id}."""
    if not isinstance(body, dict) or not text(body.get("id")):
        raise bad_answer("GET /api/jobs/{id}", "it has no id")
    line = _line(body)
    queued = mapping(body.get("workflow"))
    item = item_of(line.id, queued.get("prompt"), mapping(queued.get("extra_data")), line.number)
    cached = _messages(mapping(body.get("execution_status"))).get("execution_cached", {})
    return JobDetail(line, item, texts(cached.get("nodes")), parse_outputs(body.get("outputs")))


def _line(job: dict[str, Any]) -> JobLine:
    status = text(job.get("status"), 100)
    outcome = _OUTCOMES.get(status)
    failure = None
    if outcome is Outcome.ERROR:
        failure = parse_failure(job.get("execution_error"))
        outcome = Outcome.OUT_OF_MEMORY if failure.out_of_memory else outcome
    shown = mapping(job.get("preview_output"))
    return JobLine(
        text(job.get("id")), status, number(job.get("priority")) or 0.0, outcome, failure,
        seconds(job.get("create_time")), seconds(job.get("execution_start_time")),
        seconds(job.get("execution_end_time")), count(job.get("outputs_count")),
        parse_file(text(shown.get("nodeId")), text(shown.get("mediaType")) or "images", shown),
        text(job.get("workflow_id")),
    )


def parse_cancelled(body: Any) -> bool:
    """Whether a cancel found its job: the body of POST /api/jobs/{id}/cancel."""
    return mapping(body).get("cancelled") is True
