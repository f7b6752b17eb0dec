"""The table `[alerts]` of the settings: what is watched when nothing is set, and what somebody has set instead.

A rule is a table with `when`; a table without it sets one of the watches that are more than a comparison. Of both
kinds a table of the same name replaces what is set here key by key, and `off = true` takes it away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ...errors import ConfigError
from .disk import DiskLimits
from .failures import FailureLimits
from .finding import SEVERITY
from .leak import LeakLimits
from .line import LineLimits
from .pace import PaceLimits
from .quantity import seconds
from .rule import Rule, rule_of
from .stall import StallLimits

RULES: dict[str, dict[str, Any]] = {
    "gpu_hot": {"when": "gpu.temp_c > 90 for 60 s", "clear": "< 84"},
    "gpu_memory_hot": {"when": "gpu.temp_mem_c > 104 for 60 s", "clear": "< 98"},
    "vram_full": {"when": "gpu.vram_used_bytes / gpu.vram_total_bytes > 98.5 % for 5 min", "clear": "< 95 %",
                  "level": "info"},
    "memory_full": {"when": "memory.used_bytes / memory.total_bytes > 96 % for 60 s", "clear": "< 90 %"},
    "host_silent": {"when": "absent(host) for 60 s"},
    "worker_silent": {"when": "absent(worker) for 60 s"},
    "engine_down": {"when": "absent(engine) for 2 min"},
    "gpu_lost": {"when": "absent(gpu) for 60 s"},
}
"""What is on from the beginning."""
_KEYS = ("when", "clear", "level", "host", "title", "off")


@dataclass(frozen=True, slots=True)
class Watches:
    """Everything that is watched. None: switched off."""

    rules: tuple[Rule, ...] = ()
    stall: StallLimits | None = field(default_factory=StallLimits)
    slow: PaceLimits | None = field(default_factory=PaceLimits)
    leak: LeakLimits | None = field(default_factory=LeakLimits)
    disk: DiskLimits | None = field(default_factory=DiskLimits)
    queue: LineLimits | None = field(default_factory=LineLimits)
    failures: FailureLimits | None = field(default_factory=FailureLimits)


BUILT_IN = tuple(item.name for item in fields(Watches) if item.name != "rules")


def watches_of(table: Mapping[str, Any]) -> Watches:
    """What `[alerts]` asks for. Raises ConfigError naming the key and the mend."""
    for name, item in table.items():
        if not isinstance(item, Mapping):
            raise ConfigError(f"alerts.{name}: expected a table like [alerts.{name}] with `when`, got {item!r}")
    names = [*RULES, *(name for name in table if name not in RULES and name not in BUILT_IN)]
    rules = [_rule(name, RULES.get(name, {}), table.get(name, {})) for name in names]
    built_in = Watches()
    limits = {name: _limits(name, getattr(built_in, name), table.get(name, {})) for name in BUILT_IN}
    return Watches(tuple(rule for rule in rules if rule is not None), **limits)


def named(table: Mapping[str, Any]) -> frozenset[str]:
    """The rules that alerts may be of, on or off. Those of absence have causes of their own ("engine:…"), not their
    name. Raises ConfigError."""
    absent = {rule.name for rule in watches_of(table).rules if rule.term.kind == "absent"}
    return frozenset({*RULES, *table} - absent - {*BUILT_IN})


def _rule(name: str, known: Mapping[str, Any], given: Mapping[str, Any]) -> Rule | None:
    for key, value in given.items():
        if key not in _KEYS:
            built = f"; the watches with settings of their own are {', '.join(BUILT_IN)}" if not known else ""
            raise ConfigError(f"alerts.{name}.{key}: unknown; there are {', '.join(_KEYS)}{built}")
        if not isinstance(value, bool if key == "off" else str):
            wanted = "true or false" if key == "off" else "text"
            raise ConfigError(f"alerts.{name}.{key}: expected {wanted}, got {value!r}")
    # The bound of `clear` belongs to that of `when`: who sets the one does not get the other from here.
    kept = {key: value for key, value in known.items() if key != "clear" or "when" not in given}
    merged = {**kept, **given}
    if merged.get("off"):
        return None
    if "when" not in merged:
        raise ConfigError(f"alerts.{name}.when: is missing; write it like 'gpu.temp_c > 85 for 30 s'")
    try:
        rule = rule_of(name, merged["when"], merged.get("clear", ""))
    except ValueError as error:
        raise ConfigError(f"alerts.{name}.{'clear' if '`clear`' in str(error) else 'when'}: {error}") from error
    return replace(rule, level=_level(name, merged.get("level", rule.level)), host=merged.get("host", "*"),
                   title=merged.get("title", ""))


def _level(name: str, level: Any) -> str:
    if level not in SEVERITY:
        raise ConfigError(f"alerts.{name}.level: there are {', '.join(SEVERITY)}, got {level!r}")
    return str(level)


def _limits(name: str, known: Any, given: Mapping[str, Any]) -> Any:
    """The settings of a built-in watch; numbers, and durations (`…_s`, written without it) also as text."""
    keys = {item.name.removesuffix("_s"): item.name for item in fields(known)}
    values: dict[str, Any] = {}
    for key, value in given.items():
        where = f"alerts.{name}.{key}"
        if key == "off" and isinstance(value, bool):
            continue
        if key not in keys:
            raise ConfigError(f"{where}: unknown; there are {', '.join(keys)} and off")
        values[keys[key]] = _level(name, value) if key == "level" else _number(where, value, keys[key].endswith("_s"))
    return None if given.get("off") else replace(known, **values)


def _number(where: str, value: Any, duration: bool) -> float:
    if duration and isinstance(value, str):
        try:
            return seconds(value)
        except ValueError as error:
            raise ConfigError(f"{where}: {error}") from error
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
        wanted = "a duration like '5 min'" if duration else "a number above 0"
        raise ConfigError(f"{where}: expected {wanted}, got {value!r}")
    return float(value)
