"""What a workflow will make: model, size, sampler, seed and prompt, read out of its graph.

All is that of the main sampler (see `sampler.main_sampler`), followed back through its links. Where there is no
sampler, as with nodes that call a service, the first node that runs and has an input of the right name tells.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..engine import visible
from .graph import MAX_HOPS, Graph, Link, class_of, inputs_of, link_of, links, number, order, whole, word
from .prompt import prompt_of, text_at
from .sampler import main_sampler, schedule_steps, seed_site
from .words import FRAMES

MAX_NAME_CHARS = 120
MAX_SCALE = 64.0
_MODEL_NAMES = ("ckpt_name", "unet_name", "base_ckpt_name", "gguf_name", "diffusion_model", "model_name", "model_path",
                "ckpt_path", "model")
_SUFFIX = re.compile(r"\.(safetensors|sft|ckpt|pth?|bin|gguf|onnx)$", re.I)
_TO_MODEL = re.compile(r"(model|unet|guider|pipe|basic_pipe|ctx|base_ctx|context|lora|prev_lora)", re.I)
_TO_LATENT = ("latent_image", "latent", "samples", "latents", "optional_latent", "image_embeds", "pixels", "image",
              "images")
_LORA = re.compile(r"lora(_name)?(_?\d+)?", re.I)
_OTHER_MODELS = re.compile(r"upscale|lora|control|clip|vae|style|detect|segm|sam", re.I)
_PAIR = re.compile(r"(\d{2,5})\s*[x×]\s*(\d{2,5})")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MAKES_SIZE = re.compile(r"empty|latent|resolution", re.I)


@dataclass(frozen=True, slots=True)
class Facts:
    """Sizes in pixels; 0, "" or None where it cannot be told, as of a picture that is loaded.

    `steps` are those of the main sampler's whole schedule: what each sampler takes of it is `sampler.steps_of`.
    `model` and `loras` are file names without folder and suffix, LoRAs in the order in which they are applied.
    """

    model: str = ""
    loras: tuple[str, ...] = ()
    width: int = 0
    height: int = 0
    batch: int = 1
    frames: int = 1
    steps: int = 0
    sampler: str = ""
    scheduler: str = ""
    seed: int = 0
    cfg: float | None = None
    denoise: float = 1.0
    prompt: str = ""
    negative: str = ""


def facts(graph: Graph, ends: Sequence[str] = ()) -> Facts:
    """The facts of any graph. `ends` are the output nodes if they are known."""
    running = order(graph, ends)
    sampler = main_sampler(graph, running)
    where = seed_site(graph, running)
    seed = inputs_of(graph, where[0])[where[1]] if where else 0
    if sampler is None:
        return _without_sampler(graph, running, seed)
    model, loras = _model(graph, sampler)
    width, height, batch, frames = _size(graph, sampler, running)
    guider = link_of(graph, sampler, "guider")
    schedule = _schedule(graph, sampler)
    denoise = number(graph, schedule, "denoise")
    return Facts(
        model or _any_model(graph, running), loras, width, height, batch, frames, schedule_steps(graph, sampler),
        _sampler_name(graph, sampler), _scheduler_name(graph, schedule), seed,
        number(graph, guider[0] if guider else sampler, "cfg"), 1.0 if denoise is None else denoise,
        prompt_of(graph, sampler, "positive"), prompt_of(graph, sampler, "negative"),
    )


def _without_sampler(graph: Graph, running: Sequence[str], seed: int) -> Facts:
    texts = [text for node_id in running if (text := text_at(graph, node_id))]
    avoided = [text for node_id in running if (text := word(graph, node_id, "negative_prompt", "negative"))]
    width, height, batch, frames = _made_size(graph, running)
    return Facts(_any_model(graph, running), (), width, height, batch, frames, seed=seed,
                 prompt=texts[0] if texts else "", negative=avoided[0] if avoided else "")


def _model(graph: Graph, sampler: str) -> tuple[str, tuple[str, ...]]:
    """The model that reaches a sampler, and the LoRAs on its way."""
    loras: list[str] = []
    model = ""
    seen, queue = {sampler}, [sampler]
    for node_id in queue:  # grows while it is walked: nearest first
        names = inputs_of(graph, node_id)
        loras += reversed([lora for name, value in names.items() if (lora := _lora(graph, node_id, name, value))])
        model = model or _named_model(graph, node_id)
        for name, (source, _) in links(graph, node_id):
            if source not in seen and (_TO_MODEL.match(name) or len(names) == 1) and len(seen) < MAX_HOPS:
                seen.add(source)
                queue.append(source)
    return model, tuple(dict.fromkeys(reversed(loras)))


def _named_model(graph: Graph, node_id: str) -> str:
    """The model that a node loads. Its "model" may be a name, or a model that comes from another node."""
    return _file(word(graph, node_id, *(name for name in _MODEL_NAMES
                                        if name != "model" or not link_of(graph, node_id, name))))


def _lora(graph: Graph, node_id: str, name: str, value: Any) -> str:
    if isinstance(value, dict):  # one row of a list of LoRAs, with a switch of its own
        return _file(value.get("lora")) if value.get("on", True) is True else ""
    return _file(word(graph, node_id, name)) if _LORA.fullmatch(name) else ""


def _file(value: object) -> str:
    """A file's name as people say it."""
    if not isinstance(value, str) or value.strip().lower() in ("", "none"):
        return ""
    return visible(_SUFFIX.sub("", value.replace("\\", "/").rstrip("/").rpartition("/")[2]))[:MAX_NAME_CHARS]


def _any_model(graph: Graph, running: Sequence[str]) -> str:
    names = (_named_model(graph, node_id) for node_id in running
             if not _OTHER_MODELS.search(class_of(graph, node_id)))
    return next(filter(None, names), "")


def _size(graph: Graph, sampler: str, running: Sequence[str]) -> tuple[int, int, int, int]:
    """Width, height, batch and frames of what a sampler works on."""
    node_id, scale = sampler, 1.0
    for _ in range(MAX_HOPS):
        size = _own_size(graph, node_id)
        if size is not None:
            return round(size[0] * scale), round(size[1] * scale), size[2], size[3]
        by = number(graph, node_id, "scale_by") or number(graph, node_id, "upscale_by") or 1.0
        scale = min(MAX_SCALE, max(0.0, scale * by))
        before = _latent_before(graph, node_id)
        if before is None:
            break
        node_id = before[0]
    if class_of(graph, node_id).lower().startswith("load"):
        return 0, 0, 1, 1  # the size is the file's
    return _made_size(graph, running)


def _latent_before(graph: Graph, node_id: str) -> Link | None:
    found = next((link for name in _TO_LATENT if (link := link_of(graph, node_id, name)) is not None), None)
    every = list(links(graph, node_id))
    return every[0][1] if found is None and len(every) == 1 else found


def _own_size(graph: Graph, node_id: str) -> tuple[int, int, int, int] | None:
    """The size that a node itself states."""
    width, height = whole(graph, node_id, "width"), whole(graph, node_id, "height")
    if not width or not height:
        pair = _PAIR.search(word(graph, node_id, "resolution", "dimensions"))
        if pair is None:
            return None
        width, height = int(pair[1]), int(pair[2])
    batch, frames = whole(graph, node_id, "batch_size", "batch"), whole(graph, node_id, *FRAMES)
    return width, height, batch or 1, frames or 1


def _made_size(graph: Graph, running: Sequence[str]) -> tuple[int, int, int, int]:
    """The first size that a node states which makes something empty to draw on."""
    sizes = (_own_size(graph, node_id) for node_id in running if _MAKES_SIZE.search(class_of(graph, node_id)))
    return next(filter(None, sizes), (0, 0, 1, 1))


def _schedule(graph: Graph, sampler: str) -> str:
    """The node that makes the noise levels: the sampler itself, or the scheduler that feeds it."""
    node_id = sampler
    for _ in range(MAX_HOPS):
        link = link_of(graph, node_id, "sigmas")
        if link is None:
            break
        node_id = link[0]
    return node_id


def _sampler_name(graph: Graph, sampler: str) -> str:
    chosen = link_of(graph, sampler, "sampler")
    node_id = chosen[0] if chosen else sampler
    named = word(graph, node_id, "sampler_name", "sampler")
    return visible(named or (_class_word(graph, node_id, "Sampler") if chosen else ""))[:MAX_NAME_CHARS]


def _scheduler_name(graph: Graph, schedule: str) -> str:
    named = word(graph, schedule, "scheduler")
    known = class_of(graph, schedule).endswith("Scheduler")
    return visible(named or (_class_word(graph, schedule, "Scheduler") if known else ""))[:MAX_NAME_CHARS]


def _class_word(graph: Graph, node_id: str, kind: str) -> str:
    """What a class is called without its kind: SamplerEulerAncestral is euler_ancestral, KarrasScheduler karras."""
    return _CAPITAL.sub("_", class_of(graph, node_id).removeprefix(kind).removesuffix(kind)).lower()
