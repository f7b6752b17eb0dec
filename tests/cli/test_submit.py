"""How people say how urgent it is."""

from __future__ import annotations

from typing import Any

import pytest

from echodeck.cli.submit import urgency


@pytest.mark.parametrize(("said", "meant"), [("high", "high"), ("5", 5), ("-5", -5), ("+7", 7)])
def test_a_priority_is_a_name_or_a_number(said: str, meant: int | str) -> None:
    assert urgency(said) == meant


@pytest.mark.parametrize("said", ["--5", "+-5", "", "soon", "9" * 5000])
def test_another_priority_is_refused_before_a_hub_is_asked(run: Any, said: str) -> None:
    done = run("submit", "x", f"--priority={said}", "--hub", "http://127.0.0.1:1")
    assert done.code == 2
    assert "priority: expected low, normal, high, urgent or a number" in done.err
