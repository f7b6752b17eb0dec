"""The ladders in words."""

from __future__ import annotations

from typing import Any

from echodeck.cli.brain import in_words

LIKELY = {"draft": 0.93, "standard": 0.61, "final": 0.2}


def rung(name: str, *kinds: dict[str, Any], left_out: str = "", usable: bool = True) -> dict[str, Any]:
    return {"name": name, "usable": usable, "leftOut": left_out, "kinds": list(kinds)}


def test_what_is_believed_left_out_and_not_there_is_said() -> None:
    one = {"kind": "sketch/image/small", "likely": LIKELY, "score": 99.2, "seen": 0.98}
    ladder = {"name": "sketch", "engine": "sketch", "learnt": True, "more": 2, "rungs": [
        rung("sketch-s", one), rung("sketch-m", {**one, "seen": 6.6}, left_out="no better"),
        rung("sketch-l", usable=False)]}
    believed = "    sketch/image/small: draft 93 %, standard 61 %, final 20 %; mean score 99 from "
    assert in_words({"on": True, "ladders": [ladder]}).splitlines() == [
        "sketch (sketch, learnt), cheapest first",
        "  sketch-s", f"{believed}1 verdict",
        "  sketch-m  (left out: no better)", f"{believed}7 verdicts",
        "  sketch-l  (not there)",
        "  and 2 models more, which found no place on it"]


def test_without_ladders_it_says_why() -> None:
    assert in_words({"on": False, "ladders": []}) == "off: no model is chosen"
    assert "no engine has announced its models" in in_words({"on": True, "ladders": []})
