"""The tables of echodeck.toml: what they come to, and that every mistake names its key and the mend."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from echodeck.brain.ladder import Ladder, Rung
from echodeck.brain.limits import Climbing, climbing, ladders, limits
from echodeck.brain.mend import Limits
from echodeck.errors import ConfigError

GOOD = """
[brain.mend]
tries = 4
allow = ["batch", "resolution"]
[brain.ladder]
final = 90
frozen = true
[ladders.portraits]
engine = "diffusers"
rungs = [{model = "sd15", steps = 20}, {model = "sdxl", steps = 30}, {model = "sdxl", steps = 60}]
lowest = "sd15"
highest = "sdxl steps 30"
moves = 1
"""


def test_what_is_set_and_what_is_not() -> None:
    read = tomllib.loads(GOOD)
    assert limits(read["brain"]) == Limits(tries=4, allow=("batch", "resolution"))
    made = climbing(read["brain"])
    assert (made.bounds["final"], made.bounds["draft"], made.frozen) == (90.0, 40.0, True)
    rungs = (Rung("sd15", {"steps": 20}), Rung("sdxl", {"steps": 30}), Rung("sdxl", {"steps": 60}))
    assert ladders(read["ladders"]) == {"portraits": Ladder("portraits", "diffusers", rungs, 0, 1, 1)}
    assert (limits({}), climbing({}), ladders({})) == (Limits(), Climbing(), {})


RUNGS = [{"model": "a"}, {"model": "b"}]


@pytest.mark.parametrize(("read", "table", "said"), [
    (limits, {"mend": 3}, "brain.mend: must be a table"),
    (limits, {"mend": {"trys": 3}}, "brain.mend.trys: unknown; there are tries"),
    (limits, {"mend": {"tries": 0}}, "brain.mend.tries: a number from 1"),
    (limits, {"mend": {"tries": 2.5}}, "brain.mend.tries: a whole number"),
    (limits, {"mend": {"tries": True}}, "brain.mend.tries: a number"),
    (limits, {"mend": {"allow": ["all"]}}, "brain.mend.allow: a list of batch, tiles, resolution"),
    (climbing, {"ladder": {"frozen": 1}}, "brain.ladder.frozen: true or false"),
    (climbing, {"ladder": {"target": 2}}, "brain.ladder.target: a number from 0 to 1"),
    (climbing, {"ladder": {"standard": 90}}, "brain.ladder.final: must not be less than standard"),
    (ladders, {"x": {"rungs": RUNGS}}, "ladders.x.engine: a name is needed"),
    (ladders, {"x": {"engine": "e", "rungs": []}}, "ladders.x.rungs: a list with at least one"),
    (ladders, {"x": {"engine": "e", "rungs": ["a"]}}, r"ladders.x.rungs\[0\]: must be a table"),
    (ladders, {"x": {"engine": "e", "rungs": [{"model": "a", "cfg": 3}]}}, r"rungs\[0\].cfg: unknown"),
    (ladders, {"x": {"engine": "e", "rungs": [RUNGS[0], {"model": "b", "steps": 3}]}}, "set the same fields"),
    (ladders, {"x": {"engine": "e", "rungs": [RUNGS[0], RUNGS[0]]}}, "two rungs are the same"),
    (ladders, {"x": {"engine": "e", "rungs": RUNGS, "lowest": "c"}}, "ladders.x.lowest: names no single rung: 'c'"),
    (ladders, {"x": {"engine": "e", "rungs": RUNGS, "lowest": "b", "highest": "a"}}, "lowest: lies above highest"),
    (ladders, {"a/b c": {}}, "ladders.'a/b c': a ladder's name has no '/'.*call it 'a-b-c'"),
    (ladders, {" ": {}}, "call it 'portraits'"),
])
def test_a_mistake_names_its_key_and_the_mend(read: Any, table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(table)
