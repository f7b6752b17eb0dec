"""What people allow the brain to do with failed jobs and with ladders: tables of `echodeck.toml`, checked.

    [brain.mend]                            [brain.ladder]              [ladders.portraits]
    tries = 3                               target = 0.7                engine = "diffusers"
    memory_tries = 8                        seed = 0                    rungs = [
    backoff_s = 1                           frozen = false                {model = "sd15", steps = 20},
    longest_s = 300                         draft = 40                    {model = "sdxl", steps = 30},
    allow = ["batch", "tiles"]              standard = 60               ]
                                            final = 80                  lowest = "sd15 steps 20"
                                                                        moves = 2
                                                                        longest_s = 600
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ..errors import ConfigError
from .bandit import QUALITIES
from .ladder import Ladder, Rung
from .mend import SMALLER, Limits

CHANGES = ("steps", "width", "height", "batch", "frames")
"""What a rung may set besides its model."""
SCORES = {"draft": 40.0, "standard": 60.0, "final": 80.0}
MOST_TRIES = 20


@dataclass(frozen=True, slots=True)
class Climbing:
    """`bounds` is the least score of a picture by quality, `target` the least likelihood to reach it that a rung must
    have, `seed` what chance begins with. `frozen`: nothing more is learnt and nothing tried out."""

    bounds: Mapping[str, float] = field(default_factory=lambda: SCORES)
    target: float = 0.7
    seed: int = 0
    frozen: bool = False


def limits(brain: Mapping[str, Any]) -> Limits:
    """`[brain.mend]`. Raises ConfigError."""
    table = _Table("brain.mend", brain.get("mend", {}))
    table.only("tries", "memory_tries", "backoff_s", "longest_s", "allow")
    allow = table.names("allow", SMALLER)
    return Limits(tries=table.whole("tries", 3, 1, MOST_TRIES), memory_tries=table.whole("memory_tries", 8, 1, 50),
                  backoff_s=table.number("backoff_s", 1.0, 0.1, 3600.0),
                  longest_s=table.number("longest_s", 300.0, 0.1, 86_400.0), allow=allow)


def climbing(brain: Mapping[str, Any]) -> Climbing:
    """`[brain.ladder]`. Raises ConfigError."""
    table = _Table("brain.ladder", brain.get("ladder", {}))
    table.only("target", "seed", "frozen", *QUALITIES)
    bounds = {name: table.number(name, SCORES[name], 0.0, 100.0) for name in QUALITIES}
    for lower, higher in pairwise(QUALITIES):
        if bounds[lower] > bounds[higher]:
            raise ConfigError(f"brain.ladder.{higher}: must not be less than {lower} ({bounds[lower]:g}), "
                              f"got {bounds[higher]:g}")
    return Climbing(bounds, table.number("target", 0.7, 0.0, 1.0), table.whole("seed", 0, 0, 2**32),
                    table.flag("frozen"))


def ladders(tables: Mapping[str, Any]) -> dict[str, Ladder]:
    """`[ladders.NAME]`, by name. Raises ConfigError."""
    for name in tables:
        if not name.strip() or "/" in name or not name.isprintable():
            better = re.sub(r"[/\s]+", "-", name).strip("-") or "portraits"
            raise ConfigError(f"ladders.{name!r}: a ladder's name has no '/' and no line breaks, and is not empty; "
                              f"call it {better!r}")
    return {name: _ladder(name, content) for name, content in tables.items()}


def checked(brain: Mapping[str, Any], tables: Mapping[str, Any]) -> None:
    """Raises ConfigError for whatever of it cannot be used."""
    _ = limits(brain), climbing(brain), ladders(tables)


def _ladder(name: str, content: Any) -> Ladder:
    table = _Table(f"ladders.{name}", content)
    table.only("engine", "rungs", "lowest", "highest", "moves", "longest_s")
    rungs = tuple(_rung(f"ladders.{name}.rungs[{number}]", one) for number, one in enumerate(table.rows("rungs")))
    if len({tuple(sorted(rung.changes)) for rung in rungs}) > 1:
        # Otherwise what one rung set would stay set on the next.
        raise ConfigError(f"ladders.{name}.rungs: every rung must set the same fields; give each a value of its own")
    if len({rung.name for rung in rungs}) < len(rungs):
        raise ConfigError(f"ladders.{name}.rungs: two rungs are the same; leave one out")
    made = Ladder(name, table.text("engine"), rungs, moves=table.whole("moves", 2, 0, 2 * len(rungs)),
                  longest_s=table.number("longest_s", 0.0, 0.0, 1e7))
    lowest, highest = (_end(made, table, key, default) for key, default in (("lowest", 0), ("highest", len(rungs) - 1)))
    if lowest > highest:
        raise ConfigError(f"ladders.{name}.lowest: lies above highest; change one of them")
    return Ladder(name, made.engine, rungs, lowest, highest, made.moves, made.longest_s)


def _rung(where: str, content: Any) -> Rung:
    table = _Table(where, content)
    table.only("model", *CHANGES)
    return Rung(table.text("model"), {key: table.whole(key, 1, 1, 2**20) for key in CHANGES if key in table.content})


def _end(ladder: Ladder, table: _Table, key: str, default: int) -> int:
    """A rung by its name, or by its model where only one rung has it."""
    if key not in table.content:
        return default
    name = table.text(key)
    found = [index for index, rung in enumerate(ladder.rungs) if name in (rung.name, rung.model)]
    if len(found) != 1:
        raise ConfigError(f"{table.where}.{key}: names no single rung: {name!r}; there are "
                          f"{', '.join(rung.name for rung in ladder.rungs)}")
    return found[0]


class _Table:
    """A table whose values are checked as they are read; every refusal names the key and the mend."""

    def __init__(self, where: str, content: Any) -> None:
        if not isinstance(content, Mapping):
            raise ConfigError(f"{where}: must be a table, got {content!r}")
        self.where, self.content = where, content

    def only(self, *names: str) -> None:
        for name in self.content:
            if name not in names:
                raise ConfigError(f"{self.where}.{name}: unknown; there are {', '.join(names)}")

    def text(self, name: str) -> str:
        value = self.content.get(name, "")
        if not isinstance(value, str) or not value:
            raise ConfigError(f"{self.where}.{name}: a name is needed, got {value!r}")
        return value

    def rows(self, name: str) -> list[Any]:
        value = self.content.get(name)
        if not isinstance(value, list) or not value:
            raise ConfigError(f"{self.where}.{name}: a list with at least one entry is needed, got {value!r}")
        return value

    def names(self, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
        value = self.content.get(name, [])
        if not isinstance(value, list) or not all(one in known for one in value):
            raise ConfigError(f"{self.where}.{name}: a list of {', '.join(known)} is needed, got {value!r}")
        return tuple(value)

    def flag(self, name: str) -> bool:
        value = self.content.get(name, False)
        if not isinstance(value, bool):
            raise ConfigError(f"{self.where}.{name}: true or false is needed, got {value!r}")
        return value

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        value = self.content.get(name, default)
        if not isinstance(value, int):
            raise ConfigError(f"{self.where}.{name}: a whole number is needed, got {value!r}")
        return int(self.number(name, default, low, high))

    def number(self, name: str, default: float, low: float, high: float) -> float:
        value = self.content.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ConfigError(f"{self.where}.{name}: a number from {low:g} to {high:g} is needed, got {value!r}")
        return float(value)
