"""Models on disk: folders as diffusers saves them, and single files, known by what is in their headers. Nothing is
loaded for it, and nothing fetched."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

INDEX = "model_index.json"
DEPTH = 4
MOST_HEADER_BYTES = 64 << 20
_SIGNS = (
    ("Flux", ("double_blocks.0.",)),
    ("Stable Diffusion 3", ("joint_blocks.0.",)),
    ("Stable Diffusion XL", ("conditioner.embedders.1.",)),
    ("Stable Diffusion 2", ("cond_stage_model.model.",)),
    ("Stable Diffusion 1", ("cond_stage_model.transformer.", "model.diffusion_model.input_blocks.0.")),
)


@dataclass(frozen=True, slots=True)
class Model:
    """`name` is unique; `kind` is the pipeline's class, or of a single file the family that its header shows."""

    name: str
    path: Path
    kind: str
    single: bool = False


def find(folders: Iterable[Path]) -> list[Model]:
    """Every model in these folders, by name. What cannot be read is passed over."""
    found: dict[str, Model] = {}
    for folder in folders:
        for model in _in(folder, DEPTH):
            name, number = model.name, 1
            while name in found and found[name].path != model.path:
                number += 1
                name = f"{model.name} ({number})"
            found[name] = Model(name, model.path, model.kind, model.single)
    return sorted(found.values(), key=lambda model: model.name.lower())


def _in(folder: Path, depth: int) -> Iterator[Model]:
    try:
        if (folder / INDEX).is_file():
            yield Model(folder.name, folder, _pipeline_of(folder / INDEX))
            return
        inside = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError:
        return
    for path in inside:
        if path.name.startswith("."):
            continue
        if path.is_dir() and depth:
            yield from _in(path, depth - 1)
        elif path.suffix == ".safetensors" and (kind := family(path)):
            yield Model(path.stem, path, kind, single=True)
        elif path.suffix == ".ckpt":
            yield Model(path.stem, path, "checkpoint", single=True)


def _pipeline_of(index: Path) -> str:
    try:
        found = json.loads(index.read_text("utf-8"))
    except (OSError, ValueError):
        return "pipeline"
    return str(found.get("_class_name", "pipeline")) if isinstance(found, dict) else "pipeline"


def family(path: Path) -> str:
    """The family of a single file by its tensors' names; "" for what is no whole model, as a LoRA."""
    names = tensors(path)
    text = "\n".join(names)
    return next((kind for kind, signs in _SIGNS if any(sign in text for sign in signs)), "")


def tensors(path: Path) -> list[str]:
    """The names in a safetensors header (its length as 8 bytes, then JSON); none for another file."""
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > MOST_HEADER_BYTES:
                return []
            header = json.loads(file.read(size))
    except (OSError, ValueError, struct.error):
        return []
    return list(header) if isinstance(header, dict) else []
