"""How a request ended: its pictures, or what went wrong. Pure."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ...errors import EngineError, OutOfMemory
from ..web import Refusal
from .parse import bad_answer, text, whole

_MEMORY = re.compile(r"out of memory|OutOfMemory|allocation on device", re.I)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMG]i?B|bytes)", re.I)
_UNITS = {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30}
_VERSION = re.compile(r"\bVersion: ([^,\n]{1,80})")


@dataclass(frozen=True, slots=True)
class Made:
    """The answer of txt2img and img2img: pictures as encoded bytes, the asked ones without grids and extras.

    `version` is the server's, as it writes it into its pictures.
    """

    pictures: tuple[bytes, ...]
    version: str = ""


def parse_made(body: Any) -> Made:
    if not isinstance(body, dict) or not isinstance(body.get("images"), list):
        raise bad_answer("a generation", "it has no images")
    pictures = [decoded(item) for item in body["images"] if isinstance(item, str)]
    info = _info(body.get("info"))
    first = min(whole(info.get("index_of_first_image")), len(pictures))
    seeds = info.get("all_seeds")
    count = len(seeds) if isinstance(seeds, list) and seeds else len(pictures)
    return Made(tuple(pictures[first : first + count]), _version(info))


def kept(pictures: tuple[bytes, ...], wanted: int, left_out: Collection[int]) -> tuple[bytes, ...]:
    """Those to keep of `wanted` ones, some of which (by number) were skipped: A1111 hands them out half made, SD.Next
    does not hand them out."""
    if len(pictures) < wanted:
        return pictures
    return tuple(picture for number, picture in enumerate(pictures[:wanted]) if number not in left_out)


def error_of(refusal: Refusal) -> EngineError:
    """What the server said instead of making pictures."""
    said = parse_error(refusal.body) or refusal.message
    if _MEMORY.search(said):
        needed, free = (_size(said, words) for words in ("tried to allocate", "of which"))
        return OutOfMemory(f"out of memory: {said}", needed_bytes=needed, free_bytes=free, detail=said)
    if refusal.status in (401, 403):
        return EngineError("the server does not take the user name and password any more", code="refused")
    return EngineError(said, code="refused" if refusal.status < 500 else "server_error",
                       retryable=refusal.status >= 500)


def parse_error(body: Any) -> str:
    """What an error's body says, in one line."""
    if not isinstance(body, dict):
        return text(body, most=500)
    detail = body.get("detail")
    if isinstance(detail, list):  # what FastAPI says of wrong fields
        parts = [f"{_field(one.get('loc'))}{text(one.get('msg'))}" for one in detail if isinstance(one, dict)]
        return "; ".join(parts)[:500]
    said = [text(body.get(key)) for key in ("error", "errors", "message")] + [text(detail)]
    return ": ".join(dict.fromkeys(one for one in said if one))[:500]


def decoded(picture: str) -> bytes:
    """A picture as it is sent: base64, with or without the head of a data URL."""
    try:
        return base64.b64decode(picture.rpartition(",")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_answer("a generation", f"a picture of it is no base64 ({error})") from error


def _info(value: Any) -> dict[str, Any]:
    """JSON in a text."""
    try:
        found = json.loads(value or "{}")
    except (ValueError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _version(info: dict[str, Any]) -> str:
    """Newer ones say it beside the pictures' facts, all of them among the parameters in a picture's text."""
    if said := text(info.get("version"), 80):
        return said
    texts = info.get("infotexts")
    match = _VERSION.search(text(texts[0], 50_000)) if isinstance(texts, list) and texts else None
    return match[1].strip() if match else ""


def _field(loc: Any) -> str:
    return f"{'.'.join(map(str, loc[1:]))}: " if isinstance(loc, list) and len(loc) > 1 else ""


def _size(said: str, words: str) -> int:
    """The bytes that are named after these words, 0 if none are."""
    match = _SIZE.search(said, max(0, said.lower().find(words))) if words in said.lower() else None
    return int(float(match[1]) * _UNITS[match[2][0].lower()]) if match else 0
