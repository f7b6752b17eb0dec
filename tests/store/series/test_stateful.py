"""Series on disk against series in memory: whatever is done to both, both say the same."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from echodeck.errors import UnknownName
from echodeck.model.series import resolutions
from echodeck.store.series import Moment, Series
from echodeck.store.series.memory import MemorySeries
from echodeck.store.series.sqlite import SqliteSeries

KEPT = resolutions(3_600.0, 12 * 3_600.0, 30 * 86_400.0, 90 * 86_400.0)
T0_S = 1_700_000_000.0

hosts = st.sampled_from(["studio", "attic"])
metrics = st.sampled_from(["cpu.percent", "gpu.0.power_w"])
figures = st.lists(st.tuples(metrics, st.floats(-1000, 1000, width=16)), max_size=2, unique_by=lambda one: one[0])


class SameAsMemory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory()
        self.now_s = T0_S
        self.kinds: list[Series] = [MemorySeries(KEPT, clock=self.clock),
                                    SqliteSeries(Path(self.directory.name), KEPT, clock=self.clock)]
        self.both("open")

    def clock(self) -> float:
        return self.now_s

    def do(self, kind: Series, name: str, *args: Any) -> Any:
        try:
            return self.runner.run(getattr(kind, name)(*args))
        except UnknownName as error:
            return error.message

    def both(self, name: str, *args: Any) -> tuple[Any, Any]:
        memory, sqlite = (self.do(kind, name, *args) for kind in self.kinds)
        return memory, sqlite

    @rule(host=hosts, ago_s=st.floats(0, 90), count=st.integers(1, 300), period_s=st.sampled_from([0.2, 1.0, 7.3]),
          values=figures)
    def append(self, host: str, ago_s: float, count: int, period_s: float, values: list[tuple[str, float]]) -> None:
        told = [Moment(host, self.now_s - ago_s + n * period_s, [(name, value + n % 7) for name, value in values])
                for n in range(count)]
        memory, sqlite = self.both("append", told)
        assert sqlite == memory
        self.now_s += max(0.0, count * period_s - ago_s)

    @rule(pass_s=st.sampled_from([1.0, 600.0, 5_000.0, 86_400.0, 20 * 86_400.0]))
    def wait(self, pass_s: float) -> None:
        """Time passes, and the upkeep is done; both close the same part of the past."""
        self.now_s += pass_s
        for kind in self.kinds:
            while self.do(kind, "compact", self.now_s, 3):
                pass

    @rule()
    def reopen(self) -> None:
        self.both("close")
        self.both("open")

    @rule(host=hosts, metric=metrics, ago_s=st.floats(0, 100 * 86_400), length_s=st.floats(0.1, 100 * 86_400),
          points=st.integers(1, 300))
    def read(self, host: str, metric: str, ago_s: float, length_s: float, points: int) -> None:
        since_s = self.now_s - ago_s
        memory, sqlite = self.both("range", host, metric, since_s, since_s + length_s, points)
        if isinstance(memory, str):
            # On disk a name outlives its last sample by up to one block.
            assert sqlite in (memory, []) or sqlite.startswith(("host", "metric"))
            return
        assert len(sqlite) <= points
        assert [(at_s, low, high) for at_s, low, _, high in sqlite] == \
            [(at_s, low, high) for at_s, low, _, high in memory]
        assert [row[2] for row in sqlite] == pytest.approx([row[2] for row in memory], rel=1e-5, abs=1e-3)

    @invariant()
    def the_last_hour_is_the_same(self) -> None:
        for host in ("studio", "attic"):
            self.read(host, "cpu.percent", 3_000.0, 4_000.0, 5_000)

    def teardown(self) -> None:
        self.both("close")
        self.runner.close()
        self.directory.cleanup()


TestSameAsMemory = SameAsMemory.TestCase
TestSameAsMemory.settings = settings(max_examples=25, stateful_step_count=15, deadline=None,
                                     suppress_health_check=[HealthCheck.too_slow])
