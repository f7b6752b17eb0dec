"""Models on disk: folders as diffusers saves them, and single files, known by the names of their tensors. Nothing is
loaded for it, and nothing fetched."""

from __future__ import annotations

import json
import logging
import pickletools
import struct
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

INDEX = "model_index.json"
DEPTH = 4
MOST_HEADER_BYTES = 64 << 20
SD1, SD2, SDXL, SD3, FLUX = (
    "Stable Diffusion 1", "Stable Diffusion 2", "Stable Diffusion XL", "Stable Diffusion 3", "Flux")
PIPELINES = {SD1: "StableDiffusionPipeline", SD2: "StableDiffusionPipeline", SDXL: "StableDiffusionXLPipeline",
             SD3: "StableDiffusion3Pipeline", FLUX: "FluxPipeline"}
"""What makes pictures of a single file, by its family."""
_SIGNS = (
    (FLUX, "double_blocks.0."), (SD3, "joint_blocks.0."), (SDXL, "conditioner.embedders.1."),
    (SD2, "cond_stage_model.model."), (SD1, "cond_stage_model.transformer."))
"""Of the families' tensors; the first that is there decides."""
SD2_WIDTH = 1024
"""Of the text encoder's layers: what tells a folder of Stable Diffusion 2 from one of Stable Diffusion 1."""


@dataclass(frozen=True, slots=True)
class Model:
    """`name` is unique. `kind` is the pipeline's class, or of a single file the family; `family` is "" for others."""

    name: str
    path: Path
    kind: str
    family: str = ""
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
            found[name] = replace(model, name=name)
    return sorted(found.values(), key=lambda model: model.name.lower())


def base_of(model: Model, models: Iterable[Model]) -> Model | None:
    """A folder whose configuration, tokenizers and missing parts fit this single file: the first of its family."""
    return next((one for one in models if not one.single and one.family == model.family), None)


def _in(folder: Path, depth: int) -> Iterator[Model]:
    try:
        if (folder / INDEX).is_file():
            kind = _pipeline_of(folder)
            yield Model(folder.name, folder, kind, _family_of(folder, kind))
            return
        inside = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError:
        return
    for path in inside:
        if path.name.startswith("."):
            continue
        if path.is_dir() and depth:
            yield from _in(path, depth - 1)
        elif path.suffix in (".safetensors", ".ckpt") and (kind := family(path)):
            yield Model(path.stem, path, kind, kind, single=True)


def _pipeline_of(folder: Path) -> str:
    return str(_json(folder / INDEX).get("_class_name", "pipeline"))


def _family_of(folder: Path, kind: str) -> str:
    if kind == PIPELINES[SD1]:
        width = _json(folder / "text_encoder" / "config.json").get("hidden_size")
        return SD2 if width == SD2_WIDTH else SD1
    return next((family for family, pipeline in PIPELINES.items() if pipeline == kind), "")


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


# --- single files -----------------------------------------------------------------------------------------------------


def family(path: Path) -> str:
    """The family of a single file; "" for what is no whole model, as a LoRA, and for what cannot be read."""
    try:
        stat = path.stat()
    except OSError:
        return ""
    return _family(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4096)
def _family(path: Path, changed_ns: int, size_bytes: int) -> str:
    """Kept while the file is as it was: it is asked for again and again, and headers are large."""
    names = checkpoint(path) if path.suffix == ".ckpt" else tensors(path)
    return next((kind for kind, sign in _SIGNS if any(sign in name for name in names)), "")


def tensors(path: Path) -> list[str]:
    """The names in a safetensors header (its length as 8 bytes, then JSON); none for another file."""
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > MOST_HEADER_BYTES:
                return []
            header = json.loads(file.read(size))
    except (OSError, ValueError, struct.error) as error:
        log.warning("%s cannot be read as safetensors: %s", path, error)
        return []
    return list(header) if isinstance(header, dict) else []


def checkpoint(path: Path) -> list[str]:
    """The texts in a torch checkpoint's pickle, which is read without being run; none for another file."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside = next((one for one in archive.infolist() if one.filename.endswith("data.pkl")), None)
            if inside is None or inside.file_size > MOST_HEADER_BYTES:
                return []
            data = archive.read(inside)
        return [value for _, value, _ in pickletools.genops(data) if isinstance(value, str)]
    except (OSError, ValueError, IndexError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        # All that zipfile and pickletools raise for a damaged, encrypted or foreign file.
        log.warning("%s cannot be read as a torch checkpoint: %s", path, error)
        return []
