"""A job is refused with the field's name before it is queued."""

from __future__ import annotations

from typing import Any

import pytest

from echodeck.errors import BadField
from echodeck.model.engine import MAX_PROMPT_CHARS, EngineInfo, ModelInfo, Param, fit

INFO = EngineInfo(
    "sketch", models=(ModelInfo("sketch-s"), ModelInfo("sketch-m")), samplers=("euler", "heun"),
    params=(Param("width", 64, 512, 256, 8), Param("steps", 1, 150, 20), Param("frames", 1, 48, 1),
            Param("seed", 0, 9, 0)),
)


def test_defaults_fill_what_was_not_given() -> None:
    spec = fit(INFO, {"prompt": "dusk over hills"})
    assert (spec.model, spec.sampler, spec.width, spec.steps) == ("sketch-s", "euler", 256, 20)
    assert (spec.title, spec.type) == ("dusk over hills", "image")
    assert fit(INFO, {"frames": 8}).type == "video"
    assert fit(INFO, {}).title == "sketch-s 0"


@pytest.mark.parametrize(
    ("given", "field", "mend"),
    [
        ({"width": 63}, "width", "64 to 512"),
        ({"width": 65}, "width", "multiple of 8"),
        ({"steps": 0}, "steps", "1 to 150"),
        ({"model": "sdxl"}, "model", "sketch-m"),
        ({"sampler": "ddim"}, "sampler", "heun"),
        ({"prompt": "x" * (MAX_PROMPT_CHARS + 1)}, "prompt", "most"),
        ({"title": "x" * 201}, "title", "200"),
    ],
)
def test_what_does_not_fit_is_named_with_its_mend(given: dict[str, Any], field: str, mend: str) -> None:
    with pytest.raises(BadField, match=mend) as caught:
        fit(INFO, given)
    assert caught.value.field == field
    assert str(caught.value).startswith(field)


def test_a_title_is_one_visible_line() -> None:
    spec = fit(INFO, {"title": "\x1b[31mred\n\u202ereversed \U0001f469\u200d\U0001f3a8"})
    assert spec.title == "[31mred reversed \U0001f469\u200d\U0001f3a8"
