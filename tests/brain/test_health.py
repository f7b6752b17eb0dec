"""Health: what is how bad, which state of mind goes before which, and that every reason is said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.health import FAULTS, Vitals, examine, percentile_95

WELL = Vitals(engines={"sketch": "", "comfyui": ""}, decided_ago_s=5.0, in_hand=1, slots=2)


@pytest.mark.parametrize(("vitals", "status", "mind", "said"), [
    (WELL, "healthy", "active", []),
    (replace(WELL, decided_ago_s=60.0), "healthy", "idle", []),
    (replace(WELL, refused="the disk is full"), "unhealthy", "impaired", ["the disk is full"]),
    (Vitals(), "unhealthy", "inactive", ["no agent is online, so nothing can be generated"]),
    (replace(WELL, engines={"comfyui": "it is down"}), "unhealthy", "active",
     ["no engine can be used: comfyui: it is down"]),
    (replace(WELL, engines={"sketch": "", "comfyui": "it is down"}), "degraded", "active",
     ["comfyui cannot be used: it is down"]),
    (replace(WELL, late_s=0.3), "degraded", "impaired", ["the hub is 0.3 s late"]),
    (replace(WELL, write_s=0.8), "degraded", "impaired", ["the store takes 0.8 s to write"]),
    (replace(WELL, late_s=0.3, refused="full"), "unhealthy", "impaired", ["full", "the hub is 0.3 s late"]),
])
def test_what_is_how_bad(vitals: Vitals, status: str, mind: str, said: list[str]) -> None:
    health = examine(vitals)
    assert (health.status, health.consciousness, list(health.reasons)) == (status, mind, said)


def test_the_working_memory_is_what_is_in_hand_of_what_can_be() -> None:
    assert examine(WELL).working_memory == "1/2"


def test_the_worst_is_said_first() -> None:
    worst = [status for status, _ in FAULTS]
    assert worst == sorted(worst, key=["unhealthy", "degraded"].index)


@given(st.builds(Vitals, refused=st.sampled_from(["", "full"]),
                 engines=st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "down"])),
                 late_s=st.floats(0, 1), write_s=st.floats(0, 1), decided_ago_s=st.floats(0, 100)))
def test_it_is_healthy_exactly_when_nothing_is_said(vitals: Vitals) -> None:
    health = examine(vitals)
    assert (health.status == "healthy") == (not health.reasons)
    assert health.status == "unhealthy" or (vitals.engines and not vitals.refused)


def test_one_slow_write_in_twenty_counts() -> None:
    assert percentile_95([9.0] * 4) == 0.0, "too few to say"
    assert percentile_95([0.01] * 19 + [9.0]) == 0.01
    assert percentile_95([0.01] * 18 + [9.0] * 2) == 9.0
