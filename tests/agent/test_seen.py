"""What was seen of each model comes back as it was, and nothing in the file stops the agent."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.agent.seen import MODELS, Seen, place
from echodeck.brain.verdict.figures import Measures
from echodeck.brain.verdict.norms import MOST

GOOD = Measures(512, 512, 0.05, 0.95, 0.5, 0.1, 0.0, 0.0, 0.0005, 0.1, None, 0.0)
share = st.floats(0, 1)
pictures = st.lists(st.tuples(st.builds(
    Measures, st.integers(1, 9999), st.integers(1, 9999), share, share, share, share, share, share, share, share,
    st.none() | st.floats(0.5, 40), share), st.integers(0, 99)), max_size=5)


@given(st.dictionaries(st.tuples(st.text(max_size=9), st.text(max_size=9)), pictures, max_size=5))
def test_it_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory,
                                 models: dict[tuple[str, str], list[tuple[Measures, int]]]) -> None:
    path = tmp_path_factory.mktemp("seen") / "a.json"
    before, after = Seen(path), Seen(path)
    for key, seen in models.items():
        before.add(*key, *seen)
    before.save()
    after.load()
    assert len(after) == len(models)
    assert all(after.of(*key) == seen for key, seen in models.items())


def test_the_model_used_longest_ago_is_forgotten_first_also_after_a_restart(tmp_path: Path) -> None:
    before, after = Seen(tmp_path / "a.json"), Seen(tmp_path / "a.json")
    for number in range(MODELS):
        before.add("e", f"m{number}", *[(GOOD, number)] * (MOST + 1))
    before.add("e", "m0", (GOOD, 7))
    before.save()
    after.load()
    after.add("e", "another", (GOOD, 7))
    assert (len(after), len(after.of("e", "m0"))) == (MODELS, MOST)
    assert not after.of("e", "m1")


@pytest.mark.parametrize("text", ["", "{", "7", "[7]", '[["e", "m", [[{"width": 3}, 4]]]]', '[["e", "m", [[7, 4]]]]'])
def test_a_file_that_nobody_understands_is_told_and_written_anew(
        tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    seen = Seen(path)
    seen.load()
    assert "learnt anew" in caplog.text
    seen.add("e", "m", (GOOD, 20))
    seen.save()
    again = Seen(path)
    again.load()
    assert again.of("e", "m") == [(GOOD, 20)]


def test_what_cannot_be_written_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "seen").write_text("in the way")
    seen = Seen(place(tmp_path, "here"))
    seen.save()
    assert not caplog.text, "there is nothing to write"
    seen.add("e", "m", (GOOD, 20))
    seen.save()
    assert "cannot be kept" in caplog.text


def test_names_of_agents_are_no_paths(tmp_path: Path) -> None:
    assert place(tmp_path, "../a b").parent == tmp_path / "seen"
