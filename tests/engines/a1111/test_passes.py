"""A request's passes as stages: each server's way of counting, and what holds whatever it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.engines.a1111.parse import Progress
from echodeck.engines.a1111.passes import LOAD, SAVE, Passes, has_hires, names


class Heard:
    """Checks what it hears as a teller would: what has begun keeps its place and name, nothing goes backwards."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []
        self.entered: list[str] = []
        self.steps: list[tuple[str, int]] = []
        self._at, self._step = -1, 0

    def plan(self, stages: list[tuple[str, int]]) -> None:
        begun = self._at + 1
        assert [name for name, _ in stages[:begun]] == [name for name, _ in self.stages[:begun]]
        assert stages[: self._at] == self.stages[: max(0, self._at)] or self._at < 0
        assert len({name for name, _ in stages}) == len(stages)
        if begun:
            assert stages[self._at][1] >= self._step
        self.stages = stages

    def stage(self, name: str) -> None:
        place = [one for one, _ in self.stages].index(name)
        assert place > self._at
        self._at, self._step = place, 0
        self.entered.append(name)

    def step(self, step: int) -> None:
        name, steps = self.stages[self._at]
        assert self._step < step <= steps
        self._step = step
        self.steps.append((name, step))


def follow(*said: Progress, passes: int = 0, steps: int = 0, hires: bool = False, hires_steps: int = 0) -> Heard:
    heard = Heard()
    followed = Passes(heard, passes=passes, steps=steps, hires=hires, hires_steps=hires_steps)
    for one in said:
        followed.take(one)
    return heard


def at(job: int, step: int, steps: int = 4, jobs: int = 2, name: str = "scripts_txt2img") -> Progress:
    return Progress(jobs, job, step, steps, "s", name=name)


@pytest.mark.parametrize(("passes", "hires", "wanted"), [
    (1, False, ["sample"]), (2, False, ["sample 1/2", "sample 2/2"]), (2, True, ["sample", "hires fix"]),
    (4, True, ["sample 1/2", "hires fix 1/2", "sample 2/2", "hires fix 2/2"])])
def test_passes_have_names(passes: int, hires: bool, wanted: list[str]) -> None:
    assert names(passes, hires=hires) == wanted


@pytest.mark.parametrize(("name", "jobs", "found"), [
    ("scripts_txt2img", 2, True), ("scripts_txt2img", 1, False), ("task(ab12)", 2, True),
    ("Batch 1 out of 2", 2, False), ("Batch 1 out of 2", 4, True), ("1 out of 2", 2, False), ("Text", 2, False)])
def test_a_hires_fix_shows_in_the_number_of_passes(name: str, jobs: int, found: bool) -> None:
    assert has_hires(at(0, 1, jobs=jobs, name=name)) is found


def test_two_pictures_are_two_stages() -> None:
    heard = follow(at(0, 1), at(0, 3), at(1, 2), passes=2, steps=4)
    assert heard.entered == [LOAD, "sample 1/2", "sample 2/2"]
    assert heard.steps == [("sample 1/2", 1), ("sample 1/2", 3), ("sample 1/2", 4), ("sample 2/2", 2)]
    assert heard.stages[-1] == (SAVE, 0)


def test_the_numbers_of_the_last_request_begin_nothing() -> None:
    assert follow(at(0, 0, 20, jobs=-1), at(0, 0, 20, jobs=0), passes=1, steps=4).entered == [LOAD]
    assert follow(at(0, 0, 20, jobs=1)).entered == [LOAD], "how many steps it has is not known yet"
    assert follow(at(0, 0, 20, jobs=1), at(0, 2, 4, jobs=1)).stages == [(LOAD, 0), ("sample", 4)]


def test_the_steps_of_the_pass_before_are_not_those_of_the_next() -> None:
    heard = follow(at(0, 3), at(1, 0, 4), at(1, 5, 9), passes=2, steps=4, hires=True, hires_steps=6)
    assert heard.stages == [(LOAD, 0), ("sample", 4), ("hires fix", 9), (SAVE, 0)]
    assert heard.steps[-1] == ("hires fix", 5)


def test_counts_that_add_up_are_taken_apart() -> None:
    heard = follow(at(0, 2, 4, 1, "Text"), at(1, 4, 4, 1, "Text"), at(1, 4, 4, 2, "Upscale"), at(1, 4, 10, 3, "Hires"),
                   at(1, 7, 10, 3, "Hires"), at(2, 12, 14, 4, "Text"), passes=4, steps=4, hires=True, hires_steps=6)
    assert heard.entered == [LOAD, "sample 1/2", "hires fix 1/2", "sample 2/2"]
    assert heard.steps == [("sample 1/2", 2), ("sample 1/2", 4), ("hires fix 1/2", 3), ("hires fix 1/2", 6),
                           ("sample 2/2", 2)]


def test_others_passes_are_learnt_as_they_come() -> None:
    heard = follow(at(0, 2, 4, 1, "Text"), at(1, 4, 10, 2, "Hires"), at(1, 6, 10, 2, "Hires"))
    assert heard.stages == [(LOAD, 0), ("sample", 4), ("hires fix", 6)]
    assert heard.steps[-1] == ("hires fix", 2)


def test_who_comes_in_the_middle_has_missed_what_was_before() -> None:
    heard = follow(at(2, 1, jobs=4, name="Batch 3 out of 4"))
    assert heard.entered == [LOAD, "sample 3/4"]
    assert heard.stages[-1] == ("sample 4/4", 4)


def test_what_was_too_quick_to_be_seen_is_done_with_the_end() -> None:
    heard = Heard()
    passes = Passes(heard, passes=2, steps=4)
    passes.take(at(0, 3))
    assert passes.share == 3 / 8
    passes.finish()
    assert heard.steps == [("sample 1/2", 3), ("sample 1/2", 4), ("sample 2/2", 4)]
    assert passes.share == 1


NAMES = ["scripts_txt2img", "Batch 1 out of 2", "Text", "Hires", "Refiner", "task(x)", ""]
said = st.builds(at, st.integers(0, 6), st.integers(0, 12), st.integers(0, 12), st.integers(-1, 6),
                 st.sampled_from(NAMES))


@given(st.lists(said, max_size=40), st.booleans(), st.integers(0, 4), st.integers(0, 5), st.booleans())
def test_stages_never_go_backwards(looks: list[Progress], hires: bool, passes: int, steps: int, whole: bool) -> None:
    heard = Heard()
    followed = Passes(heard, passes=passes, steps=steps, hires=hires)
    for look in looks:
        followed.take(look)
    if whole:
        followed.finish()
    assert 0 <= followed.share <= 1
