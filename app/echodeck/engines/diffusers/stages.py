"""What is heard of a pipeline's call, said to the control of the job."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any

from ...model.job import JobSpec
from ...pipelines.look import look, ready
from ...pipelines.phases import DECODE, ENCODE, SAMPLE
from .. import Control

LOAD, SAVE = "load", "save"


class NoPreview(Exception):
    """A preview could not be made."""


class Stages:
    """Plans the stages, and enters them. A pipeline that samples in several passes has more than were planned."""

    def __init__(self, spec: JobSpec, control: Control) -> None:
        self._spec, self._control = spec, control
        self._begun: list[tuple[str, int]] = []
        self._left = [(LOAD, 0), (ENCODE, 0), (SAMPLE, spec.steps), (DECODE, 0), (SAVE, 0)]
        self._blind = False
        self._plan()

    def stage(self, name: str) -> None:
        if name not in dict(self._left):
            passes = sum(one.partition(" (")[0] == name for one, _ in self._begun)
            name = f"{name} ({passes + 1})"
            self._left.insert(0, (name, 0))
            self._plan()
        at = [one for one, _ in self._left].index(name)
        self._begun.append(self._left[at])
        del self._left[: at + 1]
        self._control.stage(name)

    def step(self, pipe: Any, number: int, total: int, latents: Any) -> None:
        name, planned = self._begun[-1]
        if total and total != planned:  # a sampler of the second order has more
            self._begun[-1] = name, total
            self._plan()
        try:
            self._control.step(number, self._preview(pipe, latents))
        except NoPreview as error:
            self._blind = True
            self._control.log("warning", f"there are no previews: {error.__cause__}")
            self._control.checkpoint()

    def _plan(self) -> None:
        self._control.plan([*self._begun, *self._left])

    def _preview(self, pipe: Any, latents: Any) -> Callable[[], tuple[str, bytes]] | None:
        if latents is None or self._blind or not ready(pipe):
            return None
        return partial(_encoded, pipe, latents, self._spec)


def _encoded(pipe: Any, latents: Any, spec: JobSpec) -> tuple[str, bytes]:
    """(mime, encoded) of what the latents show. Raises NoPreview, whatever is the matter: no job is to end of it."""
    from PIL import Image

    data = io.BytesIO()
    try:
        Image.fromarray(look(pipe, latents, spec.height, spec.width)).save(data, "JPEG", quality=90)
    except Exception as error:
        raise NoPreview from error
    return "image/jpeg", data.getvalue()
