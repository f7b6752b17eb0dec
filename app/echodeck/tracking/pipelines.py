"""Diffusers pipelines in scripts: a callback that tells their steps, and a watch that finds out the rest by itself.

Pausing holds in the callback, with everything kept where it is; the result is the same bit for bit. Cancelling raises
Cancelled from the callback; the pipeline can be used again (see `pipelines.phases`).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..pipelines import facts
from ..pipelines.look import look, ready
from ..pipelines.phases import HOOK, callback, heard
from .job import Job


def diffusers(job: Job, then: Any = None) -> Any:
    """For `callback_on_step_end=`: each step of the pipeline is one of the job, with a preview from its latents.

    `then` is a callback of your own (a function, or one of diffusers' own), called after it.
    """
    return callback(_Heard(job).step, then)


@contextmanager
def watch_pipeline(pipe: Any, name: str | None = None, **known: Any) -> Iterator[Job]:
    """What the pipeline does in this block is told of as one job: model, size, steps, sampler, seed and prompt are
    found out; encoding the text and decoding by the VAE are stages. A `callback_on_step_end` of your own goes on.
    Several calls are rounds of the one job.
    """
    model = facts.model_of(pipe)
    with Job(name or model, **{"model": model, **known}) as job:
        # Python calls an object by its class's `__call__`, so the object is of a class of its own for the time.
        kind = type(pipe)
        pipe.__class__ = type(kind.__name__, (kind,), {"__call__": _watched(kind.__call__, pipe, job),
                                                       "__module__": kind.__module__})
        try:
            yield job
        finally:
            pipe.__class__ = kind


def _watched(called: Callable[..., Any], pipe: Any, job: Job) -> Callable[..., Any]:
    signature = inspect.signature(called)

    @functools.wraps(called)
    def call(self: Any, *values: Any, **named: Any) -> Any:
        if self is not pipe:
            return called(self, *values, **named)
        given = signature.bind(self, *values, **named)
        with heard(pipe, _Heard(job)) as callback_with:
            whole = signature.bind(self, *values, **named)
            whole.apply_defaults()
            job.describe(**facts.describe(pipe, whole.arguments))
            if HOOK in signature.parameters:
                given.arguments[HOOK] = callback_with(given.arguments.get(HOOK))
            return called(*given.args, **given.kwargs)

    return call


class _Heard:
    """Tells a job what is heard of a pipeline."""

    def __init__(self, job: Job) -> None:
        self._job, self._total = job, 0

    def stage(self, name: str) -> None:
        self._total = 0
        self._job.stage(name)

    def step(self, pipe: Any, number: int, total: int, latents: Any) -> None:
        if total and (total != self._total or number == 1):
            self._total = self._job.total = total
        self._job.step(preview=self._preview(pipe, latents))

    def _preview(self, pipe: Any, latents: Any) -> Callable[[], Any] | None:
        """Made on the link's thread, if one is due: of a copy, since the pipeline goes on with its own."""
        if latents is None or not self._job.previewing() or not ready(pipe):
            return None
        spec = self._job.spec
        height, width = facts.size_of(pipe, spec.height, spec.width)
        return functools.partial(look, pipe, latents.detach().clone(), height, width)
