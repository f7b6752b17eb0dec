"""Refusals at the command line speak of what was typed."""

from __future__ import annotations

from typing import Any

import pytest

from echodeck.cli.words import ASKING, in_words
from echodeck.errors import BadField, IllegalTransition, UnknownName


@pytest.mark.parametrize(("field", "said"), [
    ("steps", "--steps"), ("add[0].count", "--add"), ("add[3].width", "--width"), ("job.model", "--model"),
    ("jobId", "the job"), ("allow[0]", "--allow"), ("values", "--set"), ("options.init_image", "--option init_image"),
    ("jobs[1].onFailure", "jobs[1].on_failure"), ("jobs[1].steps", "jobs[1].steps"), ("deadline", "--by"),
    ("--for", "--for"), ("JOB", "JOB"),
])
def test_a_field_is_what_was_typed(field: str, said: str) -> None:
    assert in_words(BadField(field, "no: not so"), ASKING) == f"{said}: no: not so"


def test_what_nobody_typed_is_left_out() -> None:
    assert in_words(IllegalTransition("command: cannot pause it"), {}) == "cannot pause it"
    assert in_words(BadField("payload", "expected an object"), {}) == "expected an object"
    assert in_words(BadField("deadline", "is past"), {}) == "--deadline: is past"
    said = UnknownName("channel", "fone", ["phone"])
    assert in_words(said, {}) == said.message


def test_with_json_a_refusal_is_as_it_came(run: Any, hub: Any, say: Any) -> None:
    hub.reply = lambda r: say.frame("error", {"id": r["id"], "code": "bad_field", "field": "add[0].count",
                                              "message": "add[0].count: expected a whole number >= 1"})
    assert run("ask", "plan", "--add", "0", "--hub", hub.url).err == \
        "echodeck: --add: expected a whole number >= 1\n"
    assert run("ask", "plan", "--add", "0", "--hub", hub.url, "--json").error["field"] == "add[0].count"
