"""What is kept loaded, under any order of uses and frees."""

from __future__ import annotations

import threading
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from echodeck.engines.diffusers.keeper import Keeper


class Uses(RuleBasedStateMachine):
    """Models are numbers; `alive` are those that were loaded and not let go."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: list[int] = []
        self.keeper: Keeper[int, int] = Keeper(self.load, self.let_go)
        self.using: Any = None
        self.freed = False

    def load(self, key: int) -> int:
        assert not self.alive, "the old one goes first"
        self.alive.append(key)
        return key

    def let_go(self) -> None:
        self.alive.clear()

    @precondition(lambda self: self.using is None)
    @rule(key=st.integers(0, 2))
    def begin(self, key: int) -> None:
        self.using = self.keeper.use()
        assert self.using.__enter__()(key) == key
        assert self.alive == [key]
        self.freed = False

    @precondition(lambda self: self.using is not None)
    @rule()
    def end(self) -> None:
        self.using.__exit__(None, None, None)
        self.using = None
        assert bool(self.alive) is not self.freed

    @rule()
    def free(self) -> None:
        thread = threading.Thread(target=self.keeper.free)
        thread.start()
        thread.join(10)
        self.freed = True
        assert bool(self.alive) is (self.using is not None), "what is in use stays until its end"

    @invariant()
    def one_at_most(self) -> None:
        assert len(self.alive) <= 1
        assert (self.keeper.key is None) is not self.alive


Uses.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestUses = Uses.TestCase


def test_freed_while_another_is_loaded_that_one_goes_too() -> None:
    loading = threading.Event()
    keeper: Keeper[int, int]

    def load(key: int) -> int:
        if key == 2:
            keeper.free()
            loading.set()
        return key

    keeper = Keeper(load, lambda: None)
    for key in (1, 2):
        with keeper.use() as get:
            get(key)
    assert loading.is_set()
    assert keeper.key is None


def test_what_cannot_be_loaded_leaves_nothing_behind() -> None:
    def load(key: int) -> int:
        raise ValueError(key)

    let_go: list[int] = []
    keeper: Keeper[int, int] = Keeper(load, lambda: let_go.append(1))
    for _ in range(2):
        try:
            with keeper.use() as get:
                get(1)
        except ValueError:
            pass
    keeper.free()
    assert keeper.key is None
    assert let_go == []
