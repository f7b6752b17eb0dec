"""The plan is what `choose` will do, played forward."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.order import Lane, Waiting, choose
from echodeck.brain.plan import NEAR, foresee

LANES = [Lane("a/1", frozenset({"sim"}), loaded="m", free_s=105.0, vram_bytes=2.0),
         Lane("b/1", frozenset({"sim", "other"}), pace=2.0, free_s=101.0)]


def job(number: int, model: str = "m", **fields: object) -> Waiting:
    return Waiting(f"j{number}", "sim", model, number, since_s=100.0, **fields)  # type: ignore[arg-type]


def test_the_first_turn_of_a_free_lane_is_what_it_would_choose() -> None:
    line = [job(0, "x", load_s=5.0, total_s=3.0), job(1, total_s=4.0), job(2, total_s=2.0)]
    lane = Lane("a/1", frozenset({"sim"}), loaded="m")
    [first, *_] = foresee(line, [lane], {}, 100.0)
    choice = choose(lane, line, now_s=100.0)
    assert choice is not None
    assert (first.job_id, first.why, first.start_s, first.end_s) == (choice.job.id, choice.why, 100.0, 102.0)


def test_one_lane_in_turn_and_a_load_takes_its_time() -> None:
    line = [job(0, "x", load_s=5.0, total_s=3.0), job(1, total_s=4.0), job(2, total_s=2.0)]
    turns = foresee(line, [LANES[0]], {}, 100.0)
    assert [(turn.job_id, turn.start_s, turn.end_s) for turn in turns] == [
        ("j2", 105.0, 107.0), ("j1", 107.0, 111.0), ("j0", 111.0, 119.0)]


def test_what_nobody_can_do_has_no_turn() -> None:
    assert foresee([job(0, need_bytes=3.0)], [LANES[0]], {}, 100.0) == []
    assert foresee([job(0)], [], {}, 100.0) == []
    assert [turn.lane_id for turn in foresee([job(0, need_bytes=3.0)], LANES, {}, 100.0)] == ["b/1"]


@given(st.lists(st.tuples(st.sampled_from("mno"), st.sampled_from([0, 10]), st.floats(0.1, 50.0), st.booleans(),
                          st.sampled_from([None, 1.0, 3.0])), max_size=2 * NEAR))
def test_every_job_has_one_turn_and_no_lane_does_two_at_once(
        drawn: list[tuple[str, int, float, bool, float | None]]) -> None:
    line = [job(n, model, priority=priority, total_s=total_s, load_s=2.0, pinned=pinned, need_bytes=need)
            for n, (model, priority, total_s, pinned, need) in enumerate(drawn)]
    turns = foresee(line, LANES, {}, 100.0)
    assert sorted(turn.job_id for turn in turns) == sorted(one.id for one in line)
    assert [turn.start_s for turn in turns] == sorted(turn.start_s for turn in turns)
    for lane in LANES:
        mine = [turn for turn in turns if turn.lane_id == lane.id]
        assert all(turn.start_s >= lane.free_s for turn in mine)
        assert all(one.end_s <= two.start_s + 1e-9 for one, two in pairwise(mine))
