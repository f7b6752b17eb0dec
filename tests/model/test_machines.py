"""Names: a machine keeps its own, a namesake gets another, whoever comes first and however often they are started."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.model.machines import Machine, name_for

X = Machine("x", "x", "id-1", "boot-1")


@pytest.mark.parametrize(("hello", "known", "here", "name"), [
    (Machine("x", "x", "id-1", "boot-1"), [], set(), "x"),
    (Machine("x", "x", "id-1", "boot-1"), [X], {"x"}, "x"),
    (Machine("x", "x", "id-1", "boot-2"), [X], set(), "x"),
    (Machine("x", "x", "id-2", "boot-1"), [X], {"x"}, "x"),
    (Machine("x", "x", "id-2", "boot-2"), [X], {"x"}, "x (2)"),
    (Machine("x", "x", "id-1", "boot-2"), [X], {"x"}, "x (2)"),
    (Machine("x", "x", "id-2", "boot-2"), [X], set(), "x"),
    (Machine("x", "x", "id-3", "boot-3"), [X], {"x", "x (2)"}, "x (3)"),
    (Machine("x", "x", "id-2", "boot-3"), [X, Machine("x (2)", "x", "id-2", "boot-2")], {"x"}, "x (2)"),
    (Machine("x", "x", "id-2", "boot-2"), [X, Machine("x (2)", "x", "id-2", "boot-2")], set(), "x (2)"),
    (Machine("x", "x", "id-2", ""), [Machine("x", "x", "id-1", "")], {"x"}, "x (2)"),
    (Machine("x", "x", "id-1", ""), [Machine("x", "x", "id-1", "")], {"x"}, "x"),
    (Machine("x", "x"), [X], {"x"}, "x"),
    (Machine("x", "x", "id-1", "boot-1"), [Machine("x", "x")], {"x"}, "x"),
], ids=["new", "a second agent of it", "started anew", "a container on it", "a namesake", "a clone", "installed anew",
        "a third", "a namesake started anew", "a namesake while the first is away", "without a boot: another",
        "without a boot: the same", "it says nothing", "the known one said nothing"])
def test_what_it_is_called(hello: Machine, known: list[Machine], here: set[str], name: str) -> None:
    assert name_for(hello, known, here) == name


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("123"), st.sampled_from("pqr"), st.booleans()),
                max_size=20))
def test_no_two_that_run_at_once_have_one_name(events: list[tuple[str, str, str, bool]]) -> None:
    """(name, id, boot, whether it comes or goes): of those here, each name is one kernel's."""
    known: dict[str, Machine] = {}
    here: dict[str, str] = {}
    for asked, id_, boot, comes in events:
        if not comes:
            here = {name: one for name, one in here.items() if one != boot}
            continue
        name = name_for(Machine(asked, asked, id_, boot), known.values(), here)
        assert here.get(name, boot) == boot
        known[name], here[name] = Machine(name, asked, id_, boot), boot
