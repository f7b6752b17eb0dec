"""Samplers in the field's terms, as diffusers' schedulers."""

from __future__ import annotations

import inspect
from typing import Any

from ...errors import EngineError

DEFAULT = "default"
SAMPLERS: dict[str, tuple[str, dict[str, Any]]] = {
    DEFAULT: ("", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler_ancestral": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "dpm_2": ("KDPM2DiscreteScheduler", {}),
    "dpmpp_2m": ("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}),
    "dpmpp_2m_sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "ddim": ("DDIMScheduler", {}),
    "pndm": ("PNDMScheduler", {"skip_prk_steps": True}),
    "lms": ("LMSDiscreteScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
}
SCHEDULERS = (DEFAULT, "karras")


def choose(pipe: Any, usual: Any, sampler: str, scheduler: str) -> None:
    """Gives the pipeline the sampler; `usual` is the scheduler that it came with. Raises EngineError for what does not
    go together."""
    import diffusers

    name, more = SAMPLERS[sampler or DEFAULT]
    karras = scheduler == "karras"
    if type(usual).__name__.startswith("FlowMatch"):
        if karras or name not in ("", "EulerDiscreteScheduler"):
            raise EngineError("sampler: this model follows a flow, and has a sampler of its own; use default",
                              code="bad_field")
        name, more = "", {}
    if not name and not karras:
        pipe.scheduler = usual
        return
    kind = getattr(diffusers, name) if name else type(usual)
    if karras and "use_karras_sigmas" not in inspect.signature(kind.__init__).parameters:
        raise EngineError(f"scheduler: {sampler or DEFAULT} cannot do {scheduler}; use default", code="bad_field")
    pipe.scheduler = kind.from_config(usual.config, **more, **({"use_karras_sigmas": True} if karras else {}))
