"""Files that engines make: PNG with the job's parameters inside, films as animated WebP; they appear complete."""

from __future__ import annotations

import os
import re
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..errors import EngineError
from ..model.job import JobSpec
from ..version import __version__

Pixels = NDArray[np.uint8]
"""(height, width, 3)."""
FRAME_MS = 90
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def parameters(spec: JobSpec, index: int) -> dict[str, str]:
    """What picture `index` of the batch was made with, ready to be written into a file.

    `parameters` is the line that other front ends write and read; its seed makes the same picture as a batch of one.
    """
    seed = (spec.seed + index) % 2**32
    prompt = UNPRINTABLE.sub(" ", spec.prompt)
    negative = UNPRINTABLE.sub(" ", str(spec.options.get("negative_prompt", "")))
    lines = [prompt] if prompt else []
    lines += [f"Negative prompt: {negative}"] if negative else []
    lines.append(
        f"Steps: {spec.steps}, Sampler: {spec.sampler}, Seed: {seed}, Size: {spec.width}x{spec.height}, "
        f"Model: {spec.model}, Version: echodeck {__version__}"
    )
    return {
        "parameters": "\n".join(lines), "prompt": prompt, "engine": spec.engine, "model": spec.model,
        "sampler": spec.sampler, "steps": str(spec.steps), "seed": str(seed), "size": f"{spec.width}x{spec.height}",
        "frames": str(spec.frames), "version": __version__, "Software": "echodeck",
    }


def png(pixels: Pixels, facts: dict[str, str]) -> bytes:
    """The picture as PNG, the facts in its text chunks."""
    info = PngInfo()
    for name, value in facts.items():
        info.add_itxt(name, value)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def webp(frames: list[Pixels], facts: dict[str, str], frame_ms: int = FRAME_MS) -> bytes:
    """The frames as an endless animated WebP, the facts in its XMP."""
    first, *rest = [Image.fromarray(pixels) for pixels in frames]
    buffer = BytesIO()
    first.save(
        buffer, "WEBP", save_all=True, append_images=rest, duration=frame_ms, loop=0, quality=88, xmp=_xmp(facts)
    )
    return buffer.getvalue()


def _xmp(facts: dict[str, str]) -> bytes:
    inside = "".join(f"<echodeck:{name}>{escape(value)}</echodeck:{name}>" for name, value in facts.items())
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:echodeck="urn:echodeck">{inside}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def path_of(output_dir: Path, job_id: str, name: str) -> Path:
    """Where a file of a job goes. Raises EngineError for an id that would lead elsewhere."""
    if job_id in ("", ".", "..") or Path(job_id).name != job_id:
        raise EngineError(f"job id {job_id[:80]!r} cannot name a directory")
    return output_dir / job_id / name


def write(path: Path, data: bytes) -> None:
    """Put a file in place at once and whole. Raises EngineError (a retry can help) when the disk will not have it."""
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise EngineError(
            f"cannot save {path.name}: {reason}; see to the space and the permissions of its directory, then retry",
            retryable=True,
            code="cannot_save",
            detail=str(error),
        ) from error
