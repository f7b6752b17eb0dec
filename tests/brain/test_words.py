"""Counts, shares and sizes as a person would say them."""

from __future__ import annotations

import pytest

from echodeck.brain.words import many, percent, size


@pytest.mark.parametrize(("said", "words"), [
    (many(1, "job"), "1 job"), (many(0, "job"), "0 jobs"), (many(3, "try"), "3 tries"), (many(1, "try"), "1 try"),
    (percent(0.805), "80 %"), (percent(1.0), "100 %"),
    (size(300 << 20), "300 MiB"), (size(3 << 29), "1.5 GiB"), (size(80 << 30), "80.0 GiB"),
])
def test_as_words(said: str, words: str) -> None:
    assert said == words
