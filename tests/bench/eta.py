"""How good is the estimate? Ours beside tqdm's, rich's and elapsed-over-done, asked at the same moments of each job.

Each scenario is one configuration, made again and again (see `_jobs`, `_recorded`). Ours knows at each job what a hub
would: the jobs before it. The error is |estimate - truth| / truth of the time left at 10, 25, 50 and 75 % of a job; no
answer counts as 100 %. The interval is the calibrated one, as it was told before the job had ended.

Jobs that are the first of their size, batch, film, number of steps or model (see `_firsts`) are measured apart, also
before they begin.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from _firsts import FIRSTS, LIVES
from _jobs import SIMULATED, Scenario
from _ours import MARKS, Ours
from _peers import PEERS
from _recorded import recorded, recorded_firsts
from _waiting import queued

KEY = "mean_error_of_time_left_percent"


@dataclass
class Result:
    """Errors in %, by who and mark, and whether the calibrated and the plain interval held the truth."""

    errors: dict[str, list[list[float]]] = field(default_factory=dict)
    held: list[bool] = field(default_factory=list)
    held_plain: list[bool] = field(default_factory=list)
    starts: list[bool] = field(default_factory=list)
    """Whether the intervals held of when each of a whole queue begins, and of when all of it is done."""
    clear: list[bool] = field(default_factory=list)
    waiting: list[float] = field(default_factory=list)
    """Errors in % of what a job should take, before it began, and whether the calibrated interval held the truth."""
    waiting_held: list[bool] = field(default_factory=list)

    def add(self, who: str, mark: int, guess_s: float | None, truth_s: float) -> None:
        error = 100.0 if guess_s is None else 100.0 * abs(guess_s - truth_s) / truth_s
        self.errors.setdefault(who, [[] for _ in MARKS])[mark].append(error)

    def at_marks(self, who: str) -> list[float]:
        return [mean(errors) for errors in self.errors[who]]

    def mean(self, who: str, first_mark: int = 0) -> float:
        return mean(self.at_marks(who)[first_mark:])

    @property
    def coverage(self) -> float:
        return 100.0 * mean(self.held)


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def lived(scenario: Scenario, seed: int, result: Result) -> None:
    """One life of a scenario: every job is learnt from, those after the burn-in are judged."""
    ours, seen = Ours(), Counter[object]()
    for job in scenario.life(random.Random(f"{seed} {scenario.name}")):
        (_, before), plain, told = ours.pending(job), ours.readings(job), ours.told(job)
        seen[job.kind] += 1
        if not scenario.judges(seen, job):
            continue
        result.waiting.append(100.0 * abs(before.median_s - job.total_s) / job.total_s)
        result.waiting_held.append(before.low_s <= job.total_s <= before.high_s)
        moments_s = [mark * job.total_s for mark in MARKS]
        guesses: dict[str, list[float | None]] = {"ours": [one.median_s for one in told]}
        guesses |= {name: peer(job, moments_s) for name, peer in PEERS.items()}
        for index, moment_s in enumerate(moments_s):
            truth_s = job.total_s - moment_s
            for who, answers in guesses.items():
                result.add(who, index, answers[index], truth_s)
            result.held.append(told[index].low_s <= truth_s <= told[index].high_s)
            result.held_plain.append(plain[index].low_s <= truth_s <= plain[index].high_s)


def results(seed: int, seconds: float, scenarios: Sequence[Scenario]) -> dict[str, Result]:
    """Every scenario once, and the simulated ones (all of them) again with further seeds while there is time."""
    began_s, found = time.monotonic(), {scenario.name: Result() for scenario in scenarios}
    rounds = 0
    while not rounds or time.monotonic() - began_s < seconds:
        for scenario in scenarios:
            if not rounds or scenario in SIMULATED:
                lived(scenario, seed + rounds, found[scenario.name])
        for scenario in SIMULATED:
            starts, clear = queued(scenario, seed + rounds)
            found[scenario.name].starts += starts
            found[scenario.name].clear.append(clear)
        rounds += 1
    return found


def first_ones(seed: int, seconds: float) -> dict[str, Result]:
    """Every scenario of first ones, with some lives each, and more while there is time."""
    began_s, lives, really = time.monotonic(), 0, recorded_firsts()
    found = {scenario.name: Result() for scenario in (*FIRSTS, *really)}
    for scenario in really:
        lived(scenario, seed, found[scenario.name])
    while lives < LIVES or time.monotonic() - began_s < seconds:
        for scenario in FIRSTS:
            lived(scenario, seed + lives, found[scenario.name])
        lives += 1
    return found


def of_firsts(found: dict[str, Result]) -> Iterator[str]:
    jobs = sum(len(one.waiting) for one in found.values())
    who = ", ".join(f"{name} {mean([one.mean(name) for one in found.values()]):.1f} %" for name in ("ours", *PEERS))
    yield (f"first of their kind, measured apart: {jobs} jobs: {who}; the interval holds "
           f"{mean([one.coverage for one in found.values()]):.1f} %; before they begin off by "
           f"{mean([mean(one.waiting) for one in found.values()]):.1f} %, held "
           f"{100 * mean([mean(one.waiting_held) for one in found.values()]):.1f} %")
    for line, result in zip(lines(found), found.values(), strict=True):
        yield f"{line}; waiting {mean(result.waiting):.0f} %, held {100 * mean(result.waiting_held):.0f} %"


def lines(found: dict[str, Result]) -> Iterator[str]:
    for name, result in found.items():
        errors = "; ".join(f"{who} {'/'.join(f'{error:.0f}' for error in result.at_marks(who))}"
                           for who in result.errors)
        yield f"{name}: {errors} %, held {result.coverage:.0f} % (plain {100 * mean(result.held_plain):.0f} %)"


def bench(seed: int, seconds: float) -> dict[str, object]:
    """Mean error of the time left over all scenarios, in % of it; the peer is tqdm."""
    scenarios = [*SIMULATED, *recorded()]
    found = results(seed, seconds, scenarios)
    steady = [found[scenario.name] for scenario in scenarios if scenario.steady]
    who = {name: mean([one.mean(name) for one in found.values()]) for name in ("ours", *PEERS)}
    worst = max(max(one.at_marks("ours")[1:]) for one in steady)
    jobs = sum(len(one.held) for one in found.values()) // len(MARKS)
    others = ", ".join(f"{name} {error:.1f} %" for name, error in who.items())
    calm = mean([one.mean("ours", 1) for one in steady])
    coverage = mean([one.coverage for one in found.values()])
    starts = 100.0 * mean([held for one in found.values() for held in one.starts])
    clear = 100.0 * mean([held for one in found.values() for held in one.clear])
    summary = (f"peer: tqdm; {jobs} jobs of {len(found)} scenarios, at 10/25/50/75 %: {others}; at steady speed from "
               f"25 % on {calm:.1f} %, at worst {worst:.1f} %; the 80 % interval holds {coverage:.1f} %, "
               f"of the starts in a queue {starts:.1f} %, of its end {clear:.1f} %")
    notes = "; ".join([summary, *lines(found), *of_firsts(first_ones(seed, seconds))])
    return {"name": "eta", "ours": {KEY: who["ours"]}, "peer": {KEY: who["tqdm"]},
            "ratio": {KEY: who["ours"] / who["tqdm"]}, "notes": notes}
