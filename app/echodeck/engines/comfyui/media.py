"""The files that a prompt leaves, and where a ComfyUI shows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlencode

from .field import listed, mapping, text

MIME = {
    "png": "image/png", "apng": "image/apng", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp",
    "gif": "image/gif", "avif": "image/avif", "bmp": "image/bmp", "tif": "image/tiff", "tiff": "image/tiff",
    "svg": "image/svg+xml", "exr": "image/x-exr", "mp4": "video/mp4", "m4v": "video/mp4", "webm": "video/webm",
    "mkv": "video/x-matroska", "mov": "video/quicktime", "avi": "video/x-msvideo", "wav": "audio/wav",
    "flac": "audio/flac", "mp3": "audio/mpeg", "opus": "audio/ogg", "ogg": "audio/ogg", "m4a": "audio/mp4",
    "glb": "model/gltf-binary", "gltf": "model/gltf+json", "obj": "model/obj", "ply": "model/ply", "txt": "text/plain",
    "json": "application/json", "safetensors": "application/octet-stream", "latent": "application/octet-stream",
}
MAX_FILES = 10_000


@dataclass(frozen=True, slots=True)
class File:
    """A file in one of ComfyUI's folders. `type` is the folder: output, temp (previews) or input.

    `media` is the kind of output as the node calls it (images, gifs, audio, …), `mime` what the name's suffix says.
    The names are the server's: not to be used as paths here without a check.
    """

    node: str
    filename: str
    subfolder: str = ""
    type: str = "output"
    media: str = "images"
    mime: str = "application/octet-stream"


def mime_of(filename: str) -> str:
    """The MIME type that a file name's suffix stands for, the same on every system."""
    return MIME.get(PurePosixPath(filename.replace("\\", "/")).suffix[1:].lower(), "application/octet-stream")


def parse_file(node: str, media: str, value: Any) -> File | None:
    """One entry of a node's outputs; None for an entry that is no file, as a text or a number."""
    entry = mapping(value)
    filename = text(entry.get("filename"), 1000)
    if not filename:
        return None
    return File(node, filename, text(entry.get("subfolder"), 1000), text(entry.get("type"), 100) or "output",
                media, mime_of(filename))


def parse_output(node: str, output: Any) -> tuple[File, ...]:
    """The files of one node's `output`: {media: [{filename, subfolder, type}, …], …}."""
    found = (parse_file(node, media, entry) for media, entries in mapping(output).items() for entry in listed(entries))
    return tuple(file for file in found if file is not None)[:MAX_FILES]


def parse_outputs(outputs: Any) -> tuple[File, ...]:
    """The files of all nodes: {node: {media: […]}}."""
    return tuple(file for node, output in mapping(outputs).items() for file in parse_output(node, output))[:MAX_FILES]


def view_path(file: File, preview: str = "") -> str:
    """The address of a file below the server's, for a GET. `preview` asks for a small picture, as "webp;90"."""
    query = {"filename": file.filename, "subfolder": file.subfolder, "type": file.type}
    return "/view?" + urlencode({**query, "preview": preview} if preview else query)
