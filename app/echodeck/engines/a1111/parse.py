"""What servers with AUTOMATIC1111's interface say of what they do: A1111, Forge, reForge, SD.Next. Pure.

The shapes are those of /sdapi/v1/progress, /sdapi/v1/status and /internal/progress. What is missing, or of another
type than it should be, is borne; a body that is something else altogether is an EngineError ("bad_answer").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...errors import EngineError

MOST_PICTURE_CHARS = 32_000_000


@dataclass(frozen=True, slots=True)
class Progress:
    """/progress: what the server does now, whoever asked for it.

    `jobs` passes of which `job` (from 0) runs: 0 while the server idles, and right after a beginning, when A1111 says
    -1. `step` of `steps` are done; SD.Next adds up those of all passes. `stamp` is when the request began, to the
    second, and stays after its end; `task` is its id, where that is said. `image` is a picture in base64.
    """

    jobs: int = 0
    job: int = 0
    step: int = 0
    steps: int = 0
    stamp: str = ""
    task: str = ""
    name: str = ""
    interrupted: bool = False
    paused: bool = False
    image: str = ""

    @property
    def idle(self) -> bool:
        return self.jobs == 0 and not self.name

    @property
    def loading(self) -> bool:
        """Under this name SD.Next loads a model in the middle of a request, with another time stamp."""
        return self.name == "Load"

    @property
    def key(self) -> str:
        """Another one for every request."""
        return f"{self.stamp} {self.task}".strip()


@dataclass(frozen=True, slots=True)
class Task:
    """/internal/progress of one task by its id. None of the three: the server does not know it."""

    active: bool = False
    queued: bool = False
    completed: bool = False

    @property
    def known(self) -> bool:
        return self.active or self.queued or self.completed


def bad_answer(what: str, problem: str) -> EngineError:
    return EngineError(f"the server's answer to {what} cannot be used: {problem}", retryable=True, code="bad_answer")


def parse_progress(body: Any) -> Progress:
    if not isinstance(body, dict) or not isinstance(body.get("state"), dict):
        raise bad_answer("/sdapi/v1/progress", "it has no state")
    state = body["state"]
    return Progress(
        jobs=whole(state.get("job_count"), least=-1), job=whole(state.get("job_no")),
        step=whole(state.get("sampling_step")), steps=whole(state.get("sampling_steps")),
        stamp=text(state.get("job_timestamp")), task=text(body.get("current_task")) or text(body.get("id")),
        name=text(state.get("job")),
        interrupted=state.get("interrupted") is True or state.get("stopping_generation") is True,
        paused=state.get("paused") is True, image=text(body.get("current_image"), most=MOST_PICTURE_CHARS))


def parse_paused(body: Any) -> bool:
    """Whether SD.Next holds what it does: the body of /sdapi/v1/status."""
    if not isinstance(body, dict) or "status" not in body:
        raise bad_answer("/sdapi/v1/status", "it has no status")
    return text(body["status"]) == "paused"


def parse_task(body: Any) -> Task:
    if not isinstance(body, dict):
        raise bad_answer("/internal/progress", "it is no JSON object")
    return Task(body.get("active") is True, body.get("queued") is True, body.get("completed") is True)


def text(value: Any, most: int = 2000) -> str:
    """The text; of a whole number its digits; "" for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 2**63 else ""
    return value[:most] if isinstance(value, str) else ""


def whole(value: Any, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -2**31 < value < 2**31:
        return 0
    return max(least, int(value))
