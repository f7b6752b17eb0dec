"""The transition table: every row, every forbidden pair, and any sequence of facts."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.errors import IllegalTransition
from echodeck.model import facts as m
from echodeck.model.job import BRAIN, Climb, Job, JobError, JobSpec, JobState, Output, StageState, Try
from echodeck.model.transitions import MAX_ATTEMPTS, MOST_METRICS, TRANSITIONS, Phase, advance, check, phase_of
from echodeck.model.usage import Figure, Usage
from echodeck.model.verdict import Reason, Verdict

SPEC = JobSpec(engine="sketch", model="sketch-s", title="hills")
FACTS = {
    m.PauseAsked: m.PauseAsked(10.0, "mika"),
    m.ResumeAsked: m.ResumeAsked(11.0, "mika"),
    m.CancelAsked: m.CancelAsked(12.0, "mika"),
    m.RetryAsked: m.RetryAsked(13.0, 5.0, "mika"),
    m.Moved: m.Moved(14.0, 2.5, 10, "mika"),
    m.Claimed: m.Claimed(15.0, "w1", "atelier"),
    m.MoveAsked: m.MoveAsked(14.5, "mika"),
    m.Readopted: m.Readopted(16.0, "w1", "atelier"),
    m.Adopted: m.Adopted(16.2, "w1", "atelier"),
    m.Started: m.Started(16.4),
    m.Refused: m.Refused(16.6, "pause", "it has no steps"),
    m.Measured: m.Measured(16.8, {"loss": 0.25}),
    m.Planned: m.Planned(17.0, (("load model", 0), ("sample", 20), ("save", 0))),
    m.StageStarted: m.StageStarted(18.0, 1),
    m.StageDone: m.StageDone(19.0, 0, 1.5),
    m.Stepped: m.Stepped(20.0, 1, 3),
    m.PausedNow: m.PausedNow(21.0),
    m.ResumedNow: m.ResumedNow(22.0),
    m.CancelledNow: m.CancelledNow(23.0),
    m.Completed: m.Completed(24.0, (Output("a.png"),)),
    m.Failed: m.Failed(25.0, JobError("engine_error", "no")),
    m.WorkerLost: m.WorkerLost(26.0, -1.0, "worker w1 was not heard from for 10 s"),
    m.Released: m.Released(27.0),
    m.Rerouted: m.Rerouted(27.5, 3.0, replace(SPEC, width=64), 31.5, ("atelier",),
                           Try(27.5, 1, "atelier", JobError("out_of_memory", "no"), "resolution")),
    m.Awaits: m.Awaits(27.2, ("j0",)),
    m.CalledOff: m.CalledOff(27.4, "lake failed"),
    m.Metered: m.Metered(28.0, (Usage("sample", 2.0, False, power_w=Figure(200.0, 120.0, 2.0)),)),
    m.Judged: m.Judged(29.0, (Verdict(0, 38, (Reason("noise", 0.6, "noise left over: 2 steps", 0.2),)),)),
}


def story_of(*kinds: type, origin: str = "echodeck") -> Job:
    job = Job(id="j1", spec=SPEC, created_s=1.0, origin=origin, worker_id="" if origin == "echodeck" else "w1")
    for kind in kinds:
        job = advance(job, FACTS[kind])
    return job


PHASES = {
    Phase.PENDING: story_of(),
    Phase.ELSEWHERE: story_of(origin="observed"),
    Phase.LOST: story_of(m.Started, m.Planned, m.StageStarted, m.WorkerLost, origin="script"),
    Phase.HELD: story_of(m.PauseAsked),
    Phase.RUNNING: story_of(m.Claimed, m.Planned),
    Phase.PAUSED: story_of(m.Claimed, m.Planned, m.PauseAsked, m.PausedNow),
    Phase.COMPLETED: story_of(m.Claimed, m.Planned, m.Completed),
    Phase.FAILED: story_of(m.Claimed, m.Planned, m.Failed),
    Phase.CANCELLED: story_of(m.CancelAsked),
}


@pytest.mark.parametrize(("phase", "kind"), list(itertools.product(Phase, FACTS)), ids=str)
def test_every_pair_is_a_row_or_an_error(phase: Phase, kind: type) -> None:
    job = PHASES[phase]
    assert phase_of(job) is phase
    target = TRANSITIONS.get((phase, kind))
    if target is None:
        with pytest.raises(IllegalTransition) as caught:
            advance(job, FACTS[kind])
        assert "j1" in caught.value.story
        assert phase.value in str(caught.value)
    else:
        assert phase_of(advance(job, FACTS[kind])) is target


def test_what_it_took_is_of_this_attempt() -> None:
    metered = story_of(m.Claimed, m.Planned, m.Failed, m.Metered)
    assert metered.usage[0].name == "sample"
    assert (metered.state, metered.finished_s) == (JobState.FAILED, 25.0)
    assert advance(metered, FACTS[m.RetryAsked]).usage == ()
    found = story_of(m.Started, m.WorkerLost, m.Metered, m.Readopted, origin="script")
    assert (found.state, found.usage) == (JobState.RUNNING, ())


def test_verdicts_are_on_the_outputs_of_this_attempt() -> None:
    judged = story_of(m.Claimed, m.Planned, m.Completed, m.Metered, m.Judged)
    assert (judged.state, judged.verdicts[0].score) == (JobState.COMPLETED, 38)
    assert judged.usage
    assert not {phase for phase in Phase if (phase, m.Judged) in TRANSITIONS} - {Phase.COMPLETED}


def test_pausing_a_running_job_waits_for_the_worker() -> None:
    asked = story_of(m.Claimed, m.Planned, m.PauseAsked)
    assert (asked.state, asked.request, asked.paused_by) == (JobState.RUNNING, "pause", "mika")
    assert advance(asked, FACTS[m.PausedNow]).request == ""


def test_resuming_before_the_worker_paused_takes_the_request_over() -> None:
    job = advance(story_of(m.Claimed, m.Planned, m.PauseAsked), FACTS[m.ResumeAsked])
    assert job.request == "resume"
    assert advance(job, FACTS[m.ResumedNow]).request == ""


def test_a_worker_that_says_again_that_it_holds_answers_a_second_pause() -> None:
    job = story_of(m.Claimed, m.PauseAsked, m.PausedNow, m.ResumeAsked, m.PauseAsked)
    assert (job.state, job.request) == (JobState.PAUSED, "pause")
    again = advance(job, m.PausedNow(30.0))
    assert (again.state, again.request, again.paused_s) == (JobState.PAUSED, "", 21.0)


@pytest.mark.parametrize("facts", [(), (m.Claimed, m.Planned)])
def test_what_the_brain_holds_a_person_may_keep(facts: tuple[type, ...]) -> None:
    """Held in the queue, or paused at its worker: whoever pauses it too is who has paused it."""
    held = advance(story_of(*facts), m.PauseAsked(10.0, BRAIN))
    if facts:
        held = advance(held, m.PausedNow(11.0))
    assert (held.state, held.paused_by) == (JobState.PAUSED, BRAIN)
    kept = advance(held, m.PauseAsked(12.0, "mika"))
    assert (kept.state, kept.paused_by, kept.request) == (JobState.PAUSED, "mika", "")
    assert advance(kept, m.PauseAsked(13.0, "ada")) is kept


def test_a_cancel_wins_over_pause_and_resume() -> None:
    job = story_of(m.Claimed, m.Planned, m.CancelAsked)
    for kind in (m.PauseAsked, m.ResumeAsked):
        assert advance(job, FACTS[kind]).request == "cancel"
    assert advance(job, FACTS[m.WorkerLost]).state is JobState.CANCELLED


def test_time_paused_is_not_elapsed() -> None:
    job = Job(id="j", spec=SPEC)
    for fact in (m.Claimed(100.0, "w"), m.PausedNow(110.0), m.ResumedNow(150.0), m.Completed(155.0)):
        job = advance(job, fact)
    assert job.elapsed_s(999.0) == 15.0
    paused = advance(advance(Job(id="j", spec=SPEC), m.Claimed(0.0, "w")), m.PausedNow(4.0))
    assert paused.elapsed_s(60.0) == 4.0


def test_a_lost_worker_three_times_is_a_failure() -> None:
    job = Job(id="j", spec=SPEC)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        job = advance(advance(job, m.Claimed(1.0, "w")), m.WorkerLost(2.0, -1.0))
        assert job.state is (JobState.FAILED if attempt == MAX_ATTEMPTS else JobState.PENDING)
    assert job.error is not None
    assert job.error.kind == "worker_lost"
    again = advance(job, FACTS[m.RetryAsked])
    assert (again.state, again.attempt, again.error) == (JobState.PENDING, 0, None)


def test_a_job_paused_on_a_lost_worker_is_held() -> None:
    job = advance(PHASES[Phase.PAUSED], FACTS[m.WorkerLost])
    assert job.held


def test_a_job_given_back_keeps_its_place_and_is_no_loss() -> None:
    job = advance(Job(id="j", spec=SPEC, rank=7.0), FACTS[m.Claimed])
    for _ in range(2 * MAX_ATTEMPTS):
        job = advance(advance(job, FACTS[m.Released]), FACTS[m.Claimed])
    back = advance(job, FACTS[m.Released])
    assert (back.state, back.rank, back.lost, back.worker_id) == (JobState.PENDING, 7.0, 0, "")


def test_a_foreign_job_is_asked_and_tells_what_came_of_it() -> None:
    waiting = story_of(m.MoveAsked, origin="observed")
    assert (waiting.state, waiting.request, waiting.moved_by) == (JobState.PENDING, "move", "mika")
    moved = advance(waiting, m.Moved(30.0, 3.0, 0))
    assert (moved.request, moved.rank, moved.moved_by) == ("", 3.0, "mika")
    asked = advance(moved, FACTS[m.CancelAsked])
    assert (asked.state, asked.request) == (JobState.PENDING, "cancel")
    assert advance(asked, FACTS[m.CancelledNow]).state is JobState.CANCELLED
    refused = advance(asked, m.Refused(31.0, "cancel", "no"))
    assert (refused.request, refused.cancelled_by) == ("", "")
    assert advance(asked, m.Refused(31.0, "pause", "no")) is asked


def test_a_foreign_job_that_is_lost_can_be_found_again_as_it_was() -> None:
    running = story_of(m.Started, m.Planned, m.StageDone, m.StageStarted, m.Stepped, origin="script")
    lost = advance(running, FACTS[m.WorkerLost])
    assert (lost.state, lost.error) == (JobState.FAILED, JobError("lost", FACTS[m.WorkerLost].reason))
    again = advance(lost, FACTS[m.Readopted])
    assert again.stages == running.stages
    assert (again.state, again.finished_s, again.error) == (JobState.RUNNING, None, None)


def test_what_was_anothers_is_ours_when_it_is_tried_again() -> None:
    job = advance(story_of(m.Failed, origin="observed"), FACTS[m.RetryAsked])
    assert (job.origin, job.state, job.worker_id) == ("echodeck", JobState.PENDING, "")


def test_a_plan_said_again_replaces_what_has_not_begun() -> None:
    job = story_of(m.Claimed, m.Planned, m.StageDone, m.StageStarted, m.Stepped)
    plan = (("load model", 0), ("sample", 25), ("upscale", 4), ("save", 0))
    again = advance(job, m.Planned(30.0, plan))
    assert again.stages[0] == job.stages[0]
    assert (again.stages[1].step, again.stages[1].steps) == (3, 25)
    assert [stage.name for stage in again.stages] == [name for name, _ in plan]
    assert advance(again, m.Planned(31.0, plan)) is again


def test_the_latest_figure_of_each_name_counts_and_names_are_bounded() -> None:
    job = advance(story_of(m.Claimed), m.Measured(1.0, {"loss": 0.5, "lr": 1e-4}))
    job = advance(job, m.Measured(2.0, {"loss": 0.25}))
    assert job.metrics == {"loss": 0.25, "lr": 1e-4}
    many = advance(job, m.Measured(3.0, {f"m{n}": 1.0 for n in range(100)}))
    assert len(many.metrics) == MOST_METRICS
    assert many.metrics["loss"] == 0.25


def test_stages_end_with_their_job() -> None:
    job = story_of(m.Claimed, m.Planned, m.StageDone, m.StageStarted, m.Stepped)
    assert [s.status for s in job.stages] == [StageState.COMPLETED, StageState.RUNNING, StageState.PENDING]
    assert [s.status for s in advance(job, FACTS[m.Failed]).stages][1:] == [StageState.FAILED, StageState.SKIPPED]


def test_repeated_and_late_reports_change_nothing() -> None:
    job = story_of(m.Claimed, m.Planned, m.StageStarted, m.Stepped)
    for late in (m.Stepped(30.0, 1, 2), m.StageStarted(31.0, 1), FACTS[m.Planned]):
        assert advance(job, late) is job


def test_a_stage_that_does_not_exist_is_refused() -> None:
    with pytest.raises(IllegalTransition, match="stage 9"):
        advance(PHASES[Phase.RUNNING], m.Stepped(1.0, 9, 1))


def test_a_failure_put_right_is_no_end_and_keeps_its_story() -> None:
    again = story_of(m.Claimed, m.Planned, m.Rerouted)
    assert (again.state, again.worker_id, again.finished_s, again.error) == (JobState.PENDING, "", None, None)
    assert (again.spec.width, again.asked, again.not_before_s) == (64, SPEC, 31.5)
    assert again.spent(1)
    assert not again.spent(2)
    second = advance(again, FACTS[m.Claimed])
    assert (second.attempt, second.stages) == (2, ())
    back = advance(second, m.Rerouted(40.0, 3.0, SPEC))
    assert (back.spec, back.asked) == (SPEC, None)


def test_a_person_who_moves_or_retries_does_not_wait_for_the_brain() -> None:
    again = story_of(m.Claimed, m.Rerouted)
    assert advance(again, FACTS[m.Moved]).not_before_s == 0.0
    failed = advance(advance(again, FACTS[m.Claimed]), FACTS[m.Failed])
    fresh = advance(failed, FACTS[m.RetryAsked])
    assert (fresh.spec, fresh.tries, fresh.avoid, fresh.not_before_s) == (SPEC, (), (), 0.0)


def test_what_a_person_asked_of_a_job_holds_when_it_fails_and_is_put_right() -> None:
    assert story_of(m.Claimed, m.CancelAsked, m.Rerouted).state is JobState.CANCELLED
    assert story_of(m.Claimed, m.PauseAsked, m.Rerouted).held
    assert story_of(m.Claimed, m.PausedNow, m.Rerouted).held


def test_a_job_that_waits_may_be_moved_on_its_ladder_but_not_anothers() -> None:
    climb = Climb(5.0, "sketch-l", "sketch-s", "deadline", "it would be late")
    down = advance(story_of(), m.Rerouted(5.0, 1.0, replace(SPEC, model="sketch-s"), climb=climb))
    assert (down.state, down.climbs) == (JobState.PENDING, (climb,))
    with pytest.raises(IllegalTransition, match="elsewhere"):
        advance(story_of(m.Started, origin="script"), FACTS[m.Rerouted])


@given(st.sampled_from(["echodeck", "observed", "script"]), st.lists(st.sampled_from(list(FACTS)), max_size=40))
def test_any_sequence_of_facts_keeps_the_invariants(origin: str, kinds: list[type]) -> None:
    job = replace(story_of(origin=origin), id="j")
    for kind in kinds:
        attempt, progress = job.attempt, job.progress
        try:
            changed = advance(job, FACTS[kind])
        except IllegalTransition:
            continue
        check(changed)
        assert changed.id == "j"
        assert changed.attempt in (attempt, attempt + 1) or kind is m.RetryAsked
        assert changed.progress >= progress or kind in (m.Claimed, m.RetryAsked)
        job = changed
