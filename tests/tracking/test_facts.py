"""What a script says a job is."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.errors import BadField
from echodeck.model.engine import tidy
from echodeck.tracking.facts import NUMBERS, TEXTS, known, spec_of, text, whole, with_facts


def test_a_spec_has_what_was_said_and_the_rest_as_usual() -> None:
    facts = {"model": "sdxl", "width": np.int64(1024), "height": 512, "seed": None, "prompt": "dusk"}
    spec = spec_of("hero", 30, facts)
    assert (spec.engine, spec.title, spec.steps, spec.resolution, spec.seed, type(spec.width)) == (
        "python", "hero", 30, "1024×512", 0, int)


@pytest.mark.parametrize(("title", "facts", "expected"), [
    ("a", {"prompt": "b", "model": "c"}, "a"), ("", {"prompt": "b" * 90, "model": "c"}, "b" * 60),
    ("", {"model": "c"}, "c"), ("", {}, "job"),
])
def test_a_title_is_found_where_none_is_given(title: str, facts: dict[str, Any], expected: str) -> None:
    assert spec_of(title, 0, facts).title == expected


def test_more_than_one_frame_is_a_video() -> None:
    assert [spec_of("a", 0, {"frames": frames}).type for frames in (1, 24)] == ["image", "video"]


@pytest.mark.parametrize("value", [2.5, "8", True, [1], -1])
def test_what_is_no_whole_number_is_said_at_once(value: Any) -> None:
    with pytest.raises(BadField, match="width"):
        known({"width": value})


def test_a_name_that_is_none_is_said_at_once() -> None:
    with pytest.raises(TypeError, match="no 'wdith'"):
        known({"wdith": 5})


def test_what_is_known_later_leaves_the_rest() -> None:
    later = with_facts(spec_of("a", 30, {"model": "sdxl", "seed": -1}), {"width": 64, "frames": 8, "model": None})
    assert (later.title, later.model, later.width, later.steps, later.type, later.seed) == (
        "a", "sdxl", 64, 30, "video", -1)


class Unsayable:
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(("value", "said"), [(5, "5"), ("file\udcff", "file?"), (Unsayable(), "<Unsayable>")])
def test_anything_can_be_said(value: Any, said: str) -> None:
    assert text(value) == said


def test_a_bound_is_kept() -> None:
    assert whole("total", 0, 0) == 0
    with pytest.raises(BadField, match="0 or more"):
        whole("total", -1, 0)
    with pytest.raises(BadField, match=r"at most 2\*\*53, got a number of 100 bits"):
        whole("total", 2**99, 0)
    assert whole("seed", 2**63) == 2**63


@given(st.dictionaries(st.sampled_from(sorted(NUMBERS | TEXTS)),
                       st.one_of(st.none(), st.integers(), st.text(st.characters(codec=None)))))
def test_whatever_is_taken_can_be_sent(facts: dict[str, Any]) -> None:
    title = facts.pop("title", None)
    try:
        spec = spec_of(title, 0, facts)
    except BadField:
        return
    json.loads(msgspec.json.encode(tidy(spec)))
