"""The hub's history as DataFrames, for scripts and notebooks."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

import pandas as pd

from ..analysis import frames
from ..client import Live, connect
from ..errors import HubUnreachable

Since = datetime | timedelta | float | None
"""A moment (aware), how long ago, or seconds since 1970; None is all there is."""
MOST_ROWS = 100_000


class History:
    """What the hub remembers: `History().jobs(since=timedelta(hours=1))`.

    Everything is synchronous. `hub` is an address (default: as `connect` finds one) or a live connection to share; only
    a connection of its own is closed by `close` or at the end of a `with`. The frames' columns are those of
    `analysis.frames`. Every method raises HubUnreachable when no hub answers.
    """

    def __init__(self, hub: str | Live | None = None) -> None:
        self._own = not isinstance(hub, Live)
        self._live = hub if isinstance(hub, Live) else connect(hub)

    def jobs(self, since: Since = None) -> pd.DataFrame:
        """Jobs that ended, or if not ended were created, since then."""
        return frames.jobs(self._rows("jobs", since))

    def steps(self, since: Since = None) -> pd.DataFrame:
        """Sampler steps as they were measured."""
        return frames.steps(self._rows("steps", since))

    def runs(self, since: Since = None) -> pd.DataFrame:
        """Finished stages, what estimates are learnt from."""
        return frames.runs(self._rows("runs", since))

    def estimates(self, since: Since = None) -> pd.DataFrame:
        """What was said of the time left, as it was said."""
        return frames.estimates(self._rows("estimates", since))

    def _rows(self, kind: str, since: Since) -> list[dict[str, Any]]:
        try:
            rows: list[dict[str, Any]] = self._live.history(kind, since_s=moment_s(since), limit=MOST_ROWS)
        except OSError as error:
            raise HubUnreachable(f"no hub answers at {self._live.url}: {error}") from error
        return rows

    def close(self) -> None:
        if self._own:
            self._live.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def moment_s(since: Since) -> float | None:
    """Any way to say since when as seconds since 1970."""
    if isinstance(since, timedelta):
        return time.time() - since.total_seconds()
    if isinstance(since, datetime):
        return since.timestamp()
    return since
