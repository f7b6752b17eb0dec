"""The order of the queue: total, kept, whatever is put where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.errors import BadField, UnknownRecord
from echodeck.hub.queue import Queue
from echodeck.model.facts import Claimed, Moved, PauseAsked, WorkerLost
from echodeck.model.job import Job, JobSpec
from echodeck.wire import say


def job(id_: str, rank: float = 0.0, priority: int = 0, engine: str = "sketch") -> Job:
    return Job(id_, JobSpec(engine, "m"), rank=rank, priority=priority)


def ids(queue: Queue) -> list[str]:
    return [one.id for one in queue.waiting()]


def enter(queue: Queue, id_: str, priority: int = 0) -> None:
    [rank] = queue.ranks_for(priority)
    queue.put(job(id_, rank, priority))


def shift(queue: Queue, id_: str, **where: object) -> None:
    rank = queue.rank_of_move(say.Move(job_id=id_, **where))  # type: ignore[arg-type]
    queue.apply(id_, Moved(0.0, rank, queue.get(id_).priority))
    queue.spread()


@given(st.lists(st.sampled_from([-10, 0, 10, 20])))
def test_new_jobs_go_behind_the_last_of_at_least_their_priority(priorities: list[int]) -> None:
    queue = Queue()
    for number, priority in enumerate(priorities):
        enter(queue, str(number), priority)
    # Never moved by hand, that is: by priority, and in the order they came.
    assert ids(queue) == [str(n) for n, _ in sorted(enumerate(priorities), key=lambda one: (-one[1], one[0]))]


@given(st.integers(1, 6), st.lists(st.tuples(st.integers(0, 5), st.one_of(
    st.sampled_from(["up", "down", "top", "bottom"]), st.integers(0, 7),
    st.tuples(st.sampled_from(["before", "after"]), st.integers(0, 5)))), max_size=60))
def test_moves_do_what_they_do_to_a_list(count: int, moves: list[tuple[int, object]]) -> None:
    queue, model = Queue(), [str(number) for number in range(count)]
    for one in model:
        enter(queue, one)
    for which, where in moves:
        name = str(which % count)
        at, rest = model.index(name), [one for one in model if one != name]
        if isinstance(where, tuple):
            other = str(where[1] % count)
            if other == name:
                continue
            shift(queue, name, **{where[0]: other})
            rest.insert(rest.index(other) + (where[0] == "after"), name)
        elif isinstance(where, int):
            shift(queue, name, place=where)
            rest.insert(min(where, len(rest)), name)
        else:
            shift(queue, name, direction=where)
            rest.insert({"up": max(0, at - 1), "down": at + 1, "top": 0, "bottom": len(rest)}[str(where)], name)
        model = rest
        assert ids(queue) == model


def test_a_thousand_moves_into_one_gap_keep_the_order() -> None:
    queue = Queue()
    for name in "abc":
        enter(queue, name)
    for turn in range(1000):
        last = ids(queue)[-1]
        shift(queue, last, place=1)
        assert ids(queue)[1] == last, turn
    assert len({one.rank for one in queue.waiting()}) == 3


def test_what_a_worker_has_is_not_waiting_and_what_is_held_keeps_its_place() -> None:
    queue = Queue([job("a", 1.0), job("b", 2.0), job("c", 3.0)])
    queue.apply("b", PauseAsked(0.0))
    queue.apply("a", Claimed(0.0, "w"))
    assert ids(queue) == ["b", "c"]
    assert [one.id for one in queue.in_hand()] == ["a"]
    found = queue.next_for(["sketch"], "studio/sketch/1", 0.0)
    assert found is not None
    assert found.id == "c"
    assert queue.next_for(["warp"], "studio/sketch/1", 0.0) is None


def test_a_lost_job_goes_to_the_front() -> None:
    queue = Queue([job("a", 1.0), job("b", 2.0)])
    queue.apply("b", Claimed(0.0, "w"))
    queue.apply("b", WorkerLost(1.0, queue.front()))
    assert ids(queue) == ["b", "a"]


def test_only_what_waits_is_moved() -> None:
    queue = Queue([job("a", 1.0), job("b", 2.0)])
    queue.apply("a", Claimed(0.0, "w"))
    with pytest.raises(BadField):
        queue.rank_of_move(say.Move(job_id="a", direction="down"))
    with pytest.raises(BadField):
        queue.rank_of_move(say.Move(job_id="b", before="a"))
    with pytest.raises(UnknownRecord):
        queue.rank_of_move(say.Move(job_id="x", direction="down"))
