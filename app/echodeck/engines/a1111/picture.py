"""Pictures as files and as previews."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from ...errors import EngineError
from ...model.job import Output
from .made import decoded
from .parse import bad_answer

SMALL_BYTES = 150_000
SIDE = 512
QUALITY = 85
_SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "AVIF": "avif"}


def preview(picture: str) -> tuple[str, bytes]:
    """(mime type, bytes) of a picture in base64, made smaller when it is large: servers show it at its full size.

    Raises EngineError for what is none.
    """
    content = decoded(picture)
    try:
        with Image.open(io.BytesIO(content)) as image:
            if len(content) <= SMALL_BYTES:
                return _mime(image), content
            small = image.convert("RGB")
            small.thumbnail((SIDE, SIDE))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise bad_answer("/sdapi/v1/progress", f"its picture is none ({error})") from error
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY)
    return "image/jpeg", buffer.getvalue()


def save(content: bytes, directory: Path, number: int) -> Output:
    """Writes a picture as it came, with the facts in it. Raises EngineError."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            mime, (width, height), suffix = _mime(image), image.size, _SUFFIXES.get(image.format or "", "bin")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise bad_answer("a generation", f"a picture of it is none ({error})") from error
    path = directory / f"{number:02}.{suffix}"
    part = path.with_suffix(".part")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise EngineError(f"{path} cannot be written: {error.strerror or error}; see to the space and the permissions "
                          "of its directory, then retry", retryable=True, code="cannot_save") from error
    return Output(str(path), mime, width, height, len(content))


def _mime(image: Image.Image) -> str:
    return Image.MIME.get(image.format or "", "application/octet-stream")
