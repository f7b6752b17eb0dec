"""What such a server has: models, samplers, schedulers, its version, and what its memory has been through. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...model.engine import Option, Param
from .parse import bad_answer, text, whole

SDNEXT, FORGE, A1111_NAME = "SD.Next", "Forge", "A1111"
PARAMS = (Param("width", 64, 4096, 512, 8), Param("height", 64, 4096, 512, 8), Param("steps", 1, 150, 20),
          Param("seed", 0, 2**32 - 1, 0), Param("batch", 1, 100, 1))
OPTIONS = (
    Option("negative_prompt", "Negative prompt"), Option("cfg_scale", "CFG scale", "number", 7.0, 1.0, 30.0, 0.5),
    Option("init_image", "Start picture", "image"),
    Option("denoising_strength", "Denoising strength", "number", 0.6, 0.0, 1.0, 0.05),
    Option("hires", "Hires fix", "flag", False), Option("hires_scale", "Hires scale", "number", 2.0, 1.0, 4.0, 0.05),
    Option("hires_steps", "Hires steps", "number", 0, 0, 150, 1),
)
CANNOT_PAUSE = ("A1111-style servers have no way to hold a running job; it can be paused while it waits in echodeck's "
                "queue")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server has. `models` are the titles that it knows them by, under the names that we show.

    `upscaler` is the one to name for a hires fix, "" where the server takes a fitting one by itself.
    """

    flavour: str = ""
    version: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    samplers: tuple[str, ...] = ()
    schedulers: tuple[str, ...] = ()
    upscaler: str = ""

    def name_of(self, title: str) -> str:
        """The name of a model by its title; of one that is not listed, the title."""
        return next((name for name, one in self.models.items() if one == title), title)


@dataclass(frozen=True, slots=True)
class Memory:
    """/sdapi/v1/memory of the GPU, in bytes, 0 where it has none. `failures` counts what has not fitted so far."""

    used_bytes: int = 0
    total_bytes: int = 0
    failures: int = 0


def parse_models(body: Any) -> dict[str, str]:
    """Titles by name: of /sdapi/v1/sd-models. A title gains a hash when one is made; the name is the same before and
    after, unless two files share it."""
    if not isinstance(body, list):
        raise bad_answer("/sdapi/v1/sd-models", "it is no list")
    found = []
    for item in body:
        title = text(item.get("title")) or text(item.get("model_name")) if isinstance(item, dict) else ""
        if title:
            found.append((text(item.get("model_name")) or title, title))
    often = Counter(name for name, _ in found)
    return {name if often[name] == 1 else title: title for name, title in found}


def parse_names(body: Any, key: str) -> tuple[str, ...]:
    """The names in a list of records."""
    if not isinstance(body, list):
        raise bad_answer("a list of names", "it is no list")
    names = (text(item.get(key), most=200) for item in body if isinstance(item, dict))
    return tuple(dict.fromkeys(name for name in names if name))


def parse_checkpoint(body: Any) -> str:
    """The title of the model in use, "" if none is named: of /sdapi/v1/options."""
    if not isinstance(body, dict):
        raise bad_answer("/sdapi/v1/options", "it is no JSON object")
    return text(body.get("sd_model_checkpoint"))


def parse_version(body: Any) -> str:
    """SD.Next's day and commit: of /sdapi/v1/version."""
    if not isinstance(body, dict):
        raise bad_answer("/sdapi/v1/version", "it is no JSON object")
    return " ".join(filter(None, (text(body.get("updated"), 40), text(body.get("hash"), 40))))


def parse_memory(body: Any) -> Memory:
    if not isinstance(body, dict):
        raise bad_answer("/sdapi/v1/memory", "it is no JSON object")
    cuda = _mapping(body.get("cuda"))
    system, events = _mapping(cuda.get("system")), _mapping(cuda.get("events"))
    return Memory(_bytes(system.get("used")), _bytes(system.get("total")), whole(events.get("oom")))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _bytes(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**63:
        return 0
    return int(value)
