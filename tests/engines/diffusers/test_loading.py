"""Where and how a pipeline is loaded, without any."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from echodeck.engines.diffusers import loading
from echodeck.engines.diffusers.loading import _variant, place, weights_bytes
from echodeck.engines.diffusers.models import Model


class Weights:
    def __init__(self, count: int) -> None:
        self.count = count

    def numel(self) -> int:
        return self.count

    def element_size(self) -> int:
        return 2


class Pipe:
    def __init__(self, count: int) -> None:
        part = SimpleNamespace(parameters=lambda: [Weights(count), Weights(count)])
        self.components = {"unet": part, "tokenizer": object(), "vae": part}
        self.where: list[str] = []

    def to(self, where: str) -> None:
        self.where.append(where)

    def enable_model_cpu_offload(self) -> None:
        self.where.append("in turns")


@pytest.mark.parametrize(("where", "count", "placed"), [
    ("cuda", 2**20, "cuda"), ("cuda", 2**30, "in turns"), ("cpu", 2**30, "cpu"), ("mps", 2**30, "mps")])
def test_models_take_turns_where_the_gpu_cannot_hold_them_all(monkeypatch: pytest.MonkeyPatch, where: str, count: int,
                                                              placed: str) -> None:
    monkeypatch.setattr(loading, "free_bytes", lambda: 2 << 30)
    pipe = Pipe(count)
    assert weights_bytes(pipe) == 8 * count
    assert "GiB" in place(pipe, where)
    assert pipe.where == [placed]


@pytest.mark.parametrize(("files", "variant"), [
    (["diffusion_pytorch_model.fp16.safetensors"], {"variant": "fp16"}),
    (["diffusion_pytorch_model.safetensors"], {}),
    (["diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors"], {}),
    (["model.fp16-00001-of-00002.safetensors", "model.fp16-00002-of-00002.safetensors"], {"variant": "fp16"}),
    ([], {})])
def test_weights_that_there_are_only_in_half_precision_are_asked_for(tmp_path: Path, files: list[str],
                                                                     variant: Any) -> None:
    (tmp_path / "unet").mkdir()
    for name in files:
        (tmp_path / "unet" / name).touch()
    assert _variant(Model("a", tmp_path, "StableDiffusionPipeline")) == variant
