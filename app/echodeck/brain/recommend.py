"""Which model to take: the cheapest one that is good enough and sure enough to be done in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .option import Option, Span, described, grounds, guess
from .words import between, many, span


@dataclass(frozen=True, slots=True)
class Judged:
    """An option with when all would be done, and whether that is in time and good enough (None: nobody knows)."""

    option: Option
    done: Span
    in_time: bool
    good: bool | None
    said: str

    @property
    def fits(self) -> bool:
        return self.in_time and self.good is True


@dataclass(frozen=True, slots=True)
class Advice:
    """`choice` is None when none is sure to fit; `others` are the rest, the cheapest first."""

    choice: Judged | None
    others: tuple[Judged, ...]
    text: tuple[str, ...]


def recommend(options: Sequence[Option], count: int = 1, deadline_s: float | None = None,
              quality: float | None = None) -> Advice:
    """The cheapest option for `count` jobs whose interval's upper end lies before `deadline_s` (seconds from now; None:
    any time will do) and whose score is at least `quality` (None: any will do)."""
    judged = sorted((judge(one, count, deadline_s, quality) for one in options),
                    key=lambda one: (one.option.cost_s(count), one.option.name))
    choice = next((one for one in judged if one.fits), None)
    others = tuple(one for one in judged if one is not choice)
    return Advice(choice, others, (_head(choice, judged, count, deadline_s, quality), *(one.said for one in others)))


def judge(option: Option, count: int, deadline_s: float | None, quality: float | None) -> Judged:
    done = option.done(count)
    in_time = deadline_s is None or done.high_s <= deadline_s
    good = True if quality is None else None if option.quality is None else option.quality >= quality
    said = f"{option.name} would be done in about {span(done.middle_s)} ({between(done.low_s, done.high_s)})"
    if not in_time and deadline_s is not None:
        late = done.high_s - deadline_s
        said += f", {'too late' if done.middle_s > deadline_s else 'perhaps too late'}: by up to {span(late)}"
    if quality is not None:
        said += ", and its quality is not known yet" if option.marks is None else \
            f", and scores {option.marks.score:.0f} {grounds(option.marks)}"
        said += f", less than {quality:.0f}" if good is False else ""
    return Judged(option, done, in_time, good, said + (f" ({guess(option)})" if guess(option) else ""))


def _head(choice: Judged | None, judged: Sequence[Judged], count: int, deadline_s: float | None,
          quality: float | None) -> str:
    wish = " and ".join(part for part in (
        f"to be done in {span(deadline_s)}" if deadline_s is not None else "",
        f"a score of {quality:.0f}" if quality is not None else "") if part)
    if choice is not None:
        cheapest = "the only one there is" if len(judged) == 1 else f"the cheapest that fits ({wish})" if wish else \
            "the cheapest"
        done = choice.done
        ready = f"{many(count, 'job')} in about {span(done.middle_s)}, at the latest in {span(done.high_s)}"
        return f"take {choice.option.name}: it is {cheapest}; {ready}; {described(choice.option)}"
    if not judged:
        return "no engine has a model that could do it"
    return f"none is sure to fit ({wish}); {_nearest(judged)}"


def _nearest(judged: Sequence[Judged]) -> str:
    """What comes closest to the wish."""
    unknown = [one for one in judged if one.in_time and one.good is None]
    if unknown:
        return f"{unknown[0].option.name} would be in time, but nobody has judged its pictures yet"
    good = [one for one in judged if one.good is not False]
    soonest = min(good or judged, key=lambda one: one.done.high_s)
    if soonest.in_time:
        best = max(judged, key=lambda one: one.option.quality or 0.0)
        return f"{best.option.name} has the best score, {best.option.quality or 0.0:.0f}"
    return f"{soonest.option.name} would be done soonest, at the latest in {span(soonest.done.high_s)}"
