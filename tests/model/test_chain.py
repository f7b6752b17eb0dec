"""Workflows' order: names, places, circles, and any graph without one."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.errors import BadField
from echodeck.model.chain import Chained, Link, foresee, order, resolve


def test_names_and_places_are_the_same() -> None:
    links = [Link("a"), Link("b", ("a",)), Link("", (0, "b")), Link("d")]
    assert resolve(links) == (frozenset(), frozenset({0}), frozenset({0, 1}), frozenset())


def test_what_is_independent_keeps_its_place() -> None:
    edges = resolve([Link("late", ("first",)), Link("first"), Link("other")])
    assert order(edges) == [1, 0, 2]


@pytest.mark.parametrize(("links", "field", "words"), [
    ([Link("a"), Link("b", ("c",))], "jobs[1].after", "no job is named 'c'; there are a, b"),
    ([Link("", ("c",))], "jobs[0].after", "no job is named 'c'"),
    ([Link(), Link("", (2,))], "jobs[1].after", "counted from 0 to 1"),
    ([Link(), Link("", (-1,))], "jobs[1].after", "there is no jobs[-1]"),
    ([Link("a"), Link("a")], "jobs[1].name", "is the name of jobs[0] already"),
    ([Link("a", ("a",))], "jobs[0].after", "would never begin: a after a"),
])
def test_what_cannot_be_is_refused_naming_the_field(links: list[Link], field: str, words: str) -> None:
    with pytest.raises(BadField) as caught:
        resolve(links)
    assert caught.value.field == field
    assert words in caught.value.message


def test_a_circle_is_told_in_full() -> None:
    with pytest.raises(BadField) as caught:
        resolve([Link("a", ("c",)), Link("b", ("a",)), Link("c", ("b",)), Link("d")])
    said = caught.value.message.partition("would never begin: ")[2].split(" after ")
    assert len(said) == 4
    assert said[0] == said[-1]
    before = {"a": "c", "b": "a", "c": "b"}
    assert all(before[one] == other for one, other in pairwise(said))


@given(st.data())
def test_any_graph_without_a_circle_has_an_order(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    shuffled = data.draw(st.permutations(range(count)))
    # Each comes after some of those that are before it in a hidden order.
    edges = tuple(frozenset(data.draw(st.sets(st.sampled_from(shuffled[: shuffled.index(place)]))))
                  if shuffled.index(place) else frozenset[int]() for place in range(count))
    found = order(edges)
    assert sorted(found) == list(range(count))
    assert all(found.index(one) < found.index(place) for place in range(count) for one in edges[place])


def after(name: str, *waits: str, took_s: float = 10.0) -> Chained:
    return Chained(name, waits, "sketch", took_s)


def test_a_chain_is_foreseen_one_after_the_other() -> None:
    jobs = [after("c", "b"), after("b", "a"), after("d", "b", "c")]
    assert foresee(jobs, {"a": 5.0}, {"sketch": 2}) == {"b": (5.0, 15.0), "c": (15.0, 25.0), "d": (25.0, 35.0)}


def test_a_fan_has_only_so_many_lanes() -> None:
    fan = [after(name, "a") for name in "bcd"]
    assert foresee([*fan, after("e", "b", "c", "d")], {"a": 0.0}, {"sketch": 1})["e"] == (30.0, 40.0)
    assert foresee([*fan, after("e", "b", "c", "d")], {"a": 0.0}, {"sketch": 3})["e"] == (10.0, 20.0)


def test_what_waits_for_something_unknown_is_not_foreseen() -> None:
    assert foresee([after("b", "held"), after("c", "b")], {}, {"sketch": 1}) == {}
    assert foresee([after("b", "a")], {"a": 0.0}, {"other": 1}) == {}


@given(st.data())
def test_nothing_begins_before_what_it_comes_after(data: st.DataObject) -> None:
    names = [f"j{n}" for n in range(data.draw(st.integers(1, 10)))]
    jobs = [after(name, *data.draw(st.sets(st.sampled_from(["first", *names[:place]]), min_size=1)),
                  took_s=data.draw(st.floats(0.1, 100))) for place, name in enumerate(names)]
    lanes = data.draw(st.integers(1, 3))
    plan = foresee(data.draw(st.permutations(jobs)), {"first": 7.0}, {"sketch": lanes})
    assert set(plan) == set(names)
    for job in jobs:
        assert plan[job.id][0] >= max(7.0 if one == "first" else plan[one][1] for one in job.waits)
    for start_s, _ in plan.values():
        assert sum(begin <= start_s < end for begin, end in plan.values()) <= lanes
