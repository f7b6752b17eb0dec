"""What a new job wishes: read from what was submitted, and the rung that it begins on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from msgspec import UNSET

from ..brain.ladder import choose, expects
from ..brain.limits import CHANGES
from ..brain.steps import few
from ..brain.words import many
from ..errors import BadField
from ..model.engine import EngineInfo, fit
from ..model.job import Climb, JobSpec, Wish
from ..wire import say
from .desk import Desk
from .ladders import PART, Ladders

AUTO = "auto"


class Wishing:
    """Asked by the intake of each job submitted."""

    def __init__(self, desk: Desk, ladders: Ladders) -> None:
        self._desk, self._ladders = desk, ladders

    def read(self, info: EngineInfo, payload: say.Submit, now_s: float) -> Wish:
        """Raises BadField. A deadline may be wished for any job, a quality where the model is left open."""
        model = payload.model if payload.model is not UNSET else ""
        leaves_open = model == AUTO or (not model and (payload.quality is not UNSET or payload.ladder is not UNSET))
        auto = leaves_open and self._desk.parts.on(PART) and AUTO not in {one.name for one in info.models}
        if auto and info.workflows:
            raise BadField("model", f"engine {info.name} takes workflows; the model is named in them")
        if not auto and (payload.quality is not UNSET or payload.ladder is not UNSET):
            off = not self._desk.parts.on(PART)
            raise BadField("quality" if payload.quality is not UNSET else "ladder",
                           "cannot be wished while the ladder is switched off" if off else "goes with the model auto")
        keep = tuple(name for name in CHANGES if getattr(payload, name) is not UNSET)
        return Wish(
            auto, (payload.quality if payload.quality is not UNSET else "standard") if auto else "",
            None if payload.deadline is UNSET else moment(payload.deadline, now_s),
            tuple(dict.fromkeys(payload.allow)) if payload.allow is not UNSET else (),
            (payload.ladder if payload.ladder is not UNSET else "") if auto else "", keep if auto else ())

    def choose(self, info: EngineInfo, given: Mapping[str, Any], wish: Wish, now_s: float) -> tuple[JobSpec, Climb]:
        """The spec of a job that leaves its model open, and the choice that was made. Raises BadField."""
        if not info.models:
            raise BadField("model", f"engine {info.name} names no models to choose from; name one")
        ladder = self._ladders.pick(info, wish.ladder)
        open_ = fit(info, {**given, "model": info.models[0].name})
        looks = self._ladders.looks(ladder, open_, wish)
        left_s = None if wish.deadline_s is None else wish.deadline_s - now_s - self._wait_s(info.name)
        found = choose(ladder, looks, self._ladders.rules.target, left_s)
        if isinstance(found, str):
            raise BadField("model", f"{found}; name a model")
        index, reason = found
        rung, look = ladder.rungs[index], looks[index]
        expected = expects(look, wish.quality)
        spec = rung.applied(open_, wish.keep)
        usual = self._ladders.usual(info.name, spec.model)
        if few(spec.steps, usual) and "steps" in wish.keep:
            reason += f"; {many(spec.steps, 'step')} may be too few, {usual} are usual"
        if not given.get("title") and not given.get("prompt"):  # the title names the model then
            spec = replace(spec, title=f"{spec.model} {spec.seed}")
        return spec, Climb(now_s, "", rung.name, "choice", reason, expected)

    def _wait_s(self, engine: str) -> float:
        """How long a job that is queued last waits for its turn, as far as is foreseen: until the last one before it
        has begun, and for its share of a slot."""
        desk = self._desk
        last = next((job for job in reversed(desk.queue.waiting()) if job.spec.engine == engine), None)
        look = None if last is None else desk.outlooks.of(last, None, desk.clock())
        if look is None or look.start_s is None:
            return 0.0
        slots = sum(engine in lane for lane in desk.workers.lanes())
        return max(0.0, look.start_s - desk.clock()) + (look.duration_s or 0.0) / max(1, slots)


def moment(said: float | str, now_s: float) -> float:
    """A deadline as seconds since the epoch. Raises BadField for what is no moment, or past."""
    if isinstance(said, str):
        try:
            read = datetime.fromisoformat(said)
        except ValueError as error:
            raise BadField("deadline", f"must be ISO 8601, like 2026-05-04T18:00:00Z, got {said[:40]!r}") from error
        if read.tzinfo is None:
            raise BadField("deadline", f"needs its time zone, like {said}Z or {said}+02:00")
        said = read.timestamp()
    if not now_s < said < now_s + 10 * 365 * 86_400:
        raise BadField("deadline", "is past already; give a moment to come")
    return float(said)
