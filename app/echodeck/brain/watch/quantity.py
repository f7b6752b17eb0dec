"""Numbers with units, as people write them in settings and read them in sentences."""

from __future__ import annotations

import math
import re

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "day": 86_400.0, "days": 86_400.0}
_SI = ("B", "kB", "MB", "GB", "TB")
_SIZES = {name: 1000.0**n for n, name in enumerate(_SI)} | {
    f"{name}iB": 1024.0 ** (n + 1) for n, name in enumerate("KMGT")}
UNITS: dict[str, dict[str, float]] = {
    "%": {"%": 1.0}, "°C": {"C": 1.0, "°C": 1.0}, "B": _SIZES, "B/s": {f"{name}/s": n for name, n in _SIZES.items()},
    "W": {"W": 1.0, "kW": 1000.0}, "MHz": {"MHz": 1.0, "GHz": 1000.0}, "J": {"J": 1.0}, "rpm": {"rpm": 1.0}, "": {},
}
"""How each unit of METRICS may be written, and how many of it that is."""
_NUMBER = re.compile(r"\s*([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(.*?)\s*")


def seconds(text: str) -> float:
    """A duration: "30 s", "5 min", "2 h", "1 day". Raises ValueError with the mend."""
    return _read(text, SECONDS, "a duration like 30 s, 5 min, 2 h or 1 day", bare=False)


def amount(text: str, unit: str) -> float:
    """So many of `unit`, with or without a unit written. Raises ValueError with the mend."""
    known = UNITS[unit]
    return _read(text, known, f"a number, or one in {', '.join(known)}" if known else "a number without a unit")


def change(text: str, unit: str) -> float:
    """So many of `unit` a second: "5 GB/h"; what is written without a time is a second's. Raises ValueError."""
    known, over = _NUMBER.fullmatch(text), re.fullmatch(r"(.*)/\s*([a-z]+)\s*", text)
    if over is None or over.group(2) not in SECONDS or (known is not None and known.group(2) in UNITS[unit]):
        return amount(text, unit)
    return amount(over.group(1), unit) / SECONDS[over.group(2)]


def share(text: str) -> float:
    """A share: "97 %" or "0.97". Raises ValueError with the mend."""
    return _read(text, {"%": 0.01}, "a share like 97 % or 0.97")


def _read(text: str, units: dict[str, float], wanted: str, *, bare: bool = True) -> float:
    found = _NUMBER.fullmatch(text)
    unit = found.group(2) if found else ""
    if found is None or (unit and unit not in units) or not (unit or bare):
        raise ValueError(f"expected {wanted}, got {text.strip()[:60]!r}")
    value = float(found.group(1)) * units.get(unit, 1.0)
    if not math.isfinite(value):
        raise ValueError(f"expected {wanted}, got {text.strip()[:60]!r}")
    return value


# --- for people ------------------------------------------------------------------------------------------------------


def said(value: float, unit: str) -> str:
    """A figure of METRICS in a sentence: 84 °C, 1.5 GB, 98 %."""
    if unit in ("B", "B/s"):
        return size(value) + unit[1:]
    number = f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"
    return f"{number} {unit}".rstrip()


def size(value_bytes: float) -> str:
    """Bytes: 950 B, 1.5 GB."""
    power = min(len(_SI) - 1, int(math.log(abs(value_bytes), 1000)) if abs(value_bytes) >= 1 else 0)
    scaled = value_bytes / 1000.0**power
    return f"{scaled:.0f} {_SI[power]}" if power == 0 or abs(scaled) >= 100 else f"{scaled:.1f} {_SI[power]}"


def span(length_s: float) -> str:
    """A duration: 0.4 s, 42 s, 3 min, 2 h 10 min, 3 days."""
    if length_s < 10:
        return f"{length_s:.1f} s"
    if length_s < 120:
        return f"{length_s:.0f} s"
    minutes = round(length_s / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours = round(length_s / 3600)
    if hours >= 48:
        return f"{round(length_s / 86_400)} days"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 600 and minutes % 60 else f"{hours} h"
