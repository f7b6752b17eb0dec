"""Ten days of samples in accelerated time: a sample a second, the upkeep going on, questions at random."""

from __future__ import annotations

import random
from array import array
from bisect import bisect_left
from pathlib import Path

import pytest

from echodeck.model.series import DAY_S, resolution_for, resolutions
from echodeck.store.series import Moment
from echodeck.store.series.sqlite import FILE_NAME, SqliteSeries

T0_S = 1_700_000_000
DAYS = 10
BATCH_S = 120
FIGURES = ("cpu.percent", "gpu.0.vram_used_bytes", "gpu.0.power_w")
KEPT = resolutions()


class Truth:
    """Every sample there ever was, and what a range of them has to say. One figure may be missing for a while."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.at_s = array("d")
        self.values = {name: array("f") for name in FIGURES}
        self._now = dict.fromkeys(FIGURES, 50.0)

    def batch(self, start_s: int) -> list[Moment]:
        made = []
        for n in range(BATCH_S):
            at_s = start_s + n + self.rng.randrange(20) / 1000
            self.at_s.append(at_s)
            for name in FIGURES:
                spike = self.rng.choice((-1000.0, 1000.0)) if self.rng.random() < 1e-4 else 0.0
                self._now[name] = min(100.0, max(0.0, self._now[name] + self.rng.gauss(0, 3)))
                self.values[name].append(round(self._now[name], 1) + spike)
            made.append(Moment("studio", at_s, [(name, column[-1]) for name, column in self.values.items()]))
        return made

    def between(self, name: str, since_s: float, until_s: float) -> array[float]:
        return self.values[name][bisect_left(self.at_s, since_s) : bisect_left(self.at_s, until_s)]


async def ask(series: SqliteSeries, truth: Truth, now_s: float) -> int:
    """One range at random, checked sample by sample; the step that it was read in."""
    rng = truth.rng
    name = rng.choice(FIGURES)
    age_s = rng.choice((3_600.0, DAY_S, 7 * DAY_S, DAYS * DAY_S))
    since_s = max(float(T0_S), now_s - rng.uniform(1.0, age_s))
    until_s = min(now_s, since_s + rng.uniform(1.0, rng.choice((600.0, 7_200.0, age_s))))
    points = rng.choice((1, 50, 500, 5_000))
    rows = await series.range("studio", name, since_s, until_s, points)
    step_s = KEPT[resolution_for(KEPT, since_s, until_s, points, now_s)].step_s
    if step_s:
        since_s, until_s = since_s // step_s * step_s, -(-until_s // step_s) * step_s
    assert len(rows) <= points
    begins = [row[0] for row in rows]
    for (_, low, mean, high), begin_s, end_s in zip(rows, begins, [*begins[1:], until_s], strict=True):
        inside = truth.between(name, begin_s, end_s)
        assert (low, high) == (min(inside), max(inside)), "the extremes are those of the samples"
        assert mean == pytest.approx(sum(inside) / len(inside), rel=1e-4, abs=1e-3)
    counted = truth.between(name, begins[0] if begins else since_s, until_s)
    assert len(counted) == len(truth.between(name, since_s, until_s)), "no sample is before the first row"
    return step_s


@pytest.mark.slow
async def test_ten_days(tmp_path: Path) -> None:
    truth, now_s = Truth(7), float(T0_S)
    series = SqliteSeries(tmp_path, KEPT, clock=lambda: now_s)
    await series.open()
    sizes, read = [], set()
    for start_s in range(T0_S, T0_S + DAYS * int(DAY_S), BATCH_S):
        now_s = float(start_s + BATCH_S)
        assert await series.append(truth.batch(start_s)) == BATCH_S
        await series.compact(now_s, 4)
        if truth.rng.random() < 0.05:
            read.add(await ask(series, truth, now_s))
        if (now_s - T0_S) % DAY_S < BATCH_S:
            sizes.append((tmp_path / FILE_NAME).stat().st_size)
    while await series.compact(now_s, 4):
        pass
    for _ in range(300):
        read.add(await ask(series, truth, now_s))
    levels = await series._run(series._reader, lambda connection: dict(connection.execute(
        "SELECT level, count(*) FROM blocks GROUP BY level").fetchall()))
    await series.close()
    assert read == {0, 10, 60, 900}, "every resolution was asked"
    assert sizes[-1] < 1.1 * sizes[-3], f"the size levels off: {sizes}"
    assert levels[0] <= (len(FIGURES) + 1) * (DAY_S / KEPT[0].span_s + 13), "no more than a day, and a coarser span"
    assert levels[1] <= len(FIGURES) * (7 * DAY_S / KEPT[1].span_s + 7)
