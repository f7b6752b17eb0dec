"""Does what watches over see what is wrong, soon, and nothing else? Simulated days, healthy ones and such with a fault.

The peer is what is done without knowing what is normal: fixed timeouts and thresholds. Both are told the same.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from echodeck.brain.watch.incidents import Incidents
from echodeck.brain.watch.table import watches_of
from echodeck.brain.watch.watcher import Scene, Watcher
from echodeck.model.job import Job, JobState

sys.path.insert(0, str(Path(__file__).parent))
from _days import DAY_S, FAULTS, Fault, Told, World, fault_of

HEALTHY_DAYS, QUIET_DAYS = 5, 2
SHOWS: dict[str, tuple[str, ...]] = {
    "stall": ("stall",), "slow": ("slow",), "leak": ("leak",), "disk": ("disk",),
    "hot": ("rule:gpu_hot",), "queue": ("queue",), "fails": ("fails",), "engine": ("engine", "queue"),
    "silent": ("silent",),
}
"""What the causes begin with that tell of each fault."""
TRUE = {"leak": ("rule:vram_full",), "slow": ("rule:vram_full",)}
"""What is so besides, because of it: neither a find nor a false alarm. (A slow-down may come from VRAM that spills.)"""
AFTER_S = 7 * 3600.0
"""An alert that a fault explains may come, or come again, so long after it has ended."""


class Ours:
    def __init__(self) -> None:
        self._watcher, self._incidents = Watcher(watches_of({})), Incidents()

    def tick(self, world: World, told: Told) -> list[str]:
        """The causes of which an alert is raised now."""
        now_s = told.now_s
        for before, after, step_s in told.facts:
            self._watcher.followed(before, after, now_s)
            if step_s:
                self._watcher.stepped(after, after.stage_index, after.stages[after.stage_index].step, step_s, now_s)
        in_hand = [world.current] if world.current is not None and world.current.in_hand else []
        if told.host is not None:
            self._watcher.sampled(told.host, in_hand, now_s)
        lanes = [frozenset(agent.engines) for agent in world.agents if agent.status == "online"]
        scene = Scene(in_hand, world.waiting, world.agents, world.engines, lanes, world.history)
        tellings = self._incidents.update(self._watcher.findings(scene, now_s), now_s)
        return [one.cause for one in tellings if one.what == "raise"]


@dataclass
class Fixed:
    """Timeouts and thresholds as people set them: each says what is wrong now, and is heard when that begins."""

    heard_s: float = 0.0
    seen_s: float = 0.0
    waited_s: float | None = None
    means: dict[str, list[float]] = field(default_factory=dict)
    runs: dict[str, list[float]] = field(default_factory=dict)
    failed: int = 0
    hot: int = 0
    wrong: frozenset[str] = frozenset()

    def tick(self, world: World, told: Told) -> list[str]:
        now_s, wrong = told.now_s, set[str]()
        for _, after, step_s in told.facts:
            self._follow(after, step_s, now_s)
        job = world.current
        if job is not None and job.state is JobState.RUNNING and now_s - self.heard_s > 60.0:
            wrong.add("stall")
        if job is not None and self._slow(job):
            wrong.add("slow")
        if self.failed >= 3:
            wrong.add("fails")
        if world.engines["comfyui"].reason:
            wrong.add("engine")
        self.waited_s = (self.waited_s or now_s) if world.waiting else None
        if self.waited_s is not None and now_s - self.waited_s > 600.0:
            wrong.add("queue")
        wrong |= self._figures(world, told)
        new, self.wrong = wrong - self.wrong, frozenset(wrong)
        return sorted(new)

    def _figures(self, world: World, told: Told) -> Iterable[str]:
        if told.host is None:
            return {"silent"} if told.now_s - self.seen_s > 30.0 and not world.asleep else set()
        self.seen_s, gpu, disk = told.now_s, told.host.gpus[0], told.host.disks[0]
        idle = world.current is None
        return {name for name, bad in (("rule:gpu_hot", (gpu.temp_c or 0) > 85),
                                       ("leak", idle and (gpu.vram_used_bytes or 0) > 0.8 * 24e9),
                                       ("disk", disk.used_bytes > 0.9 * disk.total_bytes)) if bad}

    def _follow(self, after: Job, step_s: float, now_s: float) -> None:
        self.heard_s = now_s
        if step_s:
            self.runs.setdefault(after.id, []).append(step_s)
        if after.finished_s is not None:
            self.failed = 0 if after.state is JobState.COMPLETED else self.failed + (after.state is JobState.FAILED)
            steps = self.runs.pop(after.id, [])
            if len(steps) > 3:
                self.means.setdefault(after.spec.model, []).append(sum(steps) / len(steps))

    def _slow(self, job: Job) -> bool:
        steps, past = self.runs.get(job.id, []), self.means.get(job.spec.model, [])
        return len(steps) > 3 and len(past) >= 5 and sum(steps) / len(steps) > 1.2 * sum(past) / len(past)


@dataclass
class Score:
    days: float = 0.0
    false: list[str] = field(default_factory=list)
    delays_s: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in FAULTS})
    faults: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FAULTS, 0))

    def judge(self, raised: Iterable[tuple[float, str]], faults: Iterable[Fault], days: float) -> None:
        raised = list(raised)
        self.days += days
        for fault in faults:
            explained = [(at_s, cause) for at_s, cause in raised
                         if cause.startswith(SHOWS[fault.kind] + TRUE.get(fault.kind, ()))
                         and fault.start_s <= at_s <= fault.end_s + AFTER_S]
            raised = [one for one in raised if one not in explained]
            self.faults[fault.kind] += 1
            inside = [at_s for at_s, cause in explained if cause.startswith(SHOWS[fault.kind]) and at_s <= fault.end_s]
            if inside:
                self.delays_s[fault.kind].append(min(inside) - fault.start_s)
        self.false += [cause for _, cause in raised]

    def figures(self) -> dict[str, float | None]:
        """None: there was no such fault, or it was never found."""
        found = sum(map(len, self.delays_s.values()))
        figures = {"false_alarms_per_day": share(len(self.false), self.days),
                   "detected_share": share(found, sum(self.faults.values()))}
        for kind, delays in self.delays_s.items():
            figures[f"detected_share_{kind}"] = share(len(delays), self.faults[kind])
            figures[f"median_delay_s_{kind}"] = median(delays) if delays else None
        return figures


def share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else round(part / whole, 4)


def run(world: World, days: int, scores: Mapping[str, Score]) -> None:
    """Both watch the same world for so many days."""
    watching = {"ours": Ours(), "fixed": Fixed()}
    raised: dict[str, list[tuple[float, str]]] = {name: [] for name in watching}
    while world.now_s < days * DAY_S:
        told = world.tick()
        for name, watch in watching.items():
            raised[name] += [(told.now_s, cause) for cause in watch.tick(world, told)]
    for name, score in scores.items():
        score.judge(raised[name], world.faults, days)


def bench(seed: int, seconds: float) -> dict[str, object]:
    """False alarms a day, the share of faults that are found, and how soon; beside fixed timeouts and thresholds.

    From the usual 5 s on every kind of fault comes at least once, however long that takes.
    """
    began_s, rounds = time.monotonic(), 0
    least = len(FAULTS) * 3 // 2 + 1 if seconds >= 5 else 1
    scores = {"ours": Score(), "fixed": Score()}
    while rounds < least or time.monotonic() - began_s < seconds:
        number = 1000 * seed + rounds
        if rounds % 3 == 0:
            run(World(number), HEALTHY_DAYS, scores)
        else:
            kind = FAULTS[(rounds - rounds // 3 - 1) % len(FAULTS)]
            fault = fault_of(random.Random(number), kind, QUIET_DAYS * DAY_S)
            run(World(number, (fault,)), QUIET_DAYS + 1, scores)
        rounds += 1
    ours, fixed = (scores[name].figures() for name in ("ours", "fixed"))
    kinds: dict[str, int] = {}
    for cause in scores["ours"].false:
        head = ":".join(cause.split(":")[:2]) if cause.startswith("rule") else cause.partition(":")[0]
        kinds[head] = kinds.get(head, 0) + 1
    return {"name": "watch", "ours": ours, "peer": fixed, "ratio": {key: share(ours[key], fixed[key]) for key in ours},
            "notes": f"peer: fixed timeouts and thresholds; {scores['ours'].days:.0f} simulated days, "
                     f"{sum(scores['ours'].faults.values())} faults; our false alarms by kind: {kinds or 'none'}"}
