"""The model that is kept loaded: one at a time, let go before another comes, or when somebody wants its memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Keeper(Generic[K, V]):
    """`load` makes what is kept for a key, `let_go` is called after it was dropped.

    `free` may be called from any thread, the rest from the one that works. What is in use is dropped after its use.
    """

    def __init__(self, load: Callable[[K], V], let_go: Callable[[], None]) -> None:
        self._load, self._let_go = load, let_go
        self._kept: tuple[K, V] | None = None
        self._lock = threading.Lock()
        self._used = self._freeing = False

    @property
    def key(self) -> K | None:
        """Of what is loaded."""
        return self._kept[0] if self._kept else None

    @contextmanager
    def use(self) -> Iterator[Callable[[K], V]]:
        """While in it, what the given function gets stays loaded."""
        with self._lock:
            self._used = True
        try:
            yield self._get
        finally:
            with self._lock:
                self._used = False
                if self._freeing:
                    self._freeing = False
                    self._drop()

    def free(self) -> None:
        """Now, or when it is no longer in use."""
        with self._lock:
            self._freeing = self._used
            if not self._used:
                self._drop()

    def _get(self, key: K) -> V:
        if self._kept is None or self._kept[0] != key:
            self._drop()  # the old one first: both at once may not fit
            self._kept = key, self._load(key)
        return self._kept[1]

    def _drop(self) -> None:
        if self._kept is not None:
            self._kept = None
            self._let_go()
