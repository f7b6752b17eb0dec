"""The phases of a call: of small pipelines made here, and of diffusers' own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.pipelines.phases import DECODE, ENCODE, SAMPLE, Step, callback, heard

from . import tiny


class Heard:
    """Keeps all; raises at a step."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.all: list[Any] = []
        self.shapes: set[tuple[int, ...]] = set()

    def stage(self, name: str) -> None:
        self.all.append(name)

    def step(self, pipe: Any, number: int, total: int, latents: Any) -> None:
        self.all.append((number, total))
        if latents is not None:
            self.shapes.add(tuple(latents.shape))
        if number == self.at:
            raise RuntimeError("enough")


class Vae:
    def decode(self, latents: Any) -> Any:
        return latents


class Pipe:
    """What a pipeline does, without any model. `film` decodes in parts, `negative` encodes another prompt."""

    def __init__(self, *, film: int = 1, negative: bool = False, passes: int = 1) -> None:
        self.vae, self.film, self.negative, self.passes, self.num_timesteps = Vae(), film, negative, passes, 3
        self.freed = 0
        self._all_hooks = [object()]

    def maybe_free_model_hooks(self) -> None:
        self.freed += 1

    def encode_prompt(self, prompt: str) -> str:
        return prompt

    def __call__(self, prompt: str, callback_on_step_end: Any = None) -> Any:
        self.encode_prompt(prompt)
        if self.negative:
            self.encode_prompt("")
        for _ in range(self.passes):
            for index in range(self.num_timesteps):
                if callback_on_step_end is not None:
                    prompt = callback_on_step_end(self, index, 0, {"latents": None, "prompt": prompt}).pop("prompt")
            for _part in range(self.film):
                self.vae.decode(prompt)
        return prompt


STEPS = [(1, 3), (2, 3), (3, 3)]


def call(pipe: Any, listener: Heard, then: Any = None) -> Any:
    with heard(pipe, listener) as callback_with:
        return pipe("dusk", callback_on_step_end=callback_with(then))


@given(st.integers(1, 5), st.booleans(), st.integers(1, 3))
def test_a_call_goes_through_its_phases_however_its_parts_are_called(film: int, negative: bool, passes: int) -> None:
    pipe, listener = Pipe(film=film, negative=negative, passes=passes), Heard()
    call(pipe, listener)
    assert listener.all == [ENCODE, *[SAMPLE, *STEPS, DECODE] * passes]
    assert not {"encode_prompt", "decode"} & {*vars(pipe), *vars(pipe.vae)}, "nothing of it is left"
    assert pipe.freed == 0


def test_what_is_raised_ends_the_call_and_the_models_are_put_back() -> None:
    pipe = Pipe()
    with pytest.raises(RuntimeError, match="enough"):
        call(pipe, Heard(2))
    assert pipe.freed == 1
    assert not {"encode_prompt", "decode"} & {*vars(pipe), *vars(pipe.vae)}


def test_models_that_cannot_be_put_back_do_not_hide_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    pipe = Pipe()
    pipe.maybe_free_model_hooks = lambda: 1 // 0  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="enough"):
        call(pipe, Heard(1))
    assert "could not be put back" in caplog.text


@pytest.mark.parametrize("answer", [lambda values: {"prompt": "dawn"}, lambda values: values | {"prompt": "dawn"}])
def test_the_users_own_callback_is_called_after_it(answer: Callable[[Any], Any]) -> None:
    assert call(Pipe(), Heard(), lambda pipe, index, timestep, values: answer(values)) == "dawn"


def test_a_callback_that_gives_nothing_changes_nothing() -> None:
    assert call(Pipe(), Heard(), lambda *told: None) == "dusk"
    assert isinstance(callback(lambda *told: None, print), Step)


# --- diffusers' own ---------------------------------------------------------------------------------------------------

SIZE = {"height": 32, "width": 32}
FILM = {**SIZE, "num_frames": 9, "max_sequence_length": 8}


@pytest.mark.engines
@pytest.mark.parametrize(("make", "more", "shape"), [
    (lambda folder: tiny.stable_diffusion(folder), SIZE, (1, 4, 16, 16)),
    (lambda folder: tiny.stable_diffusion_xl(folder), SIZE, (1, 4, 16, 16)),
    (lambda folder: tiny.flux(folder),
     {**SIZE, "max_sequence_length": 8, "true_cfg_scale": 2.0, "negative_prompt": "x"}, (1, 64, 16)),
    (lambda folder: tiny.wan(), FILM, (1, 16, 3, 4, 4)),
    (lambda folder: tiny.ltx(), FILM, (1, 192, 8))], ids=["sd", "sdxl", "flux", "wan", "ltx"])
def test_pipelines_go_through_their_phases(tmp_path: Path, make: Any, more: Any, shape: Any) -> None:
    pipe, listener = make(tmp_path), Heard()
    with heard(pipe, listener) as callback_with:
        pipe(prompt="dusk", num_inference_steps=3, callback_on_step_end=callback_with(None), **more)
    assert listener.all == [ENCODE, SAMPLE, *STEPS, DECODE]
    assert listener.shapes == {shape}


@pytest.mark.engines
def test_a_pipeline_without_a_callback_is_heard_by_its_bar() -> None:
    pipe = tiny.without_callback()
    listener, ended = Heard(), Heard(2)
    with heard(pipe, listener):
        pipe(num_inference_steps=3)
    assert listener.all == [SAMPLE, *STEPS]
    with pytest.raises(RuntimeError, match="enough"), heard(pipe, ended):
        pipe(num_inference_steps=3)
    assert ended.all == [SAMPLE, *STEPS[:2]]
    assert "progress_bar" not in vars(pipe)


@pytest.mark.engines
def test_diffusers_own_callbacks_get_the_tensors_they_ask_for(tmp_path: Path) -> None:
    from diffusers.callbacks import MultiPipelineCallbacks, SDCFGCutoffCallback

    pipe = tiny.stable_diffusion(tmp_path)
    cutoff = SDCFGCutoffCallback(cutoff_step_ratio=None, cutoff_step_index=1)
    for then in (cutoff, MultiPipelineCallbacks([cutoff])):
        listener = Heard()
        with heard(pipe, listener) as callback_with:
            pipe("dusk", num_inference_steps=3, callback_on_step_end=callback_with(then))
        assert listener.all == [ENCODE, SAMPLE, *STEPS, DECODE]
        assert pipe.guidance_scale == 0.0, "it cut the guidance off"


@pytest.mark.engines
def test_ended_in_the_middle_a_pipeline_can_be_used_again(tmp_path: Path) -> None:
    import torch

    pipe = tiny.stable_diffusion(tmp_path)

    def make() -> Any:
        return pipe("dusk", num_inference_steps=3, output_type="np", generator=torch.Generator().manual_seed(1)).images

    plain = make()
    with pytest.raises(RuntimeError, match="enough"), heard(pipe, Heard(2)) as callback_with:
        pipe("dusk", num_inference_steps=3, callback_on_step_end=callback_with(None))
    assert (make() == plain).all()
