from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from echodeck.store.series import Series
from echodeck.store.series.memory import MemorySeries
from echodeck.store.series.sqlite import SqliteSeries


@pytest.fixture(params=["memory", "sqlite"])
async def series(request: pytest.FixtureRequest, tmp_path: Path, clock: object) -> AsyncIterator[Series]:
    """Each kind of series, open and empty."""
    assert callable(clock)
    made: Series = MemorySeries(clock=clock) if request.param == "memory" else SqliteSeries(tmp_path, clock=clock)
    await made.open()
    yield made
    await made.close()
