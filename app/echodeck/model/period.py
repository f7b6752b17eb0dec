"""How often a machine is measured: fast while somebody watches a job run there, slowly while nobody needs it."""

from __future__ import annotations

FASTEST_S, SLOWEST_S = 0.2, 10.0
NORMAL_S = 1.0
"""Somebody watches an idle machine; or a job runs unwatched, and its peaks and its energy are still to be told."""
EASE = 0.1
"""An idle, unwatched machine is measured once in this share of the time it has been so: slower little by little."""
SHARE = 0.01
"""Measuring takes at most this share of one core."""


def period_s(*, running: bool, watched: bool, quiet_s: float = 0.0, cost_s: float = 0.0) -> float:
    """Seconds from one reading to the next.

    `running`: a job runs on this machine. `watched`: a viewer has it in view. `quiet_s`: since when neither is so, in
    seconds. `cost_s`: the CPU time of one reading as measured, which bounds how fast it may be.
    """
    if running and watched:
        wanted_s = FASTEST_S
    elif running or watched:
        wanted_s = NORMAL_S
    else:
        wanted_s = max(NORMAL_S, EASE * quiet_s)
    return min(SLOWEST_S, max(FASTEST_S, wanted_s, cost_s / SHARE))
