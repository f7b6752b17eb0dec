"""What the latents of a VAE are, read from configurations as they are found."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from echodeck.pipelines.space import space_of


def vae(buffers: Any = None, ratio: int | None = None, **config: Any) -> Any:
    made = SimpleNamespace(config=SimpleNamespace(**config), _buffers=buffers or {})
    if ratio is not None:
        made.spatial_compression_ratio = ratio
    return made


def test_one_factor_for_all() -> None:
    space = space_of(vae(latent_channels=4, scaling_factor=0.25, shift_factor=None, block_out_channels=(1, 2, 4, 4)))
    assert (space.channels, space.scale) == (4, 8)
    assert (space.decodable(np.ones((2, 4, 3, 3), np.float32)) == 4.0).all()


def test_a_shift() -> None:
    space = space_of(vae(latent_channels=16, scaling_factor=0.5, shift_factor=0.1))
    assert space.decodable(np.zeros((1, 16, 1, 1), np.float32)) == pytest.approx(0.1)


def test_a_mean_and_a_spread_for_each_channel() -> None:
    space = space_of(vae(z_dim=2, latents_mean=[1.0, -1.0], latents_std=[2.0, 4.0], scale_factor_spatial=8))
    assert space.scale == 8
    assert space.decodable(np.ones((1, 2, 1, 1), np.float32)).ravel().tolist() == [3.0, 3.0]


def test_a_mean_and_a_spread_among_its_tensors() -> None:
    class Tensor:
        def __init__(self, *values: float) -> None:
            self.values = np.asarray(values, np.float32)

        def __getattr__(self, name: str) -> Any:
            return (lambda: self.values) if name == "numpy" else (lambda: self)

    space = space_of(vae({"latents_mean": Tensor(1.0, 2.0), "latents_std": Tensor(2.0, 2.0)}, 32, latent_channels=2))
    assert space.scale == 32
    assert space.decodable(np.zeros((1, 2, 1, 1), np.float32)).ravel().tolist() == [1.0, 2.0]


@pytest.mark.parametrize("made", [None, SimpleNamespace(), vae(), vae(latent_channels="many")])
def test_what_is_no_vae_of_pictures(made: Any) -> None:
    with pytest.raises(ValueError, match="no VAE"):
        space_of(made)
