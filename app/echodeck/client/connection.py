"""How the connection to the hub stands, as a record that anybody can show, and how long to wait before trying again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

State = Literal["connecting", "live", "polling", "waiting", "closed"]


@dataclass(frozen=True, slots=True)
class Connection:
    """The connection at one moment. Moments are seconds since the epoch by this machine's clock.

    `state` is "connecting", "live" (a WebSocket), "polling" (REST, while no WebSocket can be had), "waiting" (until
    `next_try_s`) or "closed"; `since_s` is when it began. `latency_s` is a round trip, `offset_s` what the hub's clock
    is ahead of ours; both None until measured. `attempts` failed in a row; `reason` says why it is not live.
    """

    state: State = "connecting"
    since_s: float = 0.0
    latency_s: float | None = None
    offset_s: float | None = None
    attempts: int = 0
    next_try_s: float | None = None
    reason: str = ""

    @property
    def usable(self) -> bool:
        """Messages come and commands go, one way or the other."""
        return self.state in ("live", "polling")


class Backoff:
    """1 s, 2 s, 4 s … 30 s, each shortened by up to a half at random so that clients do not come back all at once.

    After a connection that worked, the first try comes within `soon_s`, and `steady` more before the doubling begins:
    a hub that was restarted is back in a few seconds, and should not be kept waiting for.
    """

    def __init__(self, first_s: float = 1.0, most_s: float = 30.0, *, soon_s: float = 0.3, steady: int = 5,
                 chance: Callable[[], float] = random.random) -> None:
        self.first_s, self.most_s, self.soon_s, self.steady = first_s, most_s, soon_s, steady
        self._chance = chance
        self._tries = 0

    def fresh(self) -> Backoff:
        """Another one of the same kind, at its beginning."""
        return Backoff(self.first_s, self.most_s, soon_s=self.soon_s, steady=self.steady, chance=self._chance)

    def next_s(self) -> float:
        """Seconds to wait before the next try."""
        full = min(self.most_s, self.first_s * 2.0 ** min(max(0, self._tries), 32))
        self._tries += 1
        return full * (1.0 - self._chance() / 2.0)

    def reset(self) -> float:
        """It worked; when it is lost again, the first wait is this many seconds."""
        self._tries = -self.steady
        return self.soon_s * self._chance()
