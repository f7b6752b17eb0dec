"""Training pictures of skies, hills, forests and lakes, each drawn from a random generator and a palette."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, Field, Random, noise, ridge, smoothstep
from .palette import Colour, Palette

WHITE = np.ones(3, np.float32)


def landscape(rng: Random, height: int, width: int, palette: Palette, subject: str) -> Field:
    """One scene (height, width, 3), 0 to 1. `subject` is hills, forest, lake or sky."""
    canvas = Canvas(height, width)
    horizon = {"sky": 0.86, "lake": 0.52}.get(subject, 0.62) + rng.uniform(-0.03, 0.03)
    sun = _sky(canvas, rng, palette, horizon)
    _clouds(canvas, rng, palette, sun, horizon, heavy=subject == "sky")
    if subject == "sky":
        _ranges(canvas, rng, palette, [0.9, 0.95], sun, peaks=0.3)
    elif subject == "lake":
        _ranges(canvas, rng, palette, [horizon - 0.1, horizon - 0.04], sun, peaks=1.0)
        _lake(canvas, rng, palette, horizon, sun)
        _shore(canvas, rng, palette)
    else:
        _ranges(canvas, rng, palette, [horizon - 0.12, horizon - 0.01, horizon + 0.1, horizon + 0.19], sun, peaks=1.0)
        _trees(canvas, rng, palette, forest=subject == "forest")
    return np.clip(canvas.pixels, 0, 1)


def _sky(canvas: Canvas, rng: Random, palette: Palette, horizon: float) -> tuple[float, float]:
    """The gradient, stars, aurora and the sun or moon; returns where it stands (x, y)."""
    canvas.gradient([(0.0, palette.zenith), (horizon * 0.55, palette.sky), (horizon, palette.horizon),
                     (1.0, palette.horizon)])
    x = canvas.aspect * rng.uniform(0.22, 0.78)
    y = horizon * (0.22 + 0.55 * palette.low) + rng.uniform(-0.06, 0.06)
    if palette.stars:
        _stars(canvas, rng, palette.stars, horizon)
    if palette.aurora:
        _aurora(canvas, rng, horizon)
    radius = rng.uniform(0.045, 0.075) * min(1.0, canvas.aspect) ** 0.5
    away = canvas.distance(x, y)
    canvas.glow(0.75 * np.exp(-away / 0.13) + 0.35 * np.exp(-away / 0.45), 0.6 * palette.sun + 0.4 * palette.horizon)
    canvas.blend(smoothstep(radius + 1.2 / canvas.height, radius - 0.8 / canvas.height, away), palette.sun)
    return x, y


def _stars(canvas: Canvas, rng: Random, amount: float, horizon: float) -> None:
    count = int(90 * amount * canvas.aspect)
    for x, y, light in rng.uniform(0, 1, (count, 3)):
        row, column = int(y * horizon * canvas.height * 0.9), int(x * canvas.width)
        size = max(1, canvas.height // 160) if light > 0.8 else 1
        spot = canvas.pixels[row : row + size, column : column + size]
        spot += (WHITE - spot) * np.float32(0.25 + 0.7 * light * (1 - y * 0.6))


def _aurora(canvas: Canvas, rng: Random, horizon: float) -> None:
    colours = (np.array([0.25, 1.0, 0.6], np.float32), np.array([0.6, 0.4, 1.0], np.float32))
    for paint, base in zip(colours, (0.62, 0.48), strict=True):
        line = horizon * (base + 0.16 * ridge(rng, canvas.x, 1.6, 2, 0.0))
        rays = 0.65 + 0.35 * ridge(rng, canvas.x, 14, 2, 0.0)
        above = line[None, :] - canvas.y
        veil = smoothstep(-0.02, 0.03, above) * np.exp(-np.maximum(above, 0) / 0.16)
        canvas.glow(0.75 * veil * rays[None, :], paint)


def _clouds(
    canvas: Canvas, rng: Random, palette: Palette, sun: tuple[float, float], horizon: float, *, heavy: bool
) -> None:
    cover = rng.uniform(0.0, 0.2) if heavy else rng.uniform(0.15, 0.5)
    shape = noise(rng, canvas.height, canvas.width, 3.0 if heavy else 4.0, 5, 2.2 if heavy else 3.2)
    height = smoothstep(0.02, 0.2, canvas.y) * smoothstep(horizon, horizon * 0.75, canvas.y)
    body = smoothstep(cover - 0.05, cover + 0.5, shape) * height * (0.9 if heavy else 0.75)
    # A cloud is bright where it is thicker towards the light than here: the noise's slope, seen from the sun.
    step = max(1, canvas.height // 40)
    lit = np.clip((shape - np.roll(shape, -step if sun[1] < 0.5 * horizon else step, axis=0)) * 1.6 + 0.5, 0, 1)
    near = np.exp(-canvas.distance(*sun) / 0.4)[..., None]
    shade = palette.cloud * 0.72 + palette.sky * 0.28
    bright = np.clip(palette.cloud * 0.75 + palette.sun * 0.35, 0, 1)
    paint = shade * 0.9 + (bright - shade * 0.9) * np.clip(lit[..., None] * (0.6 + 0.7 * near), 0, 1)
    canvas.blend(body, paint.astype(np.float32))


def _ranges(
    canvas: Canvas, rng: Random, palette: Palette, bases: list[float], sun: tuple[float, float], *, peaks: float
) -> None:
    """Ranges of hills from far to near: each nearer one lower, darker, smoother, with mist at its foot."""
    last = len(bases) - 1
    for i, base in enumerate(bases):
        depth = i / max(1, last)
        rough = peaks * (1 - depth) ** 0.7
        rise = (0.24 * rough + 0.05) * (1.0 + 0.3 * rng.uniform(-1, 1))
        line = base - rise * ridge(rng, canvas.x, 1.3 + 1.2 * depth, 6, 0.85 * rough)
        paint = _land(palette, depth)
        _range(canvas, rng, palette, line, paint, depth, rough, sun)


def _land(palette: Palette, depth: float) -> Colour:
    """The colour of land by nearness: far land is lost in the air (the colour of the horizon)."""
    base = palette.far + (palette.near - palette.far) * np.float32(depth**1.2)
    return (base + (palette.horizon - base) * np.float32(0.32 * (1 - depth) ** 2)).astype(np.float32)


def _range(
    canvas: Canvas, rng: Random, palette: Palette, line: Field, paint: Colour, depth: float, rough: float,
    sun: tuple[float, float],
) -> None:
    mask = canvas.below(line)
    fall = np.maximum(canvas.y - line[None, :], 0)
    mist = np.exp(-((0.16 - np.minimum(fall, 0.16)) / 0.07)) * (0.45 * (1 - depth) + 0.06)
    texture = noise(rng, canvas.height, canvas.width, 9, 3)
    side = _facets(canvas, line, fall + 0.02 * texture) * np.tanh((sun[0] - canvas.x) / 0.12)
    lit = np.clip(0.7 * side + 0.3 * texture, -1, 1) * np.exp(-fall / 0.12)
    body = paint + (palette.horizon - paint) * mist[..., None]
    body = body + (0.16 * (1 - 0.6 * depth) * lit)[..., None] * (0.5 * palette.sun + 0.5 * palette.horizon)
    if rough > 0.35 and palette.snow + rough > 0.9:
        top = smoothstep(0.07 + 0.06 * palette.snow, 0.0, fall + 0.035 * texture - 0.30 * (0.55 - line)[None, :])
        snow = palette.horizon * 0.5 + WHITE * 0.5
        snow = snow * (0.8 + 0.2 * np.clip(lit * 3, -1, 1))[..., None]
        body = body + ((0.35 + 0.55 * palette.snow) * top)[..., None] * (snow - body)
    canvas.blend(mask, np.clip(body, 0, 1).astype(np.float32))


def _facets(canvas: Canvas, line: Field, fall: Field) -> Field:
    """How steeply (h, w) the slope under a skyline rises to the right: facets run down aslant from each summit."""
    run = max(3, canvas.height // 24)
    smooth = np.convolve(np.pad(line, run, mode="edge"), np.full(2 * run + 1, 1 / (2 * run + 1)), mode="valid")
    slope = np.gradient(0.5 * line + 0.5 * smooth) * canvas.height
    lean = np.where(np.gradient(smooth) < 0, -0.6, 0.6)
    columns = np.arange(canvas.width)[None, :] + lean[None, :] * fall * canvas.height
    return np.interp(columns, np.arange(canvas.width), slope).astype(np.float32)


def _trees(canvas: Canvas, rng: Random, palette: Palette, *, forest: bool) -> None:
    """The nearest slope with conifers on it, as one skyline."""
    base = 0.9 + rng.uniform(-0.03, 0.03) - 0.05 * ridge(rng, canvas.x, 1.5, 3, 0.0)
    paint = palette.near * 0.75
    line = base.copy()
    count = int((26 if forest else 9) * canvas.aspect) + 1
    for place in rng.uniform(-0.03, 1.03, count):
        tall = rng.uniform(0.12, 0.3) if forest else rng.uniform(0.07, 0.17)
        line = np.minimum(line, conifer(canvas.x, place * canvas.aspect, tall, base))
    mask = canvas.below(line, 1.3)
    fade = palette.near * 0.4 + palette.far * 0.25
    depth = smoothstep(0.0, 0.25, canvas.y - base[None, :])
    canvas.blend(mask, (fade + (paint - fade) * (0.6 + 0.4 * depth[..., None])).astype(np.float32))


def conifer(x: Field, centre: float, tall: float, base: Field) -> Field:
    """The skyline (w,) of one fir: a narrow triangle whose edges step in like branches."""
    foot = float(np.interp(centre, x, base)) + 0.015
    away = np.abs(x - np.float32(centre)) / (0.22 * tall)
    stepped = away + 0.09 * (1 - np.abs((away * 5) % 2 - 1)) - 0.05
    top = foot - tall * np.maximum(1 - np.maximum(stepped, 0), 0)
    return np.where(away < 1, top, 2.0).astype(np.float32)


def _lake(canvas: Canvas, rng: Random, palette: Palette, horizon: float, sun: tuple[float, float]) -> None:
    """Water below the horizon: the picture above it mirrored, broken by ripples, with the sun's path."""
    row = int(horizon * canvas.height)
    below = canvas.height - row
    depth = (np.arange(below, dtype=np.float32) + 0.5) / canvas.height
    source = np.clip(row - 1 - np.arange(below), 0, row - 1)
    ripple = noise(rng, below, canvas.width, 10, 3, 7.0)
    shift = np.rint(ripple * (0.004 + 0.05 * depth[:, None]) * canvas.height).astype(int)
    rows = np.clip(source[:, None] + shift, 0, row - 1)
    mirror = canvas.pixels[rows, np.arange(canvas.width)[None, :]]
    deep = (palette.zenith * 0.6 + palette.near * 0.4)[None, None, :]
    share = (0.12 + 0.9 * depth[:, None, None]).clip(0, 0.6)
    water = mirror * 0.92 + (deep - mirror * 0.92) * share
    path = np.exp(-(((canvas.x[None, :] - sun[0]) / (0.03 + 0.35 * depth[:, None])) ** 2))
    sparkle = smoothstep(0.05, 0.5, ripple) * path * 0.8
    water += sparkle[..., None] * (palette.sun - water)
    canvas.pixels[row:] = water


def _shore(canvas: Canvas, rng: Random, palette: Palette) -> None:
    """A dark shore in one lower corner, with a few firs."""
    side = -1.0 if rng.uniform() < 0.5 else 1.0
    across = (canvas.x / canvas.aspect - 0.5) * side
    base = 0.97 - 0.12 * smoothstep(-0.1, 0.6, across) - 0.02 * ridge(rng, canvas.x, 3, 3, 0.2)
    line = base.copy()
    for place in rng.uniform(0.15, 0.52, max(2, int(5 * canvas.aspect))):
        centre = (0.5 + side * place) * canvas.aspect
        line = np.minimum(line, conifer(canvas.x, centre, rng.uniform(0.1, 0.28), base))
    canvas.blend(canvas.below(line, 1.3), palette.near * 0.8)
