"""A channel's line: grouping, rate, quiet hours, retries. First by example, then whatever happens in whatever order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from echodeck.brain.notices.channels import Channel
from echodeck.brain.notices.line import (
    MOST_GROUPS,
    MOST_WHOLE,
    RETRY_LAST_S,
    Line,
    Message,
    empty,
    failed,
    pause_s,
    sent,
    step,
    take,
)
from echodeck.brain.notices.notice import LEVELS, Notice
from echodeck.brain.notices.quiet import Quiet

NOON_S = datetime(2026, 11, 24, 12, 0, tzinfo=UTC).timestamp()
CHANNEL = Channel("phone", "a://b", most_per_hour=6.0, burst=2, group_s=15.0, tries=3)
NIGHT = replace(CHANNEL, quiet=Quiet(time(22), time(7), zone=UTC))
WHY = "the route r is for it"
_ids = count()


def notice(kind: str = "alert", level: str = "warning", cause: str = "gpu_hot:a", title: str = "Hot") -> Notice:
    return Notice(f"n{next(_ids)}", NOON_S, kind, level, title, cause=cause)


def of(*notices: Notice, at_s: float = NOON_S, channel: Channel = CHANNEL) -> Line:
    line = empty(channel, at_s)
    for one in notices:
        line = take(line, one, WHY, at_s)
    return line


def test_many_of_a_kind_within_the_window_become_one_message_with_their_number() -> None:
    line = of(*(notice(cause=f"gpu_hot:{n}") for n in range(25)))
    assert step(line, CHANNEL, NOON_S + 14.9).send is None
    found = step(line, CHANNEL, NOON_S + 15.0)
    assert found.send is not None
    assert (found.send.count, len(found.send.groups), len(found.send.groups[0].notices)) == (25, 1, MOST_WHOLE)
    assert found.send.groups[0].notices[-1].cause == "gpu_hot:24"
    assert (found.line.tokens, found.line.waiting, sent(found.line, NOON_S).told) == (1.0, (), 25)


def test_kinds_and_levels_are_apart_while_the_rate_allows() -> None:
    line = of(notice(), notice(level="error"))
    first = step(line, CHANNEL, NOON_S + 20.0)
    second = step(sent(first.line, NOON_S + 20.0), CHANNEL, NOON_S + 20.0)
    assert first.send is not None
    assert second.send is not None
    assert [first.send.level, second.send.level] == ["warning", "error"]
    assert first.send.id != second.send.id


def test_what_the_rate_cannot_carry_one_by_one_is_one_message() -> None:
    line = of(notice("completed"), notice("failed", "error"), notice(cause="disk:a"))
    found = step(line, CHANNEL, NOON_S + 20.0)
    assert found.send is not None
    assert (found.send.count, len(found.send.groups), found.send.level) == (3, 3, "error")
    assert (found.title, found.reason) == ("Tells phone of 3 notices", (
        "the route r is for it; the rate (6 an hour) asks for one message instead of 3"))


def test_the_rate_holds_up_what_is_ripe_and_that_is_said_once() -> None:
    line = replace(of(notice()), tokens=0.0)
    found = step(line, CHANNEL, NOON_S + 20.0)
    assert found.send is None
    assert "6 an hour" in found.reason
    assert step(found.line, CHANNEL, NOON_S + 21.0)[1:] == (None, "", "")
    later = step(found.line, CHANNEL, NOON_S + 601.0)  # 6 an hour: a token every 600 s
    assert later.send is not None
    assert not later.line.limited


def test_a_notice_that_simply_leaves_is_no_decision() -> None:
    found = step(of(notice()), CHANNEL, NOON_S + 20.0)
    assert found.send is not None
    assert (found.title, found.reason) == ("", "")
    both = step(of(notice(), notice()), CHANNEL, NOON_S + 20.0)
    assert (both.title, both.reason) == ("Tells phone of 2 notices", f"{WHY}; 2 of a kind had come together")


def test_a_clock_set_back_fills_no_bucket() -> None:
    line = replace(of(notice()), tokens=0.5)
    back = step(line, CHANNEL, NOON_S - 3600.0).line
    assert back.tokens == 0.5


def night(hour: int, minute: int = 0, day: int = 24) -> float:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC).timestamp()


def test_quiet_hours_hold_back_and_then_one_digest_has_it_all() -> None:
    line = of(notice(), notice("completed", "success"), at_s=night(22, 30), channel=NIGHT)
    held = step(line, NIGHT, night(23))
    assert held.send is None
    assert held.title == "Held back from phone"
    assert held.reason.startswith("it is quiet hours there")
    again = step(take(held.line, notice("completed", "success"), WHY, night(23, 30)), NIGHT, night(23, 59))
    assert again.title == "", "it is said once"
    assert step(again.line, NIGHT, night(6, 59, 25)).send is None
    morning = step(again.line, NIGHT, night(7, 0, 25))
    assert morning.send is not None
    assert (morning.send.count, len(morning.send.groups), morning.line.waiting) == (3, 2, ())


def test_errors_pass_through_quiet_hours_unless_they_may_not() -> None:
    line = of(notice(), notice(level="error"), at_s=night(23), channel=NIGHT)
    found = step(line, NIGHT, night(23, 1))
    assert found.send is not None
    assert (found.send.level, found.send.count, found.line.waiting[0].held) == ("error", 1, True)
    assert NIGHT.quiet is not None
    strict = replace(NIGHT, quiet=replace(NIGHT.quiet, errors_pass=False))
    assert step(line, strict, night(23, 1)).send is None


def test_a_message_that_waits_for_its_next_try_is_held_too_and_keeps_its_number() -> None:
    found = step(of(notice(), notice(), at_s=night(21, 59), channel=NIGHT), NIGHT, night(21, 59) + 15.0)
    line = failed(found.line, NIGHT, "no answer", night(21, 59) + 20.0).line
    quiet = step(take(line, notice(), WHY, night(22, 10)), NIGHT, night(22, 10))
    assert quiet.send is None
    assert (quiet.line.hand, quiet.line.count) == (None, 3)
    morning = step(quiet.line, NIGHT, night(7, 0, 25))
    assert morning.send is not None
    assert morning.send.count == 3


def test_it_is_tried_again_later_and_later_then_given_up() -> None:
    found = step(of(notice(), notice()), CHANNEL, NOON_S + 15.0)
    assert found.send is not None
    now_s, ids = NOON_S + 15.0, [found.send.id]
    for tried in (1, 2):
        line = failed(found.line, CHANNEL, "no answer", now_s).line
        assert (line.error, line.given_up) == ("no answer", 0)
        due_s = now_s + pause_s(ids[0], tried)
        assert step(replace(line, tokens=2.0), CHANNEL, due_s - 0.1).send is None
        found, now_s = step(replace(line, tokens=2.0), CHANNEL, due_s), due_s
        assert found.send is not None
        ids.append(found.send.id)
    assert len(set(ids)) == 1
    last = failed(found.line, CHANNEL, "no answer", now_s)
    assert (last.title, last.reason) == ("Gave up telling phone 2 notices", "no answer; it was tried 3 times")
    assert (last.line.hand, last.line.given_up) == (None, 2)


def test_what_cannot_be_helped_is_given_up_at_once() -> None:
    found = step(of(notice()), CHANNEL, NOON_S + 15.0)
    assert failed(found.line, CHANNEL, "410 Gone", NOON_S, final=True).line.given_up == 1


def test_a_receiver_that_asks_for_time_gets_it_within_reason() -> None:
    line = step(of(notice()), CHANNEL, NOON_S + 15.0).line
    for asked_s, waited_s in ((120.0, 120.0), (1e9, RETRY_LAST_S)):
        hand = failed(line, CHANNEL, "429", NOON_S, after_s=asked_s).line.hand
        assert hand is not None
        assert hand.due_s == NOON_S + waited_s


@given(st.integers(1, 10_000), st.text())
def test_pauses_grow_to_a_bound(tried: int, id_: str) -> None:
    assert 10.0 <= pause_s(id_, tried) <= 1.2 * RETRY_LAST_S


def test_kinds_without_end_become_one_other() -> None:
    line = of(*(notice(cause=f"rule{n}:a") for n in range(3 * MOST_GROUPS)))
    assert len(line.waiting) == MOST_GROUPS + 1
    assert line.count == 3 * MOST_GROUPS
    assert line.waiting[-1].kind == "other"


class Days(RuleBasedStateMachine):
    """Whatever happens: never more than the rate, nothing lost, and quiet hours quiet."""

    @initialize(burst=st.integers(1, 4), per_hour=st.floats(0.5, 60.0), group_s=st.sampled_from([0.0, 15.0, 120.0]),
                quiet=st.booleans(), errors_pass=st.booleans())
    def begin(self, burst: int, per_hour: float, group_s: float, quiet: bool, errors_pass: bool) -> None:
        hours = Quiet(time(22), time(7), errors_pass, UTC) if quiet else None
        self.channel = Channel("phone", "a://b", most_per_hour=per_hour, burst=burst, group_s=group_s, tries=3,
                               quiet=hours)
        self.now_s = NOON_S
        self.line = empty(self.channel, self.now_s)
        self.taken = 0
        self.tries: list[tuple[float, Message]] = []
        self.under_way: Message | None = None
        self.held = 0

    @rule(kind=st.sampled_from(["alert", "resolved", "completed", "failed"]), level=st.sampled_from(LEVELS),
          cause=st.sampled_from(["gpu_hot:a", "gpu_hot:b", "disk:a"]), times=st.integers(1, 30))
    def happens(self, kind: str, level: str, cause: str, times: int) -> None:
        for _ in range(times):
            self.line = take(self.line, notice(kind, level, cause), WHY, self.now_s)
        self.taken += times

    @rule(seconds=st.sampled_from([0.1, 1.0, 20.0, 300.0, 3600.0, 6 * 3600.0]))
    def time_goes_by(self, seconds: float) -> None:
        self.now_s += seconds
        if self.under_way is not None:
            return
        before = self.line
        self.line, self.under_way, _, _ = step(self.line, self.channel, self.now_s)
        if self.under_way is not None:
            self.tries.append((self.now_s, self.under_way))
            self._check_quiet(before, self.under_way)

    def _check_quiet(self, before: Line, message: Message) -> None:
        quiet = self.channel.quiet
        if quiet is None:
            return
        if quiet.on(self.now_s):
            assert quiet.errors_pass
            assert message.level == "error"
        elif any(group.held for group in before.waiting) and before.hand is None:
            kept = sum(group.count for group in before.waiting if group.held)
            assert message.count >= kept, "one digest has all that was held back"
            assert not any(group.held for group in self.line.waiting)

    @rule(good=st.booleans(), final=st.booleans())
    def ends(self, good: bool, final: bool) -> None:
        if self.under_way is not None:
            self.line = sent(self.line, self.now_s) if good else failed(
                self.line, self.channel, "no", self.now_s, final=final).line
            self.under_way = None

    @invariant()
    def nothing_is_lost(self) -> None:
        assert self.line.count + self.line.told + self.line.given_up == self.taken

    @invariant()
    def it_stays_small(self) -> None:
        assert all(len(group.notices) <= MOST_WHOLE <= max(MOST_WHOLE, group.count) for group in self.line.waiting)

    @invariant()
    def never_more_than_the_rate(self) -> None:
        times = [at_s for at_s, _ in self.tries]
        for first in range(len(times)):
            allowed = self.channel.burst + (times[-1] - times[first]) * self.channel.most_per_hour / 3600.0
            assert len(times) - first <= allowed + 1e-6


Days.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestDays = pytest.mark.timeout(120)(Days.TestCase)
