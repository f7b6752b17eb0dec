"""What holds for every workflow there may be: random graphs, random bytes."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from echodeck.errors import BadField
from echodeck.model import workflow
from echodeck.model.png import SIGNATURE
from echodeck.model.workflow import Graph

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Nothing is timed here: other tests may run beside these."""

CLASSES = ("KSampler", "CLIPTextEncode", "SaveImage", "Reroute", "PrimitiveInt", "SamplerCustom", "SplitSigmas",
           "LoraLoader", "ConditioningZeroOut", "Strange node ☃")
NAMES = ("seed", "noise_seed", "steps", "cfg", "text", "width", "height", "value", "model", "positive", "negative",
         "sigmas", "sampler", "latent_image", "lora_name", "filename_prefix", "conditioning", "denoise", "step", "")
LITERALS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(-1e6, 1e6) | st.text(max_size=12)
JSON = st.recursive(LITERALS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner,
                                                                                        max_size=4), max_leaves=20)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Graphs without circles: a node is fed by earlier ones only."""
    graph: Graph = {}
    for index in range(draw(st.integers(1, 9))):
        sources = [st.tuples(st.sampled_from(sorted(graph)), st.integers(0, 2)).map(list)] if graph else []
        value = st.one_of(LITERALS, *sources, *sources)
        inputs = draw(st.dictionaries(st.sampled_from(NAMES), value, max_size=6))
        graph[str(index)] = {"class_type": draw(st.sampled_from(CLASSES)), "inputs": inputs,
                             "_meta": {"title": draw(st.sampled_from(["", "One", "Two"]))}}
    return graph


def renamed(graph: Graph, seed: int) -> Graph:
    """The same graph with other ids and titles, its nodes and inputs in another order."""
    chance = random.Random(seed)
    ids = dict(zip(graph, chance.sample([f"{i}:{seed}" for i in range(100)], len(graph)), strict=True))
    shuffled = chance.sample(list(graph), len(graph))
    other: Graph = {}
    for node_id in shuffled:
        inputs = {name: [ids[value[0]], value[1]] if isinstance(value, list) else value
                  for name, value in graph[node_id]["inputs"].items()}
        names = chance.sample(list(inputs), len(inputs))
        other[ids[node_id]] = {"_meta": {"title": f"T{seed}"}, "inputs": {name: inputs[name] for name in names},
                               "class_type": graph[node_id]["class_type"]}
    return other


@unhurried
@given(graphs(), st.integers(0, 999))
def test_the_shape_does_not_depend_on_ids_titles_and_order(graph: Graph, seed: int) -> None:
    assert workflow.shape(renamed(graph, seed)) == workflow.shape(graph)


@unhurried
@given(graphs(), st.integers(0, 2**64 - 1), st.text(max_size=20))
def test_the_shape_does_not_depend_on_seeds_and_prompts(graph: Graph, seed: int, text: str) -> None:
    other = deepcopy(graph)
    for node in other.values():
        for name, value in (("seed", seed), ("noise_seed", seed), ("text", text)):
            if type(node["inputs"].get(name)) is type(value):
                node["inputs"][name] = value
    assert workflow.shape(other) == workflow.shape(graph)


@unhurried
@given(graphs())
def test_every_graph_can_be_written_read_and_told_of(graph: Graph) -> None:
    text = json.dumps(graph)
    assert workflow.read(text) == graph
    nodes = workflow.stages(graph)
    assert len({node.title for node in nodes}) == len({node.id for node in nodes}) == len(nodes) > 0
    place = {node.id: index for index, node in enumerate(nodes)}
    for node in nodes:
        fed = [value[0] for value in graph[node.id]["inputs"].values() if isinstance(value, list)]
        assert all(place[source] < place[node.id] for source in fed)
    found = workflow.facts(graph)
    assert found.batch >= 1
    assert found.frames >= 1
    assert json.dumps(graph) == text


@unhurried
@given(graphs(), st.integers(0, 2**64 - 1))
def test_the_seed_that_was_set_is_the_seed(graph: Graph, seed: int) -> None:
    changed = workflow.with_seed(graph, seed)
    assert workflow.facts(changed).seed == seed or changed == graph


@unhurried
@given(graphs(), st.data())
def test_what_was_set_is_there_and_nothing_else_changed(graph: Graph, data: st.DataObject) -> None:
    places = [(node_id, name) for node_id, node in graph.items() for name, value in node["inputs"].items()
              if not isinstance(value, list) and value is not None]
    assume(places)
    node_id, name = data.draw(st.sampled_from(places))
    present = graph[node_id]["inputs"][name]
    kinds: dict[type, Any] = {bool: st.booleans(), int: st.integers(-(2**63), 2**64 - 1), str: st.text(max_size=20),
                              float: st.floats(-1e9, 1e9)}
    value = data.draw(kinds[type(present)])
    changed = workflow.set_values(graph, {f"{node_id}.{name}": str(value)})
    assert changed[node_id]["inputs"][name] == value
    changed[node_id]["inputs"][name] = present
    assert changed == graph


@unhurried
@given(st.dictionaries(st.text(max_size=20), JSON, max_size=4))
def test_what_is_redacted_has_no_secrets(extra_data: dict[str, Any]) -> None:
    clean = workflow.redact(extra_data)
    assert not workflow.has_secrets(clean)
    assert (clean == extra_data) is not workflow.has_secrets(extra_data)


@unhurried
@given(st.binary(max_size=300) | st.binary(max_size=300).map(SIGNATURE.__add__) | st.text(max_size=100))
@example(b"RIFF")
@example(b"\x00\x00")
def test_reading_any_bytes_gives_a_graph_or_a_reason(data: bytes | str) -> None:
    with suppress(BadField):
        assert workflow.read(data)


NODES = st.fixed_dictionaries({"class_type": JSON | st.just("A")}, optional={"inputs": JSON, "_meta": JSON})


@unhurried
@given(st.dictionaries(st.text(max_size=4), JSON | NODES, max_size=5) | JSON)
def test_reading_any_json_gives_a_graph_or_a_reason(value: Any) -> None:
    tolerated = workflow.tolerant(value)
    try:
        graph = workflow.read(json.dumps(value))
    except BadField:
        graph = tolerated
    for each in (graph, tolerated):
        workflow.facts(each), workflow.shape(each), workflow.stages(each)
        workflow.with_seed(each, 1)
