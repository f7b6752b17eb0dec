"""Which channels a notice goes to, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from ...errors import ConfigError
from .channels import Route, Setup
from .notice import ENDINGS, Notice


def check_rules(setup: Setup, known: Iterable[str]) -> None:
    """Raises ConfigError for a rule that no alert is of; whole causes and patterns ("disk:a", "gpu_*") may be any."""
    names = sorted(known)
    for route in setup.routes:
        for rule in sorted(route.rules):
            if rule not in names and not re.search(r"[:*?\[]", rule):
                raise ConfigError(f"notify.routes.{route.name}.rules: no alert is of {rule!r}; there are "
                                  f"{', '.join(names)}, and patterns like \"rule:gpu_*\"")


def channels_for(setup: Setup, notice: Notice) -> dict[str, str]:
    """Channels by name, each with the reason: the first route that names it."""
    found: dict[str, str] = {}
    for route in setup.routes:
        why = reason(route, notice)
        for name in route.to if why else ():
            # That a channel does not work is not told through it.
            if notice.cause != f"notify:{name}":
                found.setdefault(name, why)
    return found


def reason(route: Route, notice: Notice) -> str:
    """Why the notice goes this way; "" if it does not."""
    if route.users and notice.user not in route.users:
        return ""
    why = _ended(route, notice) if notice.kind in ENDINGS else _alerted(route, notice)
    whose = f" of {notice.user}" if route.users else ""
    return f"the route {route.name} is for {why}{whose}" if why else ""


def _ended(route: Route, notice: Notice) -> str:
    if notice.kind in route.endings:
        return f"{notice.kind} jobs"
    # A job that failed is an error too, and is told once, whichever way it is asked for.
    return _alert(route, notice) if notice.kind == "failed" else ""


def _alerted(route: Route, notice: Notice) -> str:
    if notice.kind == "resolved" and not route.resolved:
        return ""
    return _alert(route, notice)


def _alert(route: Route, notice: Notice) -> str:
    """By level, by rule, or with both given: by both."""
    if route.levels and notice.level not in route.levels:
        return ""
    if route.rules and not any(fnmatchcase(notice.cause, rule) or notice.rule == rule for rule in route.rules):
        return ""
    if route.rules:
        return f"alerts of {notice.rule}"
    return f"alerts of the level {notice.level}" if route.levels else ""
