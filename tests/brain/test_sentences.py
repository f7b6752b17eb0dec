"""What the brain says: durations, why a job waits, what configurations are against each other, what can be done."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain import capacity, why
from echodeck.brain.compare import compare
from echodeck.brain.option import Marks, Option, Span, described, grounds
from echodeck.brain.reasons import in_full
from echodeck.brain.words import between, many, span


@pytest.mark.parametrize(("seconds", "said"), [
    (0.0, "0 s"), (-3.0, "0 s"), (0.04, "0 s"), (2.34, "2.3 s"), (9.94, "9.9 s"), (9.96, "10 s"), (99.4, "99 s"),
    (99.6, "2 min"), (600.0, "10 min"), (5940.0, "99 min"), (6000.0, "1 h 40 min"), (7200.0, "2 h"),
    (86_400.0 * 2.4, "2 days"), (1e9, "11574 days"),
])
def test_durations_in_words(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_intervals_and_counts() -> None:
    assert (between(30.0, 55.0), between(30.1, 30.2)) == ("30 s to 55 s", "30 s")
    assert (many(1, "job"), many(0, "job"), many(2, "job")) == ("1 job", "0 jobs", "2 jobs")


WAIT = why.Wait("sketch", before=3, before_s=240.0, slots=2, taken=(
    why.InHand("lake", "studio", 50.0), why.InHand("hills", "attic", 12.0)), start_s=(130.0, 100.0, 170.0),
    end_s=(170.0, 140.0, 230.0), takes_s=(40.0, 30.0, 55.0))


def test_why_a_job_waits() -> None:
    assert why.sentences(WAIT) == [
        "3 jobs are before it, about 4 min of work, and 2 of 2 slots that can do it are taken",
        "attic works on hills, about 12 s left",
        "studio works on lake, about 50 s left",
        "it should begin in about 2 min (2 min to 3 min), take about 40 s (30 s to 55 s) and be done in about 3 min "
        "(2 min to 4 min)",
    ]


def test_what_is_done_beside_a_held_job_takes_no_slot() -> None:
    held, guest = why.InHand("lake", "studio", 50.0, paused_by="brain"), why.InHand("hills", "studio", 12.0, guest=True)
    said = why.sentences(replace(WAIT, slots=1, taken=(held, guest)))
    assert said[0].endswith("and 1 of 1 slot that can do it is taken")
    assert said[1:3] == ["studio works on hills, about 12 s left",
                         "studio holds lake for an urgent job, about 50 s left"]
    kept = why.sentences(replace(WAIT, taken=(replace(guest, paused_by="ada", left_s=None),)))
    assert kept[1] == "studio keeps hills, which ada paused"


def test_what_holds_it_comes_first_and_no_start_is_promised() -> None:
    said = why.sentences(replace(WAIT, held="mika paused it before it began"))
    assert said[0] == "mika paused it before it began"
    assert not any("should begin" in one for one in said)


def test_nobody_could_do_it() -> None:
    assert why.sentences(replace(WAIT, slots=0, taken=())) == ["no agent with the engine sketch is online"]


def test_free_slots_and_many_in_work() -> None:
    said = why.sentences(replace(WAIT, before=0, taken=(), slots=1, start_s=(0.5, 0.0, 1.0)))
    assert said[0] == "no job is before it, and 0 of 1 slot that can do it is taken"
    assert said[1].startswith("it should begin at once")
    crowd = why.sentences(replace(WAIT, slots=6, taken=tuple(why.InHand(f"j{n}", "s") for n in range(6))))
    assert "and 3 others in work" in crowd


def option(model: str, middle_s: float, quality: float | None = None, pictures: int = 1, spread: float = 1.1) -> Option:
    marks = None if quality is None else Marks(quality, 3.3, "7 steps or more")
    return Option("sketch", model, Span(middle_s, middle_s / spread, middle_s * spread), marks=marks,
                  pictures=pictures)


def test_configurations_against_each_other() -> None:
    said = compare([option("large", 30.0, 90.0), option("small", 10.0, 60.0)])
    assert said[2] == "large takes 3.0 times as long per picture as small; its pictures score 30 more"
    assert compare([option("a", 10.0), option("b", 10.5)])[2] == "a and b are about as fast"
    unsure = compare([option("a", 10.0, spread=2.0), option("b", 15.0, spread=2.0)])[2]
    assert unsure.endswith("but their intervals overlap, so that is not sure")
    assert "about as fast" in compare([option("one", 10.0), option("four", 41.0, pictures=4)])[2], "per picture"
    assert len(compare([option("a", 10.0)])) == 1


def test_one_configuration_in_a_sentence() -> None:
    full = replace(option("large", 40.0, 82.0, pictures=4), vram_bytes=6.0 * 2**30, basis="scaled")
    assert described(full) == ("large takes about 40 s (36 s to 44 s), 10 s for each of 4 pictures, at most 6.0 GiB of "
                               "VRAM so far, its pictures score 82 of 100 (from 3 verdicts with 7 steps or more) "
                               "(other sizes of it have been run)")
    assert grounds(Marks(82.0, 1.0)) == "(from 1 verdict)"


def test_capacity() -> None:
    kind = capacity.Kind("sketch", "small", "64×64", 4, 1, 1, 36.0, 2)
    assert kind.per_hour == 200.0
    assert capacity.sentences(2, 2, 12.0, 300.0, [kind]) == [
        "0 of 2 slots are free", "the next one is free in about 12 s", "all that waits is done in about 5 min",
        "small, 64×64, 4 steps: about 200 an hour, 36 s each"]
    slow = capacity.Kind("sketch", "film", "", 0, 1, 1, 4 * 3600.0, 1)
    assert capacity.sentences(1, 0, None, None, [slow])[-1] == "film: about 6 a day, 4 h each"
    assert capacity.sentences(0, 0, None, None, []) == ["no agent that generates is online"]
    assert capacity.Kind("sketch", "", "", 0, 1, 1, 0.0, 1).per_hour == 0.0
    assert capacity.Kind("sketch", "small", "64×64", 1, 2, 1, 9.0, 1).name == "small, 64×64, 1 step, batch of 2"
    assert capacity.Kind("sketch", "small", "64×64", 4, 1, 24, 9.0, 1).name == "small, 64×64, 4 steps, 24 frames"


def test_what_stands_beside_a_job_is_told_as_a_sentence() -> None:
    assert in_full("same model") == "it stands there as its model is loaded by then"
    assert in_full("aged: 3 went before it") == "its place in the queue: aged: 3 went before it"


@given(st.lists(st.builds(option, st.sampled_from("abc"), st.floats(0.0, 1e5), st.none() | st.floats(0, 100),
                          st.integers(1, 8), st.floats(1.0, 4.0)), max_size=5))
def test_every_configuration_is_described(options: list[Option]) -> None:
    said = compare(options)
    assert len(said) == len(options) + max(0, len(options) - 1)
    assert all(said)
