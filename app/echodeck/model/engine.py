"""What an engine says of itself, and whether a job fits it: so that the hub can refuse a bad job before queueing it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import BadField
from .job import JobSpec, Options
from .workload import Latents

MAX_PROMPT_CHARS = 16_384
MAX_TITLE_CHARS = 200
MOST_WHOLE = 2**31 - 1


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
class Option:
    """A setting that only this engine knows; its value lies in `JobSpec.options` under `name`.

    `kind` is "text", "number", "flag", "choice" (one of `choices`), or "image": a path on the engine's machine, or a
    data URL. The bounds are of numbers; `step` is what forms count in.
    """

    name: str
    label: str = ""
    kind: str = "text"
    default: str | int | float | bool = ""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """An engine as it is announced to the hub and shown in forms. The first model and sampler are the defaults.

    `kind` is what it is ("sketch", "comfyui", "a1111", "diffusers"; `name` tells several of a kind apart), `address`
    the server it drives, `version` that server's. `latents`: what its steps work on, where that does not simply grow
    with the picture. `workflows`: a job is a workflow, and what else it needs is read out
    of that. `aside`: while a job of it is paused, its worker can begin another beside it. `cannot` says of commands
    ("pause", "cancel", "move", "retry") why it cannot do them; `extras` are further commands that it can: "skip" (the
    picture in hand) and "free" (let go of the models it keeps loaded).
    """

    name: str
    label: str = ""
    kind: str = ""
    address: str = ""
    version: str = ""
    models: tuple[ModelInfo, ...] = ()
    samplers: tuple[str, ...] = ()
    schedulers: tuple[str, ...] = ()
    params: tuple[Param, ...] = ()
    options: tuple[Option, ...] = ()
    latents: Latents | None = None
    workflows: bool = False
    aside: bool = False
    cannot: Mapping[str, str] = field(default_factory=dict)
    extras: tuple[str, ...] = ()
    note: str = ""
    """What a person may want to know of it, in a sentence: that an extension is missing, say."""
    reason: str = ""
    """Why it cannot be used just now, in a sentence; "" when it can."""
    since_s: float = 0.0
    """Since when that is so, if there is a reason."""


def fit(info: EngineInfo, given: Mapping[str, Any]) -> JobSpec:
    """The spec of a job from the fields that were given, the engine's defaults in place of the others.

    `given` has fields of JobSpec, of their right types. Raises BadField, naming the field and the mend, when the
    engine cannot do what is asked.
    """
    models = [model.name for model in info.models]
    model = given.get("model") or (models[0] if models else "")
    if models and model not in models:
        raise BadField("model", f"engine {info.name} has no model {model[:80]!r}; use one of {', '.join(models)}")
    sampler = _choose("sampler", given.get("sampler", ""), info.samplers)
    scheduler = _choose("scheduler", given.get("scheduler", ""), info.schedulers)
    prompt, title = given.get("prompt", ""), visible(given.get("title", ""))
    if len(prompt) > MAX_PROMPT_CHARS:
        raise BadField("prompt", f"has {len(prompt):,} characters; {MAX_PROMPT_CHARS:,} are the most")
    if len(title) > MAX_TITLE_CHARS:
        raise BadField("title", f"has {len(title):,} characters; {MAX_TITLE_CHARS} are the most")
    values = {param.name: _check(param, given.get(param.name, param.default)) for param in info.params}
    rest = {name: value for name, value in given.items() if name not in values}
    if info.options:
        rest["options"] = _options(info.options, given.get("options", {}))
    kind = "video" if values.get("frames", given.get("frames", 1)) > 1 else "image"
    title = title or visible(prompt)[:60] or f"{model} {values.get('seed', 0)}"
    return JobSpec(**{**rest, **values, "engine": info.name, "model": model, "sampler": sampler,
                      "scheduler": scheduler, "title": title, "type": kind})


def _choose(field_: str, wanted: str, known: tuple[str, ...]) -> str:
    chosen = wanted or (known[0] if known else "")
    if known and chosen not in known:
        raise BadField(field_, f"unknown {field_} {chosen[:80]!r}; use one of {', '.join(known)}")
    return chosen


def _options(known: tuple[Option, ...], given: Options) -> Options:
    """What was given, checked, with the defaults of the others."""
    names = {option.name: option for option in known}
    for name in given:
        if name not in names:
            raise BadField("options", f"unknown option {name[:80]!r}; there are {', '.join(names)}")
    return {name: _option(option, given.get(name, option.default)) for name, option in names.items()}


def _option(option: Option, value: str | int | float | bool) -> str | int | float | bool:
    where, kind = f"options.{option.name}", option.kind
    if isinstance(value, str) and kind in ("flag", "number"):  # as a command line has it
        value = _read(value)
    if kind == "flag" and not isinstance(value, bool):
        raise BadField(where, f"must be true or false, got {str(value)[:80]!r}")
    if kind in ("text", "choice", "image") and not isinstance(value, str):
        raise BadField(where, f"must be text, got {str(value)[:80]!r}")
    if kind == "text" and len(str(value)) > MAX_PROMPT_CHARS:
        raise BadField(where, f"has {len(str(value)):,} characters; {MAX_PROMPT_CHARS:,} are the most")
    if kind == "choice" and value not in option.choices:
        raise BadField(where, f"unknown {option.name} {str(value)[:80]!r}; use one of {', '.join(option.choices)}")
    if kind == "number":
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise BadField(where, f"must be a number, got {str(value)[:80]!r}")
        low, high = option.minimum, option.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            raise BadField(where, f"must be {_bound(low, 'any')} to {_bound(high, 'any')}, got {value:g}")
    return value


def _read(text: str) -> str | float | bool:
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _bound(value: float | None, otherwise: str) -> str:
    return otherwise if value is None else f"{value:g}"


def tidy(spec: JobSpec) -> JobSpec:
    """The spec of a job that somebody else made, inside the bounds that ours keep: texts cut, numbers held."""
    whole = {name: min(max(getattr(spec, name), 0), MOST_WHOLE) for name in ("width", "height", "steps")}
    texts = {name: visible(getattr(spec, name))[:MAX_TITLE_CHARS] for name in (
        "engine", "model", "title", "type", "sampler", "scheduler", "shape")}
    title = texts["title"] or visible(spec.prompt)[:60] or texts["model"] or "untitled"
    return replace(spec, **{**whole, **texts, "title": title}, prompt=spec.prompt[:MAX_PROMPT_CHARS],
                   seed=min(max(spec.seed, 0), 2**64 - 1), batch=min(max(spec.batch, 1), MOST_WHOLE),
                   frames=min(max(spec.frames, 1), MOST_WHOLE))


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
