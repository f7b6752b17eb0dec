"""Whose request it is, for servers that know requests by our ids, and for those that do not."""

from __future__ import annotations

from typing import Any, cast

from echodeck.engines.a1111.claim import Claim
from echodeck.engines.a1111.parse import Progress, Task
from echodeck.engines.a1111.server import Server


class Answers:
    """What the server says of our task."""

    def __init__(self, task: Task | None) -> None:
        self.said, self.asked = task, 0

    def task(self, task_id: str) -> Task | None:
        self.asked += 1
        return self.said


def claim(task: Task | None) -> tuple[Claim, Answers]:
    answers = Answers(task)
    return Claim(cast(Server, cast(Any, answers))), answers


def busy(stamp: str) -> Progress:
    return Progress(1, 0, 1, 4, stamp, name="txt2img")


IDLE = Progress(stamp="0")


def test_without_ids_what_begins_after_ours_was_sent_is_ours() -> None:
    for unknown in (None, Task()):
        ours, answers = claim(unknown)
        assert not ours.owns(busy("1"))
        ours.begin("t", busy("1"))
        assert not ours.owns(busy("1")), "that ran before"
        assert ours.owns(busy("2"))
        assert ours.owns(busy("2"))
        assert (answers.asked, ours.by_id) == (1, False)
        ours.end()
        assert ours.had("2")
        assert not ours.owns(busy("3"))


def test_by_ids_what_runs_while_ours_waits_is_anothers() -> None:
    ours, answers = claim(Task(queued=True))
    ours.begin("t", IDLE)
    assert not ours.owns(busy("1"))
    answers.said = Task(active=True)
    assert not ours.owns(busy("1")), "it was found out before"
    assert ours.owns(busy("2"))
    assert ours.runs("2")
    assert not ours.forgotten()
    answers.said = Task()
    assert ours.forgotten()
    assert not ours.owns(busy("3")), "a server that knows ours by its id would know it"


def test_what_was_too_quick_to_be_seen_is_known_by_what_it_leaves() -> None:
    ours, _ = claim(None)
    ours.begin("t", busy("1"))
    ours.end(Progress(stamp="2"))
    assert ours.had("2")
    ours.begin("u", busy("3"))
    ours.end(Progress(stamp="3"))
    assert not ours.had("3"), "that was another's, and ours came to nothing"


def test_a_state_that_our_last_request_left_is_not_the_next_one() -> None:
    ours, _ = claim(None)
    ours.begin("t", IDLE)
    assert ours.owns(busy("1"))
    ours.end()
    ours.begin("u", busy("1"))
    assert not ours.owns(busy("1"))
    assert ours.had("1")
    assert not ours.runs("1")
