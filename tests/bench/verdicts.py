"""How good are the verdicts? Precision and recall of each defect on drawn pictures and films, beside a naive judge.

What is measured was tuned on other seeds than those reported by default (0). The naive judge has one well-known
threshold a defect: the variance of the Laplacian for blur and noise, mean and deviation of the light for the rest.
"""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Iterator

import numpy as np
from _films import FRAMES, films, pairs
from _pictures import samples
from PIL import Image
from scipy import ndimage

from echodeck.agent.pictures import Unreadable, picture_of
from echodeck.brain.verdict.film import film
from echodeck.brain.verdict.judge import Asked, judge, unreadable
from echodeck.brain.verdict.likeness import nearest
from echodeck.brain.verdict.measure import measure
from echodeck.brain.verdict.norms import Norms
from echodeck.brain.verdict.sign import signature

STEPS = 30
A_SECOND = 8
"""Pictures a class for each second asked for; 40 by default."""
Case = tuple[str, set[str], set[str]]
"""(the defect there is or "", what we see, what the naive judge sees)."""


def ours(data: bytes, size: tuple[int, int], frames: int = 1) -> set[str]:
    try:
        picture = picture_of(data)
    except Unreadable as error:
        return {reason.defect for reason in unreadable(0, str(error)).reasons}
    moving = None if picture.film is None else film(picture.film)
    verdict = judge(0, measure(picture.pixels), Asked(*size, STEPS, frames), Norms(), film=moving)
    return {reason.defect for reason in verdict.reasons}


def naive(data: bytes, size: tuple[int, int], frames: int = 1) -> set[str]:
    try:
        with Image.open(io.BytesIO(data)) as image:
            lights = []
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
                lights.append(np.asarray(image.convert("L"), float))
            shape = image.size
    except OSError:
        return {"truncated"}
    light, means = lights[0], [one.mean() for one in lights]
    sharp, spread = float(ndimage.laplace(light).var()), float(light.std())
    cut = float(((light <= 0) | (light >= 255)).mean())
    rules = {
        "black": light.mean() < 8, "blank": spread < 4, "nan_grey": spread < 4 and abs(light.mean() - 127.5) < 8,
        "blur": sharp < 100, "noise": sharp > 2500, "clipped": cut > 0.1, "low_contrast": spread < 20,
        "banding": len(np.unique(light)) < 64, "wrong_size": shape != size,
        "frozen": len(lights) > 1 and max(np.abs(one - light).max() for one in lights) < 1,
        "flicker": len(lights) > 1 and float(np.abs(np.diff(means)).mean()) > 5,
        "missing_frames": len(lights) < frames,
    }
    return {name for name, met in rules.items() if met}


def average_hash(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        small = np.asarray(image.convert("L").resize((8, 8)), float)
    return small > small.mean()


def cases(seed: int, each: int) -> Iterator[Case]:
    rng = np.random.default_rng(seed)
    for number, sample in enumerate(samples(seed, each)):
        yield sample.defect, ours(sample.data, sample.size), naive(sample.data, sample.size)
        if not sample.defect and number % 7 == 0:  # of good ones, evenly over the styles
            cut = sample.data[: int(len(sample.data) * rng.uniform(0.2, 0.9))]
            yield "truncated", ours(cut, sample.size), naive(cut, sample.size)
            wide, high = sample.size
            asked = [(high, wide + 64), (wide // 2, high), (wide + 128, high + 128)][number % 3]
            yield "wrong_size", ours(sample.data, asked), naive(sample.data, asked)
    for defect, data, size in films(seed, each):
        yield defect, ours(data, size, FRAMES), naive(data, size, FRAMES)
    for defect, one, other in pairs(seed, each):
        before, after = (signature(picture_of(data).pixels, "it") for data in (one, other))
        apart = int((average_hash(one) != average_hash(other)).sum())
        yield (defect, {"duplicate"} if nearest(after, [before])[0] else set(), {"duplicate"} if apart <= 5 else set())


def figures(found: list[Case], judge_: int) -> dict[str, float]:
    """Precision and recall by defect, of judge 1 (ours) or 2."""
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for case in found:
        truth, seen = case[0], case[judge_]
        assert isinstance(seen, set)
        right.update({truth} & seen)
        missed.update({truth} - seen - {""})
        wrong.update(seen - {truth})
    shares: dict[str, float] = {}
    for defect in sorted({truth for truth, _, _ in found} - {""}):
        told = right[defect] + wrong[defect]
        shares[f"{defect}_precision"] = round(right[defect] / told, 3) if told else 0.0
        shares[f"{defect}_recall"] = round(right[defect] / (right[defect] + missed[defect]), 3)
    return shares | {"least": min(shares.values())}


def bench(seed: int, seconds: float) -> dict[str, object]:
    """Precision and recall by defect; the peer judges by one threshold each."""
    began_s, each = time.monotonic(), max(1, round(A_SECOND * seconds))
    found = list(cases(seed, each))
    ours_, peer = figures(found, 1), figures(found, 2)
    took_ms = 1000 * (time.monotonic() - began_s) / len(found)
    return {
        "name": "verdicts", "ours": ours_, "peer": peer,
        "ratio": {name: round(ours_[name] / peer[name], 2) if peer[name] else None for name in ours_},
        "notes": f"{len(found)} cases, {each} a class (wrong sizes and cut-off files: every seventh of the good ones "
                 f"again); {took_ms:.0f} ms a case with drawing it",
    }
