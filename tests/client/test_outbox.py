"""The outbox by itself: order, merging, bounds, and what is never dropped."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck import wire
from echodeck.client import WORKER
from echodeck.client.outbox import Outbox
from echodeck.model.job import JobSpec
from echodeck.model.record import Host
from echodeck.wire import say


def report(fact: Any, job: str = "a", attempt: int = 1) -> say.JobReport:
    return say.JobReport(job, attempt, "w", fact, 1.0)


def progress(step: int, job: str = "a", index: int = 1) -> say.JobProgress:
    return say.JobProgress(job, 1, "w", index, step, float(step), [(index, step, float(step), 1.0)])


def line(text: str = "x") -> say.Log:
    return say.Log("info", "w", text)


def drain(outbox: Outbox) -> list[say.Say]:
    """Everything in the order it goes out, each acknowledged at once."""
    sent = []
    while (entry := outbox.next()) is not None:
        sent.append(entry.payload)
        outbox.done(entry)
    return sent


def test_facts_go_out_in_order_and_keep_their_ids() -> None:
    outbox = Outbox()
    for fact in ("planned", "stage_started", "completed"):
        outbox.add(report(fact))
    first = outbox.next()
    assert first is outbox.next()
    assert outbox.unfinished() == {("a", 1, "w")}
    assert [one.fact for one in drain(outbox)] == ["planned", "stage_started", "completed"]  # type: ignore[attr-defined]
    assert outbox.unfinished() == set()


def test_progress_merges_until_it_is_sent_or_a_fact_comes_between() -> None:
    outbox = Outbox()
    for step in (1, 2, 3):
        outbox.add(progress(step))
    assert len(outbox) == 1
    sent = outbox.next()
    outbox.add(progress(4))
    outbox.add(progress(5))
    assert sent is not None
    assert [sample[1] for sample in sent.payload.samples] == [1, 2, 3]  # type: ignore[attr-defined]
    outbox.add(report("paused"))
    outbox.add(progress(6))
    outbox.add(progress(1, index=2))
    outbox.add(progress(1, job="b"))
    outbox.add(progress(7))
    said = [(one.job_id, one.index, one.step) if isinstance(one, say.JobProgress) else one.fact  # type: ignore[attr-defined]
            for one in drain(outbox)]
    assert said == [("a", 1, 3), ("a", 1, 5), "paused", ("a", 1, 6), ("a", 2, 1), ("b", 1, 1), ("a", 1, 7)]


def test_of_metrics_and_previews_only_the_latest_are_kept() -> None:
    outbox = Outbox()
    for at in (1.0, 2.0):
        outbox.add(say.HostMetrics(Host("h", at)))
        outbox.add(say.JobPreview("a", 1, int(at), "data:image/png;base64,"))
    outbox.add(say.JobPreview("b", 1, 7, "data:image/png;base64,"))
    assert len(outbox) == 0
    latest = outbox.latest
    assert [latest["host"].host.at_s, latest["preview a"].step, latest["preview b"].step] == [2.0, 2, 7]  # type: ignore[attr-defined]
    outbox.add(report("completed"))
    assert set(latest) == {"host", "preview b"}


def test_log_lines_are_bounded_and_the_loss_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    outbox = Outbox(max_logs=3)
    with caplog.at_level(logging.INFO):
        for number in range(10):
            outbox.add(line(str(number)))
    assert len(caplog.records) == 1
    said = [one.message for one in drain(outbox) if isinstance(one, say.Log)]
    assert said == ["7", "8", "9", "too much waited for the hub; dropped: 7 log lines"]


def test_step_samples_are_bounded_and_the_newest_stay() -> None:
    outbox = Outbox(max_samples=1000)
    for step in range(1, 3001):
        outbox.add(progress(step))
    said = drain(outbox)
    samples = [sample for one in said if isinstance(one, say.JobProgress) for sample in one.samples]
    assert len(samples) <= 1000
    assert [sample[1] for sample in samples] == list(range(3001 - len(samples), 3001))
    assert isinstance(said[-1], say.Log)
    assert f"{3000 - len(samples)} step samples" in said[-1].message


def test_a_frame_of_samples_is_one_that_the_hub_reads() -> None:
    outbox = Outbox()
    for step in range(1, 5001):
        outbox.add(say.JobProgress("j" * 128, 1, "w" * 128, 1, step, 1795470813.5536592,
                                   [(1, step, 1795470813.5536592, 0.12345678901234567)]))
    for payload in drain(outbox):
        frame = wire.request("job_progress", payload, id_="x" * 32)
        assert wire.decode_request(frame, WORKER).payload == payload


def test_the_end_of_a_job_is_never_dropped() -> None:
    outbox = Outbox(max_entries=4)
    for number in range(10):
        outbox.add(report("planned", f"j{number}"))
        outbox.add(progress(1, f"j{number}"))
        outbox.add(line())
        outbox.add(report("completed", f"j{number}"))
    said = drain(outbox)
    ends = [one.job_id for one in said if isinstance(one, say.JobReport) and one.fact == "completed"]
    assert ends == [f"j{number}" for number in range(10)]
    assert len(said) <= 12  # the ends, one line about the loss


def test_what_is_being_sent_is_neither_dropped_nor_changed() -> None:
    outbox = Outbox(max_entries=2, max_logs=2)
    outbox.add(line("first"))
    sent = outbox.next()
    for number in range(5):
        outbox.add(line(str(number)))
    assert outbox.next() is sent


SAID = st.lists(st.one_of(
    st.builds(report, st.sampled_from(["planned", "stage_done", "completed", "failed"]), st.sampled_from("ab")),
    st.builds(progress, st.integers(1, 9), st.sampled_from("ab")),
    st.builds(line),
    st.just(None),
), max_size=60)


@given(SAID)
def test_whatever_is_said_the_bounds_hold_and_facts_keep_their_order(said: list[say.Say | None]) -> None:
    outbox, out = Outbox(max_entries=8, max_logs=4, max_samples=6), []
    added: list[say.Say] = []
    for payload in said:
        if payload is None:
            entry = outbox.next()
            if entry is not None:
                out.append(entry.payload)
                outbox.done(entry)
            continue
        payload = msgspec.structs.replace(payload)  # progress merges in place
        added.append(payload)
        outbox.add(payload)
        ends = sum(isinstance(one.payload, say.JobReport) and one.payload.fact in ("completed", "failed")
                   for one in outbox)
        assert len(outbox) <= max(8, ends + 1)
    out += drain(outbox)
    ended = [one for one in added if isinstance(one, say.JobReport) and one.fact in ("completed", "failed")]
    assert [one for one in out if any(one is end for end in ended)] == ended
    facts = [one for one in out if isinstance(one, say.JobReport)]
    places = [next(place for place, one in enumerate(added) if one is fact) for fact in facts]
    assert places == sorted(places)


def test_after_an_outage_what_counts_now_goes_first() -> None:
    outbox = Outbox()
    for one in (report("planned"), progress(1), report("paused"), report("resumed"), progress(7),
                report("planned", "b"), progress(3, "b"), report("completed", "b")):
        outbox.add(one)
    outbox.newest_first()
    said = [(one.job_id, one.step, len(one.samples)) if isinstance(one, say.JobProgress)
            else (one.job_id, one.fact) for one in drain(outbox)]  # type: ignore[attr-defined]
    assert said == [
        ("a", "planned"), ("a", "paused"), ("a", "resumed"), ("a", 7, 0),  # how it is now
        ("a", 1, 1), ("a", 7, 1),  # how it came to be so
        ("b", "planned"), ("b", 3, 1), ("b", "completed")]


def test_what_was_on_its_way_stays_first() -> None:
    outbox = Outbox()
    outbox.add(progress(1))
    sent = outbox.next()
    outbox.add(progress(2))
    outbox.newest_first()
    assert outbox.next() is sent


def adopt(job: str = "a") -> say.Adopt:
    return say.Adopt(job, "w", JobSpec("python", "m"), "script")


def test_after_an_outage_how_far_a_job_is_comes_before_how_it_got_there() -> None:
    outbox = Outbox()
    outbox.add(report("stage_started"))
    outbox.add(msgspec.structs.replace(progress(1), metrics={"loss": 0.5, "grain": 1.0}))
    outbox.add(line())
    outbox.add(report("stage_done"))
    outbox.add(msgspec.structs.replace(progress(7, index=2), metrics={"loss": 0.1}))
    outbox.add(adopt())
    outbox.newest_first()
    said = [(type(one).__name__, getattr(one, "fact", getattr(one, "step", None))) for one in outbox_payloads(outbox)]
    assert said == [("Adopt", None), ("JobReport", "stage_started"), ("JobReport", "stage_done"), ("JobProgress", 7),
                    ("JobProgress", 1), ("Log", None), ("JobProgress", 7)]
    newest, first, last = (one for one in outbox_payloads(outbox) if isinstance(one, say.JobProgress))
    assert (newest.samples, newest.metrics) == ([], {"loss": 0.1, "grain": 1.0})
    assert [sample[1] for one in (first, last) for sample in one.samples] == [1, 7]
    assert first.metrics == last.metrics == {}


def outbox_payloads(outbox: Outbox) -> list[say.Say]:
    return [entry.payload for entry in outbox]


@given(SAID)
def test_putting_the_newest_first_loses_nothing_and_keeps_the_order_of_facts(said: list[say.Say | None]) -> None:
    outbox = Outbox()
    for payload in said:
        if payload is not None:
            outbox.add(msgspec.structs.replace(payload))
    sent = outbox.next()
    before = outbox_payloads(outbox)
    outbox.newest_first()
    after = outbox_payloads(outbox)
    assert outbox.next() is sent
    for job in "ab":
        facts = [[one.fact for one in all_ if isinstance(one, say.JobReport) and one.job_id == job]
                 for all_ in (before, after)]
        assert facts[0] == facts[1]
        assert samples_of(before, job) == samples_of(after, job)
    assert len(drain(outbox)) == len(after)
    assert len(outbox) == 0


def samples_of(said: list[say.Say], job: str) -> list[Any]:
    return [sample for one in said if isinstance(one, say.JobProgress) and one.job_id == job for sample in one.samples]
