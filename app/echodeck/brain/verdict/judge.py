"""From figures to a verdict: each defect has a rule, and the score falls with how bad each is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from ...model.verdict import UNJUDGED, Reason, Verdict
from ..words import percent
from .figures import FilmMeasures, Measures
from .norms import Norms

BLACK = 0.035
"""A picture whose light stays below is black."""
EVEN, GREY_EVEN = 0.016, 0.032
"""The span of light of a picture in one colour, and of one that is grey with at most a faint grid."""
MIDDLE, TINT = 0.035, 0.012
"""How far a grey from a failed decoder is from the middle, and how far its channels are apart, at most."""
ROUNDED_PX = 7
"""Engines round sizes to multiples of 8."""
STILL, STILL_RUN = 0.9, 0.34
FLICKER = 0.018
JUMP = 6.0
LEAST_SEVERITY, MOST_SEVERITY = 0.3, 0.98
SMALL_CHANGE = 6.0
"""What a picture without a defect loses of its score at most, for how near it is to the limits."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the job asked for; 0 is not known."""

    width: int = 0
    height: int = 0
    steps: int = 0
    frames: int = 1


def judge(place: int, seen: Measures, asked: Asked, norms: Norms, *, film: FilmMeasures | None = None,
          alike: tuple[float, str] = (0.0, "")) -> Verdict:
    """The verdict on output number `place`. `alike`: how alike to one of the last outputs, and which."""
    empty = list(_empty(seen))
    reasons = [*empty, *_size(seen, asked)]
    if not empty:
        reasons += [*_fine(seen, asked, norms), *_film(film, asked)]
        if alike[0]:
            said = f"nearly the same as {alike[1]}" if alike[1] else "nearly the same as one of the last"
            reasons.append(Reason("duplicate", 0.2, said, round(alike[0], 3)))
    reasons.sort(key=lambda reason: -reason.severity)
    kept = 100.0 * prod(1 - reason.severity for reason in reasons)
    return Verdict(place, round(kept if reasons else kept - SMALL_CHANGE * _nearness(seen, norms)), tuple(reasons))


def unreadable(place: int, why: str) -> Verdict:
    """The verdict on a file that cannot be read to its end."""
    return Verdict(place, 0, (Reason("truncated", 1.0, f"the file is cut off or damaged: {why}"),))


def unjudged(place: int, why: str) -> Verdict:
    """The verdict on what cannot be judged, which is no fault of its own."""
    return Verdict(place, None, (Reason(UNJUDGED, 0.0, f"not judged: {why}"),))


def _empty(seen: Measures) -> Iterator[Reason]:
    """Nothing to be seen: at most one of these, and then nothing finer is looked for."""
    if seen.bad > 0.5:
        yield Reason("nan_grey", MOST_SEVERITY, "most of its pixels are no numbers", round(seen.bad, 4))
    elif seen.high <= BLACK:
        yield Reason("black", MOST_SEVERITY, "black", round(seen.high, 4))
    elif seen.span <= GREY_EVEN and abs(seen.middle - 0.5) <= MIDDLE and seen.tint <= TINT:
        yield Reason("nan_grey", MOST_SEVERITY, "even grey: its numbers ran away", round(seen.span, 4))
    elif seen.span <= EVEN:
        yield Reason("blank", MOST_SEVERITY, "one colour", round(seen.span, 4))


def _size(seen: Measures, asked: Asked) -> Iterator[Reason]:
    """Engines round down to multiples of 8, and what was enlarged on purpose keeps its shape."""
    if not asked.width or not asked.height:
        return
    near = abs(seen.width - asked.width) <= ROUNDED_PX and abs(seen.height - asked.height) <= ROUNDED_PX
    factor = (seen.width / asked.width, seen.height / asked.height)
    enlarged = min(factor) > 1 and abs(factor[0] / factor[1] - 1) < 0.03
    if not near and not enlarged:
        said = f"{seen.width}×{seen.height} instead of {asked.width}×{asked.height}"
        yield Reason("wrong_size", 0.6, said, round(factor[0] * factor[1], 4))


def _fine(seen: Measures, asked: Asked, norms: Norms) -> Iterator[Reason]:
    steps = f": {asked.steps} steps" if norms.few(asked.steps) and asked.steps > 1 else ""
    ragged = norms.speckle(asked.steps)
    if seen.grain > norms.grain:
        yield _over("noise", f"noise left over{steps}", seen.grain, norms.grain, 20.0)
    elif seen.speckle > ragged:
        yield _over("noise", f"noise left over{steps}", seen.speckle, ragged, 3.0)
    noisy = seen.grain > norms.grain
    blurred = seen.edge_px is not None and seen.edge_px > norms.edge_px and not noisy  # noise has edges of its own
    if blurred and seen.edge_px is not None:
        yield _over("blur", f"blurred: its sharpest edges are {seen.edge_px:.0f} pixels wide", seen.edge_px,
                    norms.edge_px, 4.0)
    if seen.cut > norms.cut and not blurred and not noisy:  # either makes everything run slowly into white
        yield _over("clipped", f"light or shade cut off in {percent(seen.cut)} of it", seen.cut, norms.cut, 5.0)
    dull = seen.span < norms.span
    if dull:
        yield _over("low_contrast", f"low contrast: {percent(seen.span)} of the range", seen.span, norms.span, 0.2)
    if seen.bands > norms.bands and not dull:  # little light has few levels by itself
        yield _over("banding", "bands in smooth areas", seen.bands, norms.bands, 15.0)


def _film(film: FilmMeasures | None, asked: Asked) -> Iterator[Reason]:
    if film is None or film.frames < 2:
        if asked.frames > 1:
            yield Reason("frozen", 0.8, "the film is a single picture", 1.0)
        return
    if film.still >= STILL:
        yield Reason("frozen", 0.8, "the film stands still", round(film.still, 4))
    elif film.longest_still >= STILL_RUN:
        yield Reason("frozen", 0.5, f"the film stands still for {percent(film.longest_still)} of it",
                     round(film.longest_still, 4))
    elif film.frames < asked.frames:  # of what stands still encoders write fewer
        yield Reason("missing_frames", 0.5, f"{film.frames} frames instead of {asked.frames}", film.frames)
    if film.flicker > FLICKER:
        yield _over("flicker", "the film flickers", film.flicker, FLICKER, 4.0)
    if film.jump > JUMP and 0 < film.still < STILL:
        yield _over("missing_frames", "the film halts and jumps: frames are missing", film.jump, JUMP, 4.0)


def _over(defect: str, sentence: str, measure: float, limit: float, worst: float) -> Reason:
    """A measure beyond its limit; `worst` times the limit is as bad as can be."""
    share = (measure / limit - 1) / (worst - 1)
    severity = LEAST_SEVERITY + (0.9 - LEAST_SEVERITY) * min(1.0, max(0.0, share))
    return Reason(defect, round(severity, 3), sentence, round(measure, 5))


def _nearness(seen: Measures, norms: Norms) -> float:
    """How near to its nearest limit a picture is, 0 to 1."""
    shares = [seen.grain / norms.grain, seen.cut / norms.cut, seen.bands / norms.bands, norms.span / seen.span]
    if seen.edge_px is not None:
        shares.append((seen.edge_px - 1) / (norms.edge_px - 1))
    return min(1.0, max(shares))
