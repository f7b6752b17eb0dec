"""The language of rules: `gpu.temp_c > 85 for 30 s`, `rate(disk.used_bytes) > 1 GB/min`, `absent(host) for 30 s`.

    when   = term op bound ["for" duration] | "absent(" thing ")" ["for" duration]
    term   = metric | metric "/" metric | "rate(" metric ["," duration] ")"
    clear  = op bound ["for" duration]
    metric = a name of METRICS, or with the thing in between: gpu.0.temp_c, disk./home.used_bytes, gpu.*.temp_c
    thing  = host | worker | engine | gpu

A rule holds of every machine, and of every GPU, disk, … that it has, unless it names one. Between `when` and `clear`
lies its hysteresis; without `clear` it is cleared by the opposite of `when`, after the same duration.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from ...model.metric import METRICS, metric_of
from .quantity import amount, change, seconds, share

Kind = Literal["value", "share", "rate", "absent"]
THINGS = ("host", "worker", "engine", "gpu")
RATE_OVER_S = 300.0
_COMPARED = re.compile(r"(?P<term>[^<>=]+?)\s*(?P<op>[<>]=?)\s*(?P<bound>[^<>=]+?)(?:\s+for\s+(?P<span>.+))?")
_CLEARED = re.compile(r"(?P<op>[<>]=?)\s*(?P<bound>[^<>=]+?)(?:\s+for\s+(?P<span>.+))?")
_ABSENT = re.compile(r"absent\(\s*(?P<thing>\w+)\s*\)(?:\s+for\s+(?P<span>.+))?")
_RATE = re.compile(r"rate\(\s*(?P<metric>[^,()]+?)\s*(?:,\s*(?P<over>[^()]+))?\)")


@dataclass(frozen=True, slots=True)
class Term:
    """What is looked at. `which` is the one GPU, disk, … that it is of ("*": each), `other` what a share is of."""

    kind: Kind
    metric: str
    which: str = "*"
    other: str = ""
    over_s: float = 0.0

    @property
    def unit(self) -> str:
        return "" if self.kind == "absent" else METRICS[self.metric].unit

    def bound(self, text: str) -> float:
        """Raises ValueError."""
        if self.kind == "share":
            return share(text)
        return change(text, self.unit) if self.kind == "rate" else amount(text, self.unit)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `above`: it is bad to be above `bound`, else below; it is good again beyond `clear`. Of a `term` of
    absence only the durations count. `host` is a pattern of machines' names. `title` is said instead of our own."""

    name: str
    term: Term
    above: bool = True
    bound: float = 0.0
    for_s: float = 0.0
    clear: float = 0.0
    clear_for_s: float = 0.0
    strict: bool = True
    """Whether the bound itself is still good."""
    level: str = "warning"
    host: str = "*"
    title: str = ""

    def bad(self, value: float) -> bool:
        if value == self.bound:
            return not self.strict
        return (value > self.bound) is self.above

    def good(self, value: float) -> bool:
        """Never together with `bad`."""
        return not self.bad(value) and (value == self.clear or (value < self.clear) is self.above)


def rule_of(name: str, when: str, clear: str = "") -> Rule:
    """Raises ValueError that says what cannot be read, and the mend."""
    absent = _ABSENT.fullmatch(when.strip())
    if absent is not None:
        return _absence(name, absent, clear)
    found = _COMPARED.fullmatch(when.strip())
    if found is None:
        raise ValueError(f"cannot be read: {when[:80]!r}; write it like 'gpu.temp_c > 85 for 30 s', "
                         "'rate(disk.used_bytes) > 1 GB/min' or 'absent(host) for 30 s'")
    term, op = _term(found["term"].strip()), found["op"]
    bound = term.bound(found["bound"])
    for_s = seconds(found["span"]) if found["span"] else 0.0
    rule = Rule(name, term, op[0] == ">", bound, for_s, bound, for_s, "=" not in op)
    return _with_clear(rule, clear) if clear else rule


def _absence(name: str, found: re.Match[str], clear: str) -> Rule:
    if found["thing"] not in THINGS:
        raise ValueError(f"nothing is known of {found['thing'][:40]!r}; absent() takes {', '.join(THINGS)}")
    if clear:
        raise ValueError("a rule of absence clears itself when the thing is there again; leave `clear` out")
    return Rule(name, Term("absent", found["thing"]), for_s=seconds(found["span"]) if found["span"] else 0.0)


def _with_clear(rule: Rule, clear: str) -> Rule:
    found = _CLEARED.fullmatch(clear.strip())
    if found is None:
        raise ValueError(f"`clear` cannot be read: {clear[:80]!r}; write it like '< 80' or '< 80 for 60 s'")
    bound = rule.term.bound(found["bound"])
    opposite, side = ("<", "below") if rule.above else (">", "above")
    if found["op"][0] != opposite or (bound > rule.bound if rule.above else bound < rule.bound):
        raise ValueError(f"`clear` must lie {side} the bound of `when`, as '{opposite} …'; got {clear[:80]!r}")
    return replace(rule, clear=bound, clear_for_s=seconds(found["span"]) if found["span"] else rule.for_s)


def _term(text: str) -> Term:
    rated = _RATE.fullmatch(text)
    if rated is not None:
        metric, which = _metric(rated["metric"])
        return Term("rate", metric, which, over_s=seconds(rated["over"]) if rated["over"] else RATE_OVER_S)
    part, slash, whole = (piece.strip() for piece in text.partition(" / "))
    metric, which = _metric(part)
    if not slash:
        return Term("value", metric, which)
    other, its = _metric(whole)
    if METRICS[other].scope != METRICS[metric].scope or METRICS[other].unit != METRICS[metric].unit or its != which:
        raise ValueError(f"{part} and {whole} are not of the same thing, or not in the same unit")
    return Term("share", metric, which, other)


def _metric(key: str) -> tuple[str, str]:
    """The metric's name, and which thing it is of."""
    found = metric_of(key)
    if found is None:
        near = [name for name in METRICS if name.partition(".")[0] == key.partition(".")[0]] or METRICS
        raise ValueError(f"there is no figure {key[:60]!r}; there are {', '.join(near)}")
    middle = key[len(found.scope) + 1 : len(key) - len(found.name.partition(".")[2])].removesuffix(".")
    return found.name, middle or "*"
