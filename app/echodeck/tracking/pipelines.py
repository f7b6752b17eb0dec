"""Diffusers pipelines in scripts: a callback that tells their steps, and a watch that finds out the rest by itself.

Pausing holds in the callback, with everything kept where it is; the result is the same bit for bit. Cancelling raises
Cancelled from the callback, which is sure to end any pipeline, whatever it thinks of interruption; the pipeline can be
used again.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from .job import Job

log = logging.getLogger(__name__)

SAMPLE, ENCODE, DECODE = "sample", "encode", "decode"
Callback = Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]


def diffusers(job: Job, then: Any = None) -> Callback:
    """For `callback_on_step_end=`: each step of the pipeline is one of the job, with a preview from its latents.

    `then` is a callback of your own (a function, or diffusers' PipelineCallback), called after it.
    """
    told = False

    def callback(pipe: Any, index: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        nonlocal told
        if not told or index == 0:
            told = True
            _total(job, pipe)
        job.step(preview=_preview(pipe, values.get("latents"), job))
        if then is not None:
            values = then(pipe, index, timestep, values) or values
        return values

    return callback


def _total(job: Job, pipe: Any) -> None:
    """Schedulers of the second order call back more often than `num_inference_steps` says."""
    total = getattr(pipe, "num_timesteps", None)
    if isinstance(total, int) and total > 0:
        job.total = total


def _preview(pipe: Any, latents: Any, job: Job) -> Any:
    """Made on the link's thread, if one is due: of a copy, since the pipeline goes on with its own."""
    if latents is None or not job.previewing():
        return None
    copy = latents.detach().clone()
    height, width = _size_of(pipe, job)

    def make() -> Any:
        from ..latents.vae import look

        return look(pipe, copy, height, width)

    return make


def _size_of(pipe: Any, job: Job) -> tuple[int, int]:
    """Height and width: as described, else the pipeline's usual."""
    spec = job.spec
    height, width = _usual_size(pipe)
    return spec.height or height, spec.width or width


def _usual_size(pipe: Any) -> tuple[int, int]:
    """Height and width of a picture for which no size is given; 0 where the pipeline does not say."""
    network = getattr(pipe, "unet", None) or getattr(pipe, "transformer", None)
    size = getattr(pipe, "default_sample_size", None) or getattr(getattr(network, "config", None), "sample_size", None)
    scale = getattr(pipe, "vae_scale_factor", 0)
    sides = tuple(size) if isinstance(size, list | tuple) else (size, size)
    if len(sides) != 2 or not all(isinstance(one, int) for one in (*sides, scale)):
        return 0, 0
    return sides[0] * scale, sides[1] * scale


@contextmanager
def watch_pipeline(pipe: Any, name: str | None = None, **facts: Any) -> Iterator[Job]:
    """What the pipeline does in this block is told of as one job: model, size, steps, scheduler, seed and prompt are
    found out; encoding the text and decoding by the VAE are stages. A `callback_on_step_end` of your own goes on."""
    with Job(name or _model(pipe), **{"model": _model(pipe), **facts}) as job, ExitStack() as undo:
        _wrap_call(pipe, job, undo)
        _wrap_stage(pipe, "encode_prompt", ENCODE, job, undo)
        _wrap_stage(getattr(pipe, "vae", None), "decode", DECODE, job, undo)
        yield job


def _wrap_call(pipe: Any, job: Job, undo: ExitStack) -> None:
    """A class is called by its own `__call__`, so the instance is given a class of its own for the time."""
    kind = type(pipe)
    called = kind.__call__

    @functools.wraps(called)
    def call(self: Any, *values: Any, **named: Any) -> Any:
        if self is not pipe:
            return called(self, *values, **named)
        given = _bound(called, self, values, named)
        job.describe(**describe(pipe, given))
        if "callback_on_step_end" in _parameters(called):
            named["callback_on_step_end"] = diffusers(job, named.get("callback_on_step_end"))
        job.stage(SAMPLE if not hasattr(pipe, "encode_prompt") else ENCODE)
        return called(self, *values, **named)

    pipe.__class__ = type(kind.__name__, (kind,), {"__call__": call, "__module__": kind.__module__})
    undo.callback(setattr, pipe, "__class__", kind)


def _wrap_stage(owner: Any, method: str, stage: str, job: Job, undo: ExitStack) -> None:
    """While the method runs is a stage; what comes after encoding is sampling."""
    inner = getattr(owner, method, None)
    if inner is None:
        return

    @functools.wraps(inner)
    def timed(*values: Any, **named: Any) -> Any:
        if stage == DECODE:
            job.stage(DECODE)
        result = inner(*values, **named)
        if stage == ENCODE:
            job.stage(SAMPLE)
        return result

    # On the instance alone; what it had there before comes back.
    before = vars(owner).get(method)
    object.__setattr__(owner, method, timed)
    undo.callback(_put_back, owner, method, before)


def _put_back(owner: Any, method: str, before: Any) -> None:
    if before is None:
        vars(owner).pop(method, None)
    else:
        object.__setattr__(owner, method, before)


def describe(pipe: Any, given: dict[str, Any]) -> dict[str, Any]:
    """What a call is, from its arguments and the pipeline's settings; what cannot be told is left out."""
    usual = _usual_size(pipe)
    height, width = given.get("height") or usual[0], given.get("width") or usual[1]
    prompt = given.get("prompt")
    prompt = prompt[0] if isinstance(prompt, list) and prompt else prompt
    generator: Any = given.get("generator")
    generator = generator[0] if isinstance(generator, list) and generator else generator
    found = {
        "model": _model(pipe), "height": height, "width": width, "steps": given.get("num_inference_steps"),
        "frames": given.get("num_frames"), "batch": given.get("num_images_per_prompt"),
        "prompt": prompt if isinstance(prompt, str) else None, "sampler": scheduler_name(pipe),
        "seed": generator.initial_seed() if hasattr(generator, "initial_seed") else None,
    }
    kinds = {"model": str, "prompt": str, "sampler": str}
    return {name: value for name, value in found.items() if isinstance(value, kinds.get(name, int)) and value != ""}


def scheduler_name(pipe: Any) -> str:
    """In the field's terms: EulerAncestralDiscreteScheduler is euler_ancestral."""
    kind = type(getattr(pipe, "scheduler", None)).__name__
    if kind == "NoneType":
        return ""
    words = kind.removesuffix("Scheduler").removesuffix("Discrete").removesuffix("Multistep")
    return "".join(f"_{letter.lower()}" if letter.isupper() and n and not words[n - 1].isupper() else letter.lower()
                   for n, letter in enumerate(words))


def _model(pipe: Any) -> str:
    config = getattr(pipe, "config", None)
    path = str(getattr(pipe, "name_or_path", "") or getattr(config, "_name_or_path", "") or "")
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or type(pipe).__name__


def _parameters(called: Any) -> Any:
    import inspect

    try:
        return inspect.signature(called).parameters
    except (TypeError, ValueError):
        return {}


def _bound(called: Any, self: Any, values: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """The call's arguments by name, the defaults of the others too."""
    import inspect

    try:
        bound = inspect.signature(called).bind(self, *values, **named)
    except (TypeError, ValueError):  # the call itself will say what is wrong
        return dict(named)
    bound.apply_defaults()
    return dict(bound.arguments)
