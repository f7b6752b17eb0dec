"""The board: any cut of a stream of changes, then resume, gives the same board."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from echodeck.model import board as module
from echodeck.model.board import Board

changes = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.one_of(st.none(), st.integers(0, 9)), st.booleans()),
    max_size=40,
)


def contents(board: Board) -> dict[tuple[str, str], object]:
    return {(entry.kind, entry.key): entry.value for entry in board}


def replay(board: Board, steps: list[tuple[str, str, int | None, bool]]) -> None:
    for kind, key, value, durable in steps:
        seq = board.seq + 1 if durable else None
        if value is None:
            board.remove(kind, key, seq)
        else:
            board.put(kind, key, value, seq)


@given(changes, st.integers(0, 40))
def test_any_cut_then_resume_gives_the_same_board(steps: list[tuple[str, str, int | None, bool]], cut: int) -> None:
    hub, reader = Board(), Board()
    replay(hub, steps[:cut])
    for entry in hub.snapshot():
        reader.apply(entry)
    reader.seq = hub.seq
    left_at = reader.seq
    replay(hub, steps[cut:])
    missed = hub.since(left_at)
    assert missed is not None
    for entry in missed:
        reader.apply(entry)
    assert contents(reader) == contents(hub)
    assert reader.seq == hub.seq
    for entry in missed:  # told twice does no harm
        reader.apply(entry)
    assert contents(reader) == contents(hub)


@given(changes, st.integers(0, 40))
def test_after_tick_is_exactly_what_changed(steps: list[tuple[str, str, int | None, bool]], cut: int) -> None:
    board = Board()
    replay(board, steps[:cut])
    tick = board.tick
    replay(board, steps[cut:])
    touched = {(kind, key) for kind, key, _, _ in steps[cut:]}
    assert {(entry.kind, entry.key) for entry in board.after_tick(tick)} == touched


def test_a_reader_from_another_time_is_told_to_start_afresh() -> None:
    board = Board()
    board.put("jobs", "a", 1, seq=5)
    assert board.since(6) is None
    assert board.since(5) is not None


def test_forgotten_removals_raise_the_floor(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(module, "TOMBSTONES", 2)
    board = Board()
    for seq in range(1, 5):
        board.put("jobs", str(seq), seq, seq=2 * seq - 1)
        board.remove("jobs", str(seq), seq=2 * seq)
    assert board.since(3) is None
    assert {entry.key for entry in board.since(board.floor) or []} == {"3", "4"}
