"""A job as the request that such a server takes. Pure, but for the picture that it begins with."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from ...errors import EngineError
from ...model.job import JobSpec
from .offer import Offer

MOST_IMAGE_BYTES = 64 << 20


def kind_of(body: dict[str, Any]) -> str:
    """Which route the request goes to."""
    return "img2img" if "init_images" in body else "txt2img"


def body_of(spec: JobSpec, task_id: str, offer: Offer) -> dict[str, Any]:
    """Every picture is a round of its own, so that each can be skipped, and memory has to do for one. Raises
    EngineError."""
    options = spec.options
    body: dict[str, Any] = {
        "prompt": spec.prompt, "negative_prompt": options.get("negative_prompt", ""), "width": spec.width,
        "height": spec.height, "steps": spec.steps, "seed": spec.seed, "n_iter": spec.batch, "batch_size": 1,
        "cfg_scale": options.get("cfg_scale", 7.0), "send_images": True, "force_task_id": task_id,
    }
    if spec.sampler:
        body["sampler_name"] = spec.sampler
    if spec.scheduler:
        body["scheduler"] = spec.scheduler
    if spec.model:  # for this request alone: what people have chosen on its page stays
        body["override_settings"] = {"sd_model_checkpoint": offer.models.get(spec.model, spec.model)}
    if image := str(options.get("init_image", "")):
        body |= {"init_images": [_image(image)], "denoising_strength": options.get("denoising_strength", 0.6)}
    elif has_hires(spec):
        body |= {"enable_hr": True, "hr_scale": options.get("hires_scale", 2.0),
                 "hr_second_pass_steps": hires_steps(spec),
                 "denoising_strength": options.get("denoising_strength", 0.6)}
        if offer.upscaler:
            body["hr_upscaler"] = offer.upscaler
    return body


def has_hires(spec: JobSpec) -> bool:
    """A picture that begins with another one is not upscaled afterwards."""
    return spec.options.get("hires") is True and not spec.options.get("init_image")


def hires_steps(spec: JobSpec) -> int:
    """0 is as many as the first pass has."""
    return int(spec.options.get("hires_steps") or 0)


def _image(given: str) -> str:
    """A picture as base64: of a data URL, or of a file on this machine."""
    if given.startswith("data:"):
        return given.rpartition(",")[2]
    path = Path(given).expanduser()
    try:
        if path.stat().st_size > MOST_IMAGE_BYTES:
            raise EngineError(f"options.init_image: {given[:200]} has more than {MOST_IMAGE_BYTES:,} bytes",
                              code="bad_field")
        return base64.b64encode(path.read_bytes()).decode("ascii")
    except (OSError, ValueError) as error:
        raise EngineError(f"options.init_image: {given[:200]} cannot be read: {error}", code="bad_field") from error
