"""The maps of real VAEs of tiny random weights, and what fitting leaves alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from echodeck.pipelines import fitting, look, maps
from echodeck.pipelines.latents import samples
from echodeck.pipelines.maps import Maps
from echodeck.pipelines.space import space_of

from . import tiny

pytestmark = pytest.mark.engines


def kl() -> Any:
    tiny.seeded()
    return tiny.kl()


VAES: dict[str, Callable[[], Any]] = {"kl": kl, "wan": lambda: tiny.wan().vae, "ltx": lambda: tiny.ltx().vae}


@pytest.mark.parametrize("make", VAES.values(), ids=VAES.keys())
def test_every_kind_of_vae_has_a_map(make: Callable[[], Any]) -> None:
    vae, known = make(), Maps()
    known.learn(vae)
    matrix = known.get(vae)
    assert matrix is not None
    assert matrix.shape == (space_of(vae).channels + 1, 3)
    assert np.isfinite(matrix).all()


def test_a_vae_that_is_linear_is_shown_as_it_decodes() -> None:
    import torch
    from diffusers.configuration_utils import FrozenDict

    class Linear(torch.nn.Module):
        """Of 4 channels, each latent pixel 2 × 2 pixels of one colour."""

        def __init__(self) -> None:
            super().__init__()
            self.colours = torch.nn.Conv2d(4, 3, 1)
            self.config: Any = FrozenDict(latent_channels=4, scaling_factor=0.5, shift_factor=0.2,
                                          block_out_channels=(1, 1))

        @classmethod
        def from_config(cls, config: Any) -> Any:
            return cls()

        def decode(self, latents: Any, return_dict: bool = True) -> Any:
            return (self.colours(latents).repeat_interleave(2, 2).repeat_interleave(2, 3),)

    tiny.seeded()
    pipe = type("Pipe", (), {"vae": Linear()})()
    look.prepare(pipe)
    latents = torch.randn(1, 4, 6, 8)
    with torch.no_grad():
        decoded = pipe.vae.decode(latents / 0.5 + 0.2)[0][0, :, ::2, ::2]
    wanted = ((decoded / 2 + 0.5).clamp(0, 1) * 255).permute(1, 2, 0).numpy()
    shown = look.look(pipe, latents / max(1.0, float(latents.std())), 12, 16).astype(np.float32)
    assert np.abs(shown - wanted).mean() < 4.0, "of 255"


def test_a_vae_of_frames_as_a_batch_is_mapped() -> None:
    import diffusers

    tiny.seeded()
    vae = diffusers.AutoencoderKLTemporalDecoder(
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"), block_out_channels=(32, 32), sample_size=16)
    known = Maps()
    known.learn(vae)
    assert known.get(vae) is not None


def test_it_is_fitted_once_and_then_read_from_the_disk(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Maps()
    vae = kl()
    first.learn(vae)
    assert len(list(cache.iterdir())) == 1
    monkeypatch.setattr(maps, "fitted", None)  # would fail if it were called
    first.learn(vae)
    again, second = kl(), Maps()
    second.learn(again)
    assert second.get(again) == pytest.approx(first.get(vae), abs=1e-5)


@pytest.mark.parametrize("content", ["", "{}", "[[1, 2, 3]]", "[[1], [2, 3]]", "[[NaN, 0, 0]]"])
def test_a_damaged_file_is_fitted_anew(cache: Path, content: str) -> None:
    vae, known = kl(), Maps()
    cache.mkdir(parents=True)
    (cache / f"{maps.key(vae)}.json").write_text(content, encoding="utf-8")
    known.learn(vae)
    assert known.get(vae) is not None


def test_another_vae_has_another_key() -> None:
    import torch

    first, second = kl(), kl()
    assert maps.key(first) == maps.key(second)
    with torch.no_grad():
        next(second.parameters()).add_(0.1)
    assert maps.key(first) != maps.key(second)


def test_fitting_disturbs_neither_random_numbers_nor_the_vae() -> None:
    import torch

    vae = kl().half()
    before = {name: value.clone() for name, value in vae.state_dict().items()}
    state = torch.random.get_rng_state()
    known = Maps()
    known.learn(vae)
    assert torch.equal(state, torch.random.get_rng_state())
    assert known.get(vae) is not None, "half precision is no hindrance"
    assert all(torch.equal(value, before[name]) for name, value in vae.state_dict().items())
    assert next(vae.parameters()).dtype == torch.float16


def test_hooks_that_move_models_are_not_called() -> None:
    vae = kl()

    class Hook:
        def pre_forward(self, module: Any) -> None:
            raise AssertionError("it would move models in the middle of a run")

    vae._hf_hook = Hook()
    known = Maps()
    known.learn(vae)
    assert known.get(vae) is not None


def test_a_vae_that_decodes_to_no_number_has_no_map(caplog: pytest.LogCaptureFixture) -> None:
    import torch

    vae, known = kl(), Maps()
    with torch.no_grad():
        vae.decoder.conv_out.weight.fill_(float("nan"))
    with caplog.at_level("INFO"):
        known.learn(vae)
        known.learn(vae)
    assert known.known(vae)
    assert known.get(vae) is None
    assert caplog.text.count("no previews") == 1


def test_weights_that_are_elsewhere_give_no_map() -> None:
    """As with models whose weights are brought in part by part."""
    vae, known = kl().to("meta"), Maps()
    known.learn(vae)
    assert known.get(vae) is None


def test_it_is_learned_in_a_thread_meanwhile() -> None:
    pipe = type("Pipe", (), {"vae": kl()})()
    assert not look.ready(pipe)
    for thread in threading.enumerate():
        if thread.name == "echodeck-latents":
            thread.join(30)
    assert look.ready(pipe)
    assert not look.ready(object())


def test_one_that_was_to_stop_is_not_known(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    vae, known = kl(), Maps()
    with pytest.raises(fitting.Abandoned):
        fitting.fitted(vae, space_of(vae), lambda: True)
    dead = threading.Thread()
    monkeypatch.setattr(threading, "main_thread", lambda: dead)
    known.learn(vae)
    assert not known.known(vae)
    assert not cache.exists()


def test_a_directory_that_cannot_be_written_is_no_hindrance(cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file is in its place", encoding="utf-8")
    vae, known = kl(), Maps()
    known.learn(vae)
    assert known.get(vae) is not None


# --- a tiny autoencoder -----------------------------------------------------------------------------------------------


@pytest.fixture
def taesd(tmp_path: Path) -> Path:
    from diffusers import AutoencoderTiny

    tiny.seeded()
    AutoencoderTiny(encoder_block_out_channels=(4, 4), decoder_block_out_channels=(4, 4), num_encoder_blocks=(1, 1),
                    num_decoder_blocks=(1, 1)).save_pretrained(tmp_path / "taesd")
    return tmp_path / "taesd"


def test_a_tiny_autoencoder_on_disk_makes_the_picture(taesd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    pipe = type("Pipe", (), {"vae": kl()})()
    look.prepare(pipe)
    latents = torch.from_numpy(samples(4, 16, 1))
    plain = look.look(pipe, latents, 32, 32)
    monkeypatch.setenv("ECHODECK_TAESD", str(taesd))
    shown = look.look(pipe, latents, 32, 32)
    assert plain.shape == (16, 16, 3)
    assert shown.shape == (32, 32, 3), "two pixels a latent pixel"
    assert shown.dtype == np.uint8


def test_one_for_other_latents_or_none_at_all_is_passed_over(taesd: Path, tmp_path: Path, caplog: Any,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    pipe = type("Pipe", (), {"vae": tiny.kl(8)})()
    look.prepare(pipe)
    monkeypatch.setenv("ECHODECK_TAESD", f"{tmp_path / 'nowhere'}:{taesd}")
    for _ in range(2):
        assert look.look(pipe, torch.zeros(1, 8, 16, 16), 32, 32).shape == (16, 16, 3)
    assert caplog.text.count("no tiny autoencoder there") == 1
