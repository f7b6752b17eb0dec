"""Models on disk, found by what is there."""

from __future__ import annotations

import json
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from echodeck.engines.diffusers import Diffusers
from echodeck.engines.diffusers.models import Model, base_of, checkpoint, family, find, tensors


def single(path: Path, *names: str) -> Path:
    header = json.dumps({name: {"dtype": "F16", "shape": [0], "data_offsets": [0, 0]} for name in names}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return path


def pickled(path: Path, content: Any) -> Path:
    """As torch saves it: a pickle in an archive, the tensors beside it."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content))
        archive.writestr("archive/data/0", b"\0" * 8)
    return path


def folder(path: Path, kind: str = "StableDiffusionPipeline") -> Path:
    path.mkdir(parents=True)
    (path / "model_index.json").write_text(json.dumps({"_class_name": kind}), encoding="utf-8")
    single(path / "unet" / "part.safetensors", "model.diffusion_model.input_blocks.0.weight")
    return path


def test_folders_and_single_files_are_found_and_parts_are_not(tmp_path: Path) -> None:
    folder(tmp_path / "sd" / "dreamy")
    single(tmp_path / "checkpoints" / "juggernaut.safetensors", "conditioner.embedders.1.model.x")
    single(tmp_path / "loras" / "ink.safetensors", "lora_unet_down.weight")
    pickled(tmp_path / "old.ckpt", {"state_dict": {"cond_stage_model.transformer.x": 1}})
    pickled(tmp_path / "part.ckpt", {"lora_up": 1})
    (tmp_path / "empty.ckpt").touch()
    (tmp_path / ".hidden").mkdir()
    assert [(one.name, one.kind, one.single) for one in find([tmp_path])] == [
        ("dreamy", "StableDiffusionPipeline", False), ("juggernaut", "Stable Diffusion XL", True),
        ("old", "Stable Diffusion 1", True)]


def test_two_of_a_name_are_told_apart_and_the_same_one_is_one(tmp_path: Path) -> None:
    folder(tmp_path / "a" / "dreamy")
    folder(tmp_path / "b" / "dreamy")
    assert [one.name for one in find([tmp_path, tmp_path / "a"])] == ["dreamy", "dreamy (2)"]


@pytest.mark.parametrize(("name", "kind"), [
    ("model.diffusion_model.double_blocks.0.img", "Flux"), ("joint_blocks.0.x", "Stable Diffusion 3"),
    ("cond_stage_model.model.transformer", "Stable Diffusion 2"), ("cond_stage_model.transformer.x",
                                                                   "Stable Diffusion 1"), ("lora_up", "")])
def test_a_file_is_known_by_its_tensors(tmp_path: Path, name: str, kind: str) -> None:
    assert family(single(tmp_path / "a.safetensors", name)) == kind


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 16, struct.pack("<Q", 5) + b"[1,2]", b"\x02" + b"\0" * 7
                                     + b"{}"])
def test_what_is_no_model_is_passed_over(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.safetensors").write_bytes(content)
    assert tensors(tmp_path / "a.safetensors") == []
    assert find([tmp_path, tmp_path / "nowhere"]) == []


class Trap:
    """What runs when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("trapped",)


def test_a_checkpoint_is_read_without_being_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = pickled(tmp_path / "trap.ckpt", {"cond_stage_model.transformer.x": Trap()})
    assert "cond_stage_model.transformer.x" in checkpoint(path)
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"not a pickle"])
def test_a_checkpoint_that_is_damaged_has_no_names(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.ckpt").write_bytes(content)
    assert checkpoint(tmp_path / "a.ckpt") == []
    with zipfile.ZipFile(tmp_path / "b.ckpt", "w") as archive:
        archive.writestr("archive/data.pkl", content)
    assert checkpoint(tmp_path / "b.ckpt") == []


def test_a_file_is_read_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = single(tmp_path / "a.safetensors", "joint_blocks.0.x")
    read: list[Path] = []
    monkeypatch.setattr("echodeck.engines.diffusers.models.tensors", lambda path: read.append(path) or tensors(path))
    assert [family(path) for _ in range(3)] == ["Stable Diffusion 3"] * 3
    assert len(read) == 1
    single(path, "double_blocks.0.x", "another")
    assert family(path) == "Flux"
    assert family(tmp_path / "gone.safetensors") == ""


def test_a_single_file_finds_the_folder_of_its_family(tmp_path: Path) -> None:
    for name, width in (("one", 768), ("two", 1024)):
        folder(tmp_path / name)
        (tmp_path / name / "text_encoder").mkdir()
        (tmp_path / name / "text_encoder" / "config.json").write_text(json.dumps({"hidden_size": width}))
    folder(tmp_path / "wide", "StableDiffusionXLPipeline")
    models = find([tmp_path])
    assert [one.family for one in models] == ["Stable Diffusion 1", "Stable Diffusion 2", "Stable Diffusion XL"]
    for wanted, base in (("Stable Diffusion 2", "two"), ("Stable Diffusion XL", "wide")):
        found = base_of(Model("x", tmp_path / "x.safetensors", wanted, wanted, single=True), models)
        assert found is not None
        assert found.name == base
    assert base_of(Model("x", tmp_path / "x.safetensors", "Flux", "Flux", single=True), models) is None


def test_why_it_cannot_be_used_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here: Any = "echodeck.engines.diffusers.find_spec"
    monkeypatch.setattr(here, lambda name: object())
    assert "--models DIR" in Diffusers(tmp_path).info().reason
    assert "there is no model in" in Diffusers(tmp_path, [tmp_path]).info().reason
    monkeypatch.setattr(here, lambda name: None)
    assert "pip install" in Diffusers(tmp_path).info().reason
