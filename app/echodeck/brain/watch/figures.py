"""Rules over the figures of machines: thresholds, shares and rates, each GPU and disk by itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from statistics import linear_regression

from ...model.metric import METRICS
from ...model.record import Host
from .finding import Finding
from .quantity import said, span
from .readings import readings
from .rule import Rule, Term
from .trigger import Trigger

STALE_S = 120.0
"""What is not measured for so long is not known any more, and nothing is said of it."""
GAP_PERIODS = 5.0
LEAST_GAP_S = 30.0


def values_of(term: Term, host: Host) -> Iterator[tuple[str, float]]:
    """(which thing, value); what is not measured is left out. Of a rate: the figure that it is the rate of."""
    of = readings(host, term.other) if term.kind == "share" else {}
    for which, value in readings(host, term.metric).items():
        if term.which not in ("*", which):
            continue
        if term.kind != "share":
            yield which, value
        elif of.get(which):
            yield which, value / of[which]


@dataclass(slots=True)
class _Watched:
    """A rule on one thing of one machine."""

    rule: Rule
    host: str
    which: str
    trigger: Trigger
    worst: float = 0.0
    window: deque[tuple[float, float]] = field(default_factory=deque)

    def see(self, at_s: float, value: float, gap_s: float) -> None:
        rated = self._rate(at_s, value) if self.rule.term.kind == "rate" else value
        if rated is None:
            return
        self.trigger.gap_s = gap_s
        was_open = self.trigger.open
        if self.trigger.see(at_s, bad=self.rule.bad(rated), good=self.rule.good(rated)):
            worse = max if self.rule.above else min
            self.worst = worse(self.worst, rated) if was_open else rated

    def _rate(self, at_s: float, value: float) -> float | None:
        """Units a second over the window: the slope of a straight line; None until half of the window is known."""
        over_s = self.rule.term.over_s
        if self.window and at_s <= self.window[-1][0]:
            return None
        self.window.append((at_s, value))
        while self.window and self.window[0][0] < at_s - over_s:
            self.window.popleft()
        if len(self.window) < 3 or at_s - self.window[0][0] < over_s / 2:
            return None
        return linear_regression([at - at_s for at, _ in self.window], [value for _, value in self.window]).slope

    def finding(self) -> Finding:
        rule, what = self.rule, METRICS[self.rule.term.metric]
        where = f"{what.scope.upper() if what.scope == 'gpu' else what.scope} {self.which} of {self.host}" \
            if self.which else self.host
        side, bound = "above" if rule.above else "below", _said(rule.term, rule.bound)
        label = {"share": f"{what.label} as a share of {METRICS[rule.term.other or rule.term.metric].label}",
                 "rate": f"change of {what.label}"}.get(rule.term.kind, what.label)
        title = rule.title or f"{where}: {label} {side} {bound}"
        lasted = f" for {span(rule.for_s)}" if rule.for_s else ""
        message = f"it was {side} {bound}{lasted}, and reached {_said(rule.term, self.worst)}"
        cause = ":".join(part for part in ("rule", rule.name, self.host, self.which) if part)
        return Finding(cause, rule.level, title, message, self.host)


def _said(term: Term, value: float) -> str:
    if term.kind == "share":
        return f"{100 * value:.1f} %"
    if term.kind == "rate":
        return f"{said(60 * value, term.unit)}/min"
    return said(value, term.unit)


class FigureRules:
    """Feed it each sample of each machine; ask what is found."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = [rule for rule in rules if rule.term.kind != "absent"]
        self._watched: dict[tuple[str, str, str], _Watched] = {}

    def sampled(self, host: Host) -> None:
        """Samples of one machine come in the order of time; an older one is passed over."""
        rules = [rule for rule in self._rules if fnmatchcase(host.name, rule.host)]
        gap_s = max(LEAST_GAP_S, GAP_PERIODS * host.period_s)
        for rule in rules:
            for which, value in values_of(rule.term, host):
                key = (rule.name, host.name, which)
                if key not in self._watched:
                    self._watched[key] = _Watched(rule, host.name, which, Trigger(rule.for_s, rule.clear_for_s))
                self._watched[key].see(host.at_s, value, gap_s)

    def findings(self, now_s: float) -> Iterator[Finding]:
        for key, one in [*self._watched.items()]:
            if now_s - (one.trigger.last_s or 0.0) > max(STALE_S, one.rule.clear_for_s):
                del self._watched[key]
            elif one.trigger.open:
                yield one.finding()
