"""What an engine says of itself, and whether a job fits it: so that the hub can refuse a bad job before queueing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import BadField
from .job import JobSpec

MAX_PROMPT_CHARS = 16_384
MAX_TITLE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Param:
    """One whole-number parameter of a job: a field of JobSpec, its bounds, its default and the step between values."""

    name: str
    minimum: int
    maximum: int
    default: int
    multiple: int = 1


@dataclass(frozen=True, slots=True)
class ModelInfo:
    name: str
    label: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """An engine as it is announced to the hub and shown in forms. The first model and sampler are the defaults."""

    name: str
    label: str = ""
    models: tuple[ModelInfo, ...] = ()
    samplers: tuple[str, ...] = ()
    params: tuple[Param, ...] = ()
    can_pause: bool = True
    can_cancel: bool = True
    reason: str = ""
    """Why it cannot be used just now, in a sentence; "" when it can."""


def fit(info: EngineInfo, given: Mapping[str, Any]) -> JobSpec:
    """The spec of a job from the fields that were given, the engine's defaults in place of the others.

    `given` has fields of JobSpec, of their right types. Raises BadField, naming the field and the mend, when the
    engine cannot do what is asked.
    """
    models = [model.name for model in info.models]
    model = given.get("model") or (models[0] if models else "")
    if models and model not in models:
        raise BadField("model", f"engine {info.name} has no model {model[:80]!r}; use one of {', '.join(models)}")
    sampler = given.get("sampler") or (info.samplers[0] if info.samplers else "")
    if info.samplers and sampler not in info.samplers:
        raise BadField("sampler", f"unknown sampler {sampler[:80]!r}; use one of {', '.join(info.samplers)}")
    prompt, title = given.get("prompt", ""), visible(given.get("title", ""))
    if len(prompt) > MAX_PROMPT_CHARS:
        raise BadField("prompt", f"has {len(prompt):,} characters; {MAX_PROMPT_CHARS:,} are the most")
    if len(title) > MAX_TITLE_CHARS:
        raise BadField("title", f"has {len(title):,} characters; {MAX_TITLE_CHARS} are the most")
    values = {param.name: _check(param, given.get(param.name, param.default)) for param in info.params}
    rest = {name: value for name, value in given.items() if name not in values}
    kind = "video" if values.get("frames", given.get("frames", 1)) > 1 else "image"
    title = title or visible(prompt)[:60] or f"{model} {values.get('seed', 0)}"
    return JobSpec(**{**rest, **values, "engine": info.name, "model": model, "sampler": sampler, "title": title,
                      "type": kind})


def visible(text: str) -> str:
    """One line that can be shown anywhere: line breaks, terminal escapes, and marks that turn the direction of the
    text become spaces. What joins emoji stays."""
    return " ".join("".join(c if c.isprintable() or c in "\u200c\u200d" else " " for c in text).split())


def _check(param: Param, value: int) -> int:
    if not param.minimum <= value <= param.maximum:
        raise BadField(param.name, f"must be {param.minimum} to {param.maximum}, got {value}")
    if param.multiple > 1 and value % param.multiple:
        near = max(param.minimum, value - value % param.multiple)
        raise BadField(param.name, f"must be a multiple of {param.multiple}, got {value}; {near} would do")
    return value
