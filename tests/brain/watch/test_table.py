"""The table of alerts in the settings."""

from __future__ import annotations

from typing import Any

import pytest

from echodeck.brain.watch.table import BUILT_IN, RULES, watches_of
from echodeck.errors import ConfigError


def test_what_is_on_from_the_beginning() -> None:
    found = watches_of({})
    assert [rule.name for rule in found.rules] == [*RULES]
    assert all(getattr(found, name) is not None for name in BUILT_IN)


def test_a_table_of_the_same_name_replaces_key_by_key() -> None:
    found = watches_of({"gpu_hot": {"level": "error", "host": "studio*"}, "memory_full": {"off": True},
                        "mine": {"when": "cpu.percent > 99 for 1 h", "title": "busy"},
                        "stall": {"times": 6, "least": "2 min"}, "leak": {"off": True}})
    rules = {rule.name: rule for rule in found.rules}
    assert (rules["gpu_hot"].level, rules["gpu_hot"].host, rules["gpu_hot"].bound) == ("error", "studio*", 90.0)
    assert "memory_full" not in rules
    assert (rules["mine"].title, rules["mine"].for_s) == ("busy", 3600.0)
    assert found.stall is not None
    assert (found.stall.times, found.stall.least_s) == (6.0, 120.0)
    assert found.leak is None


def test_another_bound_does_not_keep_our_clear() -> None:
    rules = {rule.name: rule for rule in watches_of({"gpu_hot": {"when": "gpu.temp_c > 70"}}).rules}
    assert rules["gpu_hot"].clear == 70.0


@pytest.mark.parametrize(("table", "where"), [
    ({"hot": "gpu.temp_c > 85"}, r"alerts\.hot: expected a table"),
    ({"hot": {"when": "gpu.tmp_c > 85"}}, r"alerts\.hot\.when: there is no figure"),
    ({"hot": {"when": "gpu.temp_c > 85", "clear": "< 90"}}, r"alerts\.hot\.clear: "),
    ({"hot": {"level": "warning"}}, r"alerts\.hot\.when: is missing"),
    ({"hot": {"when": "gpu.temp_c > 85", "levl": "error"}}, r"alerts\.hot\.levl: unknown; there are when"),
    ({"hot": {"when": "gpu.temp_c > 85", "level": "loud"}}, r"alerts\.hot\.level: there are success"),
    ({"hot": {"when": 85}}, r"alerts\.hot\.when: expected text, got 85"),
    ({"gpu_hot": {"off": "yes"}}, r"alerts\.gpu_hot\.off: expected true or false"),
    ({"stall": {"when": "gpu.temp_c > 85"}}, r"alerts\.stall\.when: unknown; there are times, least"),
    ({"stall": {"least": "soon"}}, r"alerts\.stall\.least: expected a duration"),
    ({"stall": {"times": -1}}, r"alerts\.stall\.times: expected a number above 0"),
    ({"slow": {"percent": True}}, r"alerts\.slow\.percent: expected a number"),
    ({"slow": {"level": 3}}, r"alerts\.slow\.level: there are"),
])
def test_what_is_wrong_is_named_with_its_place(table: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError, match=where):
        watches_of(table)
