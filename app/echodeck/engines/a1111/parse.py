"""What servers with AUTOMATIC1111's interface answer: A1111, Forge, reForge, SD.Next. Pure; what is missing is borne.

The shapes are those of the routes below /sdapi/v1 and /internal. A body that is something else altogether is an
EngineError ("bad_answer").
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from ...errors import EngineError

MEMORY_WORDS = ("out of memory", "outofmemoryerror", "allocation on device")


@dataclass(frozen=True, slots=True)
class Progress:
    """/progress: what the server does now, whoever asked for it.

    `share` is 0..1 of everything asked for; `jobs` passes of which `job` (from 0) runs, 0 when the server idles and -1
    right after a beginning; `stamp` is new for every request.
    """

    share: float = 0.0
    jobs: int = 0
    job: int = 0
    step: int = 0
    steps: int = 0
    stamp: str = ""
    name: str = ""
    skipped: bool = False
    interrupted: bool = False
    image: str = ""
    text: str = ""

    @property
    def idle(self) -> bool:
        return self.jobs == 0 and self.share == 0 and not self.name


@dataclass(frozen=True, slots=True)
class Task:
    """/internal/progress of one task by its id."""

    active: bool = False
    queued: bool = False
    completed: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """The answer of txt2img and img2img: pictures as encoded bytes, and each one's seed as far as it is told."""

    pictures: tuple[bytes, ...]
    seeds: tuple[int, ...] = ()


def bad_answer(what: str, problem: str) -> EngineError:
    return EngineError(f"the server's answer to {what} cannot be used: {problem}", retryable=True, code="bad_answer")


def parse_progress(body: Any) -> Progress:
    if not isinstance(body, dict) or not isinstance(body.get("state"), dict):
        raise bad_answer("/sdapi/v1/progress", "it has no state")
    state = body["state"]
    return Progress(
        _share(body.get("progress")), _whole(state.get("job_count"), least=-1), _whole(state.get("job_no")),
        _whole(state.get("sampling_step")), _whole(state.get("sampling_steps")),
        _text(body.get("id")) or _text(state.get("job_timestamp")), _text(state.get("job")),
        state.get("skipped") is True, state.get("interrupted") is True or state.get("stopping_generation") is True,
        _text(body.get("current_image"), most=8_000_000), _text(body.get("textinfo")))


def parse_task(body: Any) -> Task:
    if not isinstance(body, dict):
        raise bad_answer("/internal/progress", "it is no JSON object")
    return Task(body.get("active") is True, body.get("queued") is True, body.get("completed") is True)


def parse_names(body: Any, *keys: str) -> tuple[str, ...]:
    """The names in a list of records, by the first key that a record has; plain texts are names too."""
    if not isinstance(body, list):
        raise bad_answer("a list of names", "it is no list")
    found = []
    for item in body:
        name = item if isinstance(item, str) else next(
            (item[key] for key in keys if isinstance(item, dict) and isinstance(item.get(key), str)), "")
        if name:
            found.append(str(name)[:200])
    return tuple(dict.fromkeys(found))


def parse_options(body: Any) -> str:
    """The checkpoint that is loaded, "" if none is named."""
    if not isinstance(body, dict):
        raise bad_answer("/sdapi/v1/options", "it is no JSON object")
    return _text(body.get("sd_model_checkpoint"))


def parse_made(body: Any) -> Made:
    if not isinstance(body, dict) or not isinstance(body.get("images"), list):
        raise bad_answer("a generation", "it has no images")
    pictures = tuple(decoded(item) for item in body["images"] if isinstance(item, str))
    try:
        info = json.loads(body.get("info") or "{}")
    except (ValueError, TypeError):
        info = {}
    seeds = info.get("all_seeds") if isinstance(info, dict) else None
    return Made(pictures, tuple(seed for seed in seeds if isinstance(seed, int)) if isinstance(seeds, list) else ())


def decoded(text: str) -> bytes:
    """A picture as it is sent: base64, with or without the head of a data URL."""
    try:
        return base64.b64decode(text.rpartition(",")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_answer("a generation", f"a picture of it is no base64 ({error})") from error


def mime_of(picture: bytes) -> str:
    if picture.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/webp" if picture[:4] == b"RIFF" else "image/png"


def parse_error(body: Any) -> str:
    """What an error's body says, in one line."""
    if not isinstance(body, dict):
        return ""
    detail = body.get("detail")
    if isinstance(detail, list):  # what FastAPI says of wrong fields
        parts = [f"{'.'.join(map(str, one.get('loc', ())[1:]))}: {one.get('msg', '')}" for one in detail
                 if isinstance(one, dict)]
        return "; ".join(parts)[:500]
    said = [_text(body.get(key)) for key in ("error", "errors", "message")] + [_text(detail)]
    return ": ".join(dict.fromkeys(one for one in said if one))[:500]


def out_of_memory(said: str) -> bool:
    return any(word in said.lower() for word in MEMORY_WORDS)


def _text(value: Any, most: int = 2000) -> str:
    return value[:most] if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def _whole(value: Any, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -2**31 < value < 2**31:
        return 0
    return max(least, int(value))


def _share(value: Any) -> float:
    return min(1.0, max(0.0, float(value))) if isinstance(value, int | float) and value == value else 0.0
