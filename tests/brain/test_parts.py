"""Which parts begin switched off."""

from __future__ import annotations

import pytest

from echodeck.brain.parts import PARTS, off_at_start
from echodeck.errors import ConfigError


def test_all_are_on_unless_named() -> None:
    assert off_at_start({}) == frozenset()
    assert off_at_start({"off": ["order", "ladder"]}) == {"order", "ladder"}
    assert off_at_start({"off": list(PARTS)}) == set(PARTS)


@pytest.mark.parametrize(("off", "said"), [("order", "a list of names"), ([7], "a list of names"), (True, "a list"),
                                           (["ordre"], "no part is called 'ordre'")])
def test_what_is_wrong_is_named(off: object, said: str) -> None:
    with pytest.raises(ConfigError, match=f"brain.off: .*{said}"):
        off_at_start({"off": off})


def test_a_key_that_nobody_reads_is_named() -> None:
    assert off_at_start({"overtake": 2, "mend": {}, "ladder": {}}) == frozenset()
    with pytest.raises(ConfigError, match=r"brain\.offf: unknown; there are off, overtake, mend, ladder"):
        off_at_start({"offf": ["order"]})
