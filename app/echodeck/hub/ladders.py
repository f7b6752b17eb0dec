"""The ladders of models that there are, set up or learnt, and what is known of their rungs."""

from __future__ import annotations

import random
from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from .. import wire
from ..brain import bandit
from ..brain.bandit import QUALITIES, Bandit, Belief
from ..brain.ladder import Known, Ladder, Outlook, Rung, kind_of, learnt, of_few, place_of
from ..brain.limits import climbing, ladders
from ..brain.misfit import misfit
from ..brain.option import Marks
from ..brain.steps import few, span, usual
from ..errors import BadField
from ..model.engine import EngineInfo
from ..model.job import Job, JobSpec, Wish
from ..wire import wishes
from .desk import Desk
from .ledger import Change

PART = "ladder"
KIND = "ladders"
"""Under which the store keeps the beliefs."""
MOST_RUNGS = 8
"""Of a ladder that is learnt: the models that were used, then others, as the engine names them."""
_BETWEEN = "\n"
"""Between kind and rung in a record's key: neither has line breaks."""


class Ladders:
    """Raises ConfigError for tables that cannot be used. `chance` is where the bandit's luck comes from."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.rules = climbing(desk.settings.brain)
        self._set_up = ladders(desk.settings.ladders)
        self.bandit = Bandit(self.rules.bounds)
        self._chance = random.Random(self.rules.seed)
        self._left_out: dict[str, Mapping[str, str]] = {}
        """By engine, as people were last told."""

    def restore(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        """The beliefs, as the store kept them."""
        for key, record in records.items():
            kind, _, rung = key.partition(_BETWEEN)
            self.bandit.beliefs[kind, rung] = msgspec.convert(record, Belief)

    # --- which there are ---

    def pick(self, info: EngineInfo, name: str = "") -> Ladder:
        """The ladder called so, or the engine's own; learnt where none was set up. Raises BadField."""
        if name in self._set_up or (name and name != info.name):
            found = self._set_up.get(name)
            if found is None or found.engine != info.name:
                there = [one.name for one in self._set_up.values() if one.engine == info.name] or [info.name]
                raise BadField("ladder", f"engine {info.name} has no ladder {name[:80]!r}; use {', '.join(there)}")
            return found
        return next((one for one in self._set_up.values() if one.engine == info.name), None) or self._learnt(info)

    def of(self, job: Job) -> Ladder | None:
        """The one that the job's model stands on; None if it is there no more."""
        info: EngineInfo | None = self._desk.board.get("engines", job.spec.engine)
        if info is None:
            return None
        try:
            return self.pick(info, job.wish.ladder)
        except BadField:  # the settings are others by now
            return None

    def misfits(self) -> dict[str, str]:
        """Of those set up, what is wrong with them beside the engines there are, by name."""
        infos: dict[str, EngineInfo] = self._desk.board.all("engines")
        found = {name: misfit(ladder, infos) for name, ladder in self._set_up.items()}
        return {name: said for name, said in found.items() if said}

    def _learnt(self, info: EngineInfo) -> Ladder:
        outlooks = self._desk.outlooks
        spec = JobSpec(info.name, "", **{param.name: param.default for param in info.params})  # type: ignore[arg-type]
        names, seen_before = [model.name for model in info.models], outlooks.history.models(info.name, spec.shape)
        ordered = sorted(dict.fromkeys(names), key=lambda name: name not in seen_before)  # else as they are named
        taken = set(ordered[:MOST_RUNGS])
        used = {name: outlooks.total(Job("", replace(spec, model=name))).median_s for name in names
                if name in taken & seen_before}
        known, cost_s = [], next(iter(used.values()), 0.0)
        for name in (one for one in names if one in taken):
            # One that was never used stays where its engine names it: it is taken to cost what the one before does.
            cost_s = used.get(name, cost_s)
            seen, score = self._score(info.name, name)
            known.append(Known(name, cost_s, score, seen))
        return learnt(info.name, known)

    def _score(self, ladder: str, rung: str) -> tuple[float, float]:
        """How many verdicts there were of all kinds of jobs that had their steps, and their mean score."""
        marks = self._marks({(ladder, rung)}, lacking=False)
        return (marks.verdicts, marks.score) if marks is not None else (0.0, 0.0)

    def marks(self, spec: JobSpec) -> Marks | None:
        """How good the pictures of the spec's model are, over all kinds of jobs that had enough steps, or too few of
        them, as this one has; None while no verdict is known."""
        steps = self.usual(spec.engine, spec.model)
        lacking = few(spec.steps, steps)
        own = [one for one in self._set_up.values() if one.engine == spec.engine]
        names = {(spec.engine, spec.model),
                 *((one.name, rung.name) for one in own for rung in one.rungs if rung.model == spec.model)}
        found = self._marks(names, lacking=lacking)
        return None if found is None else replace(found, steps=span(steps, lacking=lacking))

    def _marks(self, names: Container[tuple[str, str]], *, lacking: bool) -> Marks | None:
        """`names` are pairs of ladder and rung."""
        found = [one for (kind, rung), one in self.bandit.beliefs.items()
                 if (kind.split("/")[0], rung) in names and of_few(kind) is lacking]
        seen = sum(one.seen for one in found)
        return Marks(sum(one.seen * one.score for one in found) / seen, seen) if seen else None

    def usual(self, engine: str, model: str) -> int:
        """The steps that a model usually needs; 0 where that is not known."""
        info: EngineInfo | None = self._desk.board.get("engines", engine)
        default = next((param.default for param in info.params if param.name == "steps"), 0) if info is not None else 0
        return usual(model, default)

    def steps(self, ladder: Ladder, job: Job) -> int:
        """The steps that its rung sets, or else its model usually needs; 0 where that is not known."""
        at = ladder.find(job.climbs[-1].to) if job.climbs else None
        own = ladder.rungs[at].changes if at is not None else {}
        return own.get("steps") or self.usual(job.spec.engine, job.spec.model)

    # --- what is known of their rungs ---

    def looks(self, ladder: Ladder, spec: JobSpec, wish: Wish, *, sample: bool = True) -> list[Outlook]:
        """What a job would be on each rung. `sample`: with the bandit's luck, unless it is frozen."""
        info: EngineInfo | None = self._desk.board.get("engines", ladder.engine)
        quality, found = wish.quality or "standard", []
        for index, rung in enumerate(ladder.rungs):
            there = rung.applied(spec, wish.keep)
            kind = self._kind(ladder, there)
            belief, place = self.bandit.of(kind, rung.name), place_of(ladder, index, kind)
            likely = bandit.mean(belief, quality, place)
            drawn = bandit.draw(belief, quality, place, self._chance) if sample and not self.rules.frozen else likely
            total = self._desk.outlooks.total(Job("", there))
            found.append(Outlook(total.median_s, total.high_s, likely, drawn, info is not None and fits(info, there)))
        return found

    def _kind(self, ladder: Ladder, spec: JobSpec) -> str:
        return kind_of(ladder, spec, self.usual(spec.engine, spec.model))

    def learn(self, job: Job, score: float | None, change: Change) -> None:
        """A verdict on a job's pictures; kept with the change. Jobs whose model stands on no ladder teach nothing, nor
        does a verdict that is none on the model (None)."""
        ladder = self.of(job)
        rung = None if ladder is None else rung_of(ladder, job)
        if ladder is None or rung is None or score is None or self.rules.frozen:
            return
        for (kind, name), belief in self.bandit.learn(self._kind(ladder, job.spec), rung.name, score).items():
            key = f"{kind}{_BETWEEN}{name}"
            change.batch.records[KIND, key] = None if belief is None else wire.plain(belief)
        after = self.of(job)
        if ladder.learnt and after is not None:
            self._tell_left_out(self._left_out.get(ladder.name, ladder.left_out), after, change)

    def _tell_left_out(self, before: Mapping[str, str], ladder: Ladder, change: Change) -> None:
        """People are told once of each model that is not taken any more, and of each that is again."""
        for name, why in ladder.left_out.items():
            if name not in before:
                self._desk.decide(change, PART, f"{name}: left out of the ladder {ladder.name}", why)
        for name in before:
            if name not in ladder.left_out and ladder.find(name) is not None:
                self._desk.decide(change, PART, f"{name}: on the ladder {ladder.name} again",
                                  "what is remembered of its pictures no longer says that they are no better")
        self._left_out[ladder.name] = ladder.left_out

    def view(self) -> wishes.LaddersView:
        """All of it, to be looked into."""
        infos: dict[str, EngineInfo] = self._desk.board.all("engines")
        own = [self._learnt(info) for info in infos.values() if info.models
               and info.name not in {one.engine for one in self._set_up.values()}]
        wrong = self.misfits()
        views = [self._view(ladder, infos.get(ladder.engine), wrong.get(ladder.name, ""))
                 for ladder in (*self._set_up.values(), *own)]
        return wishes.LaddersView(on=self._desk.parts.on(PART), frozen=self.rules.frozen, target=self.rules.target,
                                  bounds=dict(self.rules.bounds), ladders=views)

    def _view(self, ladder: Ladder, info: EngineInfo | None, problem: str) -> wishes.LadderView:
        rungs = []
        for index, rung in enumerate(ladder.rungs):
            beliefs = [(kind, one) for (kind, name), one in self.bandit.beliefs.items()
                       if name == rung.name and kind.split("/")[0] == ladder.name]
            kinds = [wishes.KindView(
                kind=kind, score=round(one.score, 1), seen=round(one.seen, 2),
                likely={name: round(bandit.mean(one, name, place_of(ladder, index, kind)), 3) for name in QUALITIES})
                for kind, one in sorted(beliefs)]
            usable = info is not None and any(model.name == rung.model for model in info.models)
            rungs.append(wishes.RungView(name=rung.name, model=rung.model, changes=dict(rung.changes), usable=usable,
                                         left_out=ladder.left_out.get(rung.name, ""), kinds=kinds))
        return wishes.LadderView(
            name=ladder.name, engine=ladder.engine, learnt=ladder.learnt, lowest=ladder.lowest,
            highest=min(ladder.highest, len(rungs) - 1), moves=ladder.moves, longest=ladder.longest_s, rungs=rungs,
            problem="" if ladder.learnt else problem,
            more=max(0, len(info.models) - len(rungs)) if ladder.learnt and info is not None else 0)


def rung_of(ladder: Ladder, job: Job) -> Rung | None:
    """The rung that the job stands on, whether it was put there or asked for the same."""
    return next((rung for rung in ladder.rungs if rung.applied(job.spec, job.wish.keep) == job.spec), None)


def fits(info: EngineInfo, spec: JobSpec) -> bool:
    """Whether the engine has the model, and every number is within its bounds."""
    if spec.model not in {model.name for model in info.models}:
        return False
    values = [(param, getattr(spec, param.name)) for param in info.params]
    return all(param.minimum <= value <= param.maximum and value % param.multiple == 0 for param, value in values)
