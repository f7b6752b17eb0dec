"""What happens in a call of a pipeline: it encodes the text, samples step by step, decodes. All of it is heard on the
pipeline's own thread, where what is raised ends the call.

Raising is the sure way to end any pipeline, whatever it thinks of interruption (`_interrupt` is not heeded by all, and
decodes all the same). Afterwards the pipeline can be used again: models that were moved for the call are put back.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

log = logging.getLogger(__name__)

ENCODE, SAMPLE, DECODE = "encode", "sample", "decode"
HOOK = "callback_on_step_end"


class Listener(Protocol):
    """Who hears of a call. What it raises ends the call."""

    def stage(self, name: str) -> None:
        """ENCODE, SAMPLE or DECODE begins. SAMPLE after DECODE is another pass."""

    def step(self, pipe: Any, number: int, total: int, latents: Any) -> None:
        """Step `number` (from 1) of `total` (0: not known) has ended, with these latents (None: not known)."""


class Step:
    """The callback of a pipeline, for `callback_on_step_end`.

    The pipeline's `num_timesteps` is the total: schedulers of the second order call back more often than
    `num_inference_steps` says.
    """

    tensor_inputs = ("latents",)

    def __init__(self, heard: Callable[[Any, int, int, Any], None], then: Any = None) -> None:
        self._heard, self._then = heard, then

    def __call__(self, pipe: Any, index: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        total = getattr(pipe, "num_timesteps", 0)
        try:
            self._heard(pipe, index + 1, total if isinstance(total, int) else 0, values.get("latents"))
        except BaseException:
            put_back(pipe)
            raise
        if self._then is None:
            return values
        return self._then(pipe, index, timestep, values) or values


def callback(heard: Callable[[Any, int, int, Any], None], then: Any = None) -> Any:
    """A callback that hears of each step and then calls `then`: a function, or one of diffusers' own callbacks. Those
    are known to a pipeline by their class, and it gives them the tensors that they ask for."""
    if not hasattr(then, "tensor_inputs"):
        return Step(heard, then)
    from diffusers.callbacks import MultiPipelineCallbacks

    return MultiPipelineCallbacks([Step(heard), then])


def put_back(pipe: Any) -> None:
    """Models that were moved to the GPU for this call make room again, as at the end of a call."""
    try:
        if getattr(pipe, "_all_hooks", None):
            pipe.maybe_free_model_hooks()
    except Exception as error:  # noqa: BLE001 - whatever it is, the call's own error is the one to be seen
        log.warning("%s: its models could not be put back: %s", type(pipe).__name__, error)


@contextmanager
def heard(pipe: Any, listener: Listener) -> Iterator[Callable[..., Any]]:
    """While in it, one call of the pipeline is heard of. Gives what makes its callback, of the user's own one or None.

    A pipeline that takes no callback is heard by its progress bar: its steps, without latents.
    """
    call = _Call(listener)
    with ExitStack() as undo:
        _wrap(pipe, "encode_prompt", call.encoding, undo)
        _wrap(getattr(pipe, "vae", None), "decode", call.decoding, undo)
        if HOOK not in parameters(type(pipe).__call__):
            _wrap(pipe, "progress_bar", call.barred, undo)
        call.enter(ENCODE if hasattr(pipe, "encode_prompt") else SAMPLE)
        yield functools.partial(callback, call.stepped)


class _Call:
    """One call: which phase it is in."""

    def __init__(self, listener: Listener) -> None:
        self._listener, self._phase, self._counted = listener, "", 0

    def enter(self, phase: str) -> None:
        if phase != self._phase:
            self._phase = phase
            self._listener.stage(phase)

    def stepped(self, pipe: Any, number: int, total: int, latents: Any) -> None:
        self.enter(SAMPLE)
        self._listener.step(pipe, number, total, latents)

    def encoding(self, inner: Any, pipe: Any, *values: Any, **named: Any) -> Any:
        """Sampling begins when it has ended; a negative prompt that is encoded for itself is part of that."""
        result = inner(*values, **named)
        self.enter(SAMPLE)
        return result

    def decoding(self, inner: Any, vae: Any, *values: Any, **named: Any) -> Any:
        """A film is decoded in many parts: one phase all the same."""
        self.enter(DECODE)
        return inner(*values, **named)

    def barred(self, inner: Any, pipe: Any, *values: Any, **named: Any) -> Any:
        """The pipeline's progress bar, whose every update, or item, is a step."""
        bar, self._counted = inner(*values, **named), 0
        of = int(getattr(bar, "total", 0) or 0)
        if bar.iterable is not None:
            return self._over(bar, pipe, of)
        moved = bar.update

        def update(n: float | None = 1) -> Any:
            self._count(pipe, int(n or 0), of)
            return moved(n)

        bar.update = update
        return bar

    def _over(self, bar: Any, pipe: Any, total: int) -> Iterator[Any]:
        for item in bar:
            yield item
            self._count(pipe, 1, total)

    def _count(self, pipe: Any, n: int, total: int) -> None:
        self._counted += n
        self.stepped(pipe, self._counted, total, None)


def _wrap(owner: Any, method: str, around: Callable[..., Any], undo: ExitStack) -> None:
    """Puts `around` (called with the method, its owner and the arguments) in the method's place, on this object."""
    inner = getattr(owner, method, None)
    if inner is None:
        return
    before = vars(owner).get(method)
    object.__setattr__(owner, method, functools.wraps(inner)(functools.partial(around, inner, owner)))
    undo.callback(_unwrap, owner, method, before)


def _unwrap(owner: Any, method: str, before: Any) -> None:
    if before is None:
        vars(owner).pop(method, None)
    else:
        object.__setattr__(owner, method, before)


def parameters(called: Any) -> Any:
    """The parameters of something that can be called, by name; none where they cannot be told."""
    try:
        return inspect.signature(called).parameters
    except (TypeError, ValueError):
        return {}
