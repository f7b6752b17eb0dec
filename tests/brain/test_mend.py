"""Each cure in its turn, and whatever a job meets: the cures come to an end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echodeck.brain.mend import Around, Cure, Limits, Place, mend
from echodeck.model.engine import Param
from echodeck.model.facts import Claimed, Rerouted
from echodeck.model.job import Climb, Job, JobError, JobSpec, Try, Wish
from echodeck.model.transitions import advance, check

SPEC = JobSpec("sketch", "sketch-l", width=512, height=384, batch=4, steps=20)
PARAMS = {param.name: param for param in (Param("width", 64, 512, 256, 8), Param("height", 64, 512, 256, 8),
                                          Param("batch", 1, 8, 1))}
FULL = JobError("out_of_memory", "out of memory", needed_bytes=400 << 20, free_bytes=300 << 20)
FLAKY = JobError("engine_error", "the server hung up", retryable=True)
BROKEN = JobError("pipeline_error", "no such layer")
HERE, ATTIC = Place("studio", 8 << 30), Place("attic", 16 << 30)
ALL = ("batch", "tiles", "resolution")
DEFAULTS = Limits()


def running(**fields: Any) -> Job:
    return advance(Job("j", SPEC, **fields), Claimed(1.0, "studio/sketch/1", "studio"))


def after(job: Job, error: JobError, cure: Cure, host: str = "studio", at_s: float = 2.0) -> Job:
    """In hand again."""
    tried = Try(at_s, job.attempt, job.host, error, cure.how, cure.told)
    again = advance(job, Rerouted(at_s, job.rank, cure.spec, at_s + cure.delay_s, cure.avoid, tried, cure.climb))
    return advance(again, Claimed(again.not_before_s, f"{host}/sketch/1", host))


def cure_of(job: Job, error: JobError, around: Around, limits: Limits = DEFAULTS) -> Cure:
    found = mend(job, error, around, limits, 0.5)
    assert isinstance(found, Cure)
    return found


def told_end(job: Job, around: Around) -> JobError:
    end = mend(job, FULL, around, DEFAULTS, 0.5)
    assert isinstance(end, JobError)
    return end


def test_lack_of_memory_takes_the_cures_in_their_order() -> None:
    around = Around(True, PARAMS, "tiles", (HERE, ATTIC))
    job, hows, sizes = running(wish=Wish(allow=ALL)), [], []
    limits = Limits(memory_tries=100)
    while isinstance(found := mend(job, FULL, around, limits, 0.5), Cure) and found.how != "worker":
        hows.append(found.how)
        sizes.append((found.spec.batch, found.spec.resolution))
        job = after(job, FULL, found)
    assert hows == ["free", "batch", "batch", "tiles", "resolution", "resolution", "resolution"]
    assert sizes[-1] == (1, "256×192")
    assert isinstance(found, Cure)
    assert (found.spec, found.avoid) == (SPEC, ("studio",)), "elsewhere it is as it was asked for"


def test_nothing_is_made_smaller_unless_that_is_allowed() -> None:
    around = Around(True, PARAMS, "tiles", (HERE,))
    job = running()
    job = after(job, FULL, cure_of(job, FULL, around))
    end = mend(job, FULL, around, Limits(), 0.5)
    assert isinstance(end, JobError)
    assert "would need at least 100 MiB more" in end.message
    assert "the largest machine has 8.0 GiB" in end.message
    assert "a smaller batch or tiles or resolution may be allowed" in end.message
    assert end.message.startswith("Not enough memory on studio (tried: unloading models); it would need")
    assert end.detail.startswith("1. on studio: out of memory; lets the models go")
    tight = replace(around, tiles="", params={})
    assert "may be allowed" not in told_end(job, tight).message, "what the engine cannot do is not suggested"
    assert cure_of(job, FULL, around, Limits(allow=("batch",))).how == "batch"


@pytest.mark.parametrize(("place", "error", "goes"), [
    (ATTIC, FULL, True),
    (Place("attic"), FULL, True),
    (Place("attic", 100 << 20), FULL, False),
    (Place("attic", 8 << 30), replace(FULL, needed_bytes=0), False),
    (Place("attic", 9 << 30), replace(FULL, needed_bytes=0), True),
])
def test_another_machine_is_one_where_it_may_fit(place: Place, error: JobError, goes: bool) -> None:
    found = mend(running(), error, Around(places=(HERE, place)), Limits(), 0.5)
    assert isinstance(found, Cure) is goes


def test_a_host_it_did_not_fit_on_is_not_come_back_to() -> None:
    job = after(running(), FULL, cure_of(running(), FULL, Around(places=(HERE, ATTIC))), host="attic")
    assert job.avoid == ("studio",)
    assert isinstance(mend(job, FULL, Around(places=(HERE, ATTIC)), Limits(), 0.5), JobError)


def test_what_may_pass_is_tried_again_later_and_later_and_then_set_aside() -> None:
    job, delays = running(), []
    for _ in range(2):
        cure = cure_of(job, FLAKY, Around())
        assert cure.how == "again"
        delays.append(cure.delay_s)
        job = after(job, FLAKY, cure)
    assert delays == [1.0, 4.0]
    end = mend(job, FLAKY, Around(), Limits(), 0.5)
    assert isinstance(end, JobError)
    assert end.message == "the server hung up (set aside after 3 tries)"
    assert [line.split(":")[0] for line in end.detail.splitlines()] == ["1. on studio", "2. on studio", "3. on studio"]
    assert end.retryable
    assert isinstance(mend(running(), BROKEN, Around(), Limits(), 0.5), JobError)


def test_a_failure_that_was_the_only_attempt_is_told_as_it_is() -> None:
    assert mend(running(), BROKEN, Around(), Limits(), 0.5) == BROKEN


def test_jobs_that_failed_together_come_back_apart() -> None:
    delays = []
    for jitter in (0.0, 1.0):
        found = mend(running(), FLAKY, Around(), Limits(), jitter)
        assert isinstance(found, Cure)
        delays.append(found.delay_s)
    assert delays == [0.75, 1.25]


def test_workers_that_were_lost_count_as_tries() -> None:
    assert isinstance(mend(running(lost=2), FLAKY, Around(), Limits(), 0.5), JobError)


def test_the_ladder_is_taken_down_for_memory_and_up_when_failures_repeat() -> None:
    spec = replace(SPEC, model="sketch-s")
    step = spec, Climb(2.0, "sketch-l", "sketch-s", "memory", "no")
    around = Around(lower=step, higher=step, places=(HERE, ATTIC))
    assert cure_of(running(), FULL, around).spec.model == "sketch-s"
    assert cure_of(running(), FLAKY, around).how == "again"
    assert cure_of(after(running(), FLAKY, cure_of(running(), FLAKY, around)), FLAKY, around).how == "ladder"
    assert cure_of(running(), BROKEN, around).how == "ladder", "another model may do what this one cannot"


hosts = st.lists(st.builds(Place, st.sampled_from("abcdef"), st.sampled_from([0, 1 << 28, 8 << 30])), max_size=6)
errors = st.builds(JobError, st.sampled_from(["out_of_memory", "engine_error", "crash"]), st.just("no"), st.booleans(),
                   st.just(""), st.sampled_from([0, 1 << 29]), st.sampled_from([0, 1 << 28]))


@settings(deadline=None)
@given(st.data(), hosts, st.booleans(), st.sets(st.sampled_from(ALL)), st.integers(1, 6), st.integers(1, 12))
def test_whatever_fails_how_and_where_the_cures_end(data: st.DataObject, places: list[Place], frees: bool,
                                                   allow: set[str], tries: int, memory_tries: int) -> None:
    limits = Limits(tries=tries, memory_tries=memory_tries)
    around = Around(frees, PARAMS, data.draw(st.sampled_from(["", "tiles"])), (HERE, *places))
    job, names = running(wish=Wish(allow=tuple(sorted(allow)))), [place.host for place in around.places]
    for _ in range(max(tries, memory_tries) + 1):
        error = data.draw(errors)
        found = mend(job, error, around, limits, data.draw(st.floats(0, 1)))
        if isinstance(found, JobError):
            assert len(job.tries) < max(tries, memory_tries)
            return
        assert job.host not in job.avoid
        assert 0 < found.delay_s <= 1.25 * limits.longest_s
        assert found.spec == job.spec or found.spec.batch <= SPEC.batch
        able = [name for name in names if name not in found.avoid]
        assert able, "it waits for a machine that there is"
        before, job = job, after(job, error, found, data.draw(st.sampled_from(able)))
        check(job)
        assert job.attempt == before.attempt + 1
        assert before.spent(before.attempt) or job.spent(before.attempt)
    raise AssertionError("the cures did not end")


@settings(deadline=None)
@given(st.data(), hosts, st.booleans())
def test_memory_alone_comes_to_an_end_without_any_limit(data: st.DataObject, places: list[Place], frees: bool) -> None:
    around = Around(frees, PARAMS, "tiles", (HERE, *places))
    job, seen = running(wish=Wish(allow=ALL)), set()
    names = {place.host for place in around.places}
    while isinstance(found := mend(job, FULL, around, Limits(memory_tries=10**6), 0.0), Cure):
        state = (found.spec.batch, found.spec.resolution, bool(found.spec.options), found.avoid, found.how)
        assert found.how == "free" or (job.host, state) not in seen, "nothing is tried twice"
        seen.add((job.host, state))
        able = sorted(names - {*found.avoid})
        job = after(job, FULL, found, data.draw(st.sampled_from(able)))
    assert len(job.tries) <= 8 * len(names)
