"""Setting inputs by name, moving seeds, taking secrets out."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from echodeck.errors import BadField
from echodeck.model import workflow
from echodeck.model.workflow import Graph

GraphOf = Callable[[str], Graph]


@pytest.mark.parametrize(("key", "value", "node", "name", "becomes"), [
    ("3.steps", "30", "3", "steps", 30),
    ("KSampler.steps", "30", "3", "steps", 30),
    ("3.cfg", "7.5", "3", "cfg", 7.5),
    ("3.cfg", "7", "3", "cfg", 7),
    ("3.seed", str(2**64 - 1), "3", "seed", 2**64 - 1),
    ("3.steps", 12, "3", "steps", 12),
    ("3.steps", 12.0, "3", "steps", 12),
    ("3.sampler_name", "heun", "3", "sampler_name", "heun"),
    ("Empty Latent Image.width", "64", "5", "width", 64),
    ("VAEDecode.note", "5", "8", "note", "5"),
    ("8.flag", "off", "8", "flag", False),
    ("8.flag", True, "8", "flag", True),
    ("8.rows", "[1, 2]", "8", "rows", [1, 2]),
    ("8.nothing", "x", "8", "nothing", "x"),
    ("8.model.size", "2", "8", "model.size", 2),
    ("v1.5.name", "b", "30", "name", "b"),
])
def test_a_value_is_read_as_the_one_it_replaces(graph_of: GraphOf, key: str, value: Any, node: str, name: str,
                                               becomes: Any) -> None:
    graph = graph_of("sd15")
    graph["8"]["inputs"].update({"note": "", "flag": True, "rows": [0], "nothing": None, "model.size": 1})
    graph["30"] = {"class_type": "Loader", "inputs": {"name": "a"}, "_meta": {"title": "v1.5"}}
    before = deepcopy(graph)
    found = workflow.set_values(graph, {key: value})
    assert found[node]["inputs"][name] == becomes
    assert type(found[node]["inputs"][name]) is type(becomes)
    assert graph == before


@pytest.mark.parametrize(("key", "value", "says"), [
    ("steps", "1", "write NODE.INPUT=VALUE"),
    ("99.steps", "1", "there is no node '99'; there are 3 (KSampler), 4 (Load Checkpoint)"),
    ("3.stepz", "1", "has no input 'stepz'; it has seed, steps, cfg"),
    ("CLIPTextEncode.text", "a", "several nodes are called so; name one by its id: 6 (CLIP Text Encode (Prompt)), 7"),
    ("CLIP Text Encode (Prompt).text", "a", "several nodes"),
    ("3.model", "x", "fed by node 4 (Load Checkpoint)"),
    ("3.steps", "many", "must be a whole number, got 'many'"),
    ("3.steps", "2.5", "must be a whole number"),
    ("3.steps", True, "must be a whole number"),
    ("3.steps", None, "must be a whole number"),
    ("3.cfg", "high", "must be a number"),
    ("3.cfg", "nan", "must be a number"),
    ("3.cfg", "1e999", "must be a number"),
    ("3.seed", "9" * 400, "must be a whole number"),
    ("3.seed", "9" * 5000, "must be a whole number"),
    ("3.sampler_name", 5, "must be a text"),
    ("8.flag", "maybe", "must be true or false"),
    ("8.rows", "{}", "must be like [0]"),
    ("8.rows", "[", "must be JSON"),
    ("." * 2000, "1", "write NODE.INPUT=VALUE"),
])
def test_what_does_not_fit_is_named_with_its_mend(graph_of: GraphOf, key: str, value: Any, says: str) -> None:
    graph = graph_of("sd15")
    graph["8"]["inputs"].update({"flag": True, "rows": [0]})
    with pytest.raises(BadField) as caught:
        workflow.set_values(graph, {key: value})
    assert caught.value.field == "values"
    assert says in caught.value.message


def test_a_new_seed_moves_all_seeds_as_far(graph_of: GraphOf) -> None:
    graph = graph_of("sdxl_refiner")
    found = workflow.with_seed(graph, 5)
    assert found["10"]["inputs"]["noise_seed"] == 5
    assert found["11"]["inputs"]["noise_seed"] == (5 - 721897303308196) % 2**64
    assert workflow.facts(found).seed == 5
    assert graph["10"]["inputs"]["noise_seed"] == 721897303308196


@pytest.mark.parametrize(("name", "node", "place"), [
    ("sd15", "3", "seed"), ("flux", "25", "noise_seed"), ("lora_chain", "12", "seed"), ("partner", "1", "seed"),
    ("ltx_split", "10", "noise_seed"),
])
def test_the_seed_is_set_where_it_stands(graph_of: GraphOf, name: str, node: str, place: str) -> None:
    assert workflow.with_seed(graph_of(name), 2**64 - 1)[node]["inputs"][place] == 2**64 - 1


def test_a_seed_that_means_any_stays(graph_of: GraphOf) -> None:
    graph = graph_of("sd15")
    graph["3"]["inputs"]["seed"] = -1
    assert workflow.with_seed(graph, 5) == graph


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_has_64_bits(graph_of: GraphOf, seed: int) -> None:
    with pytest.raises(BadField, match="seed: must be 0 to"):
        workflow.with_seed(graph_of("sd15"), seed)


SECRET = {
    "api_key_comfy_org": "k", "auth_token_comfy_org": "t", "credential_x": {"a": 1}, "OPENAI_API_KEY": "k",
    "Authorization": "Bearer x", "accessToken": "t", "apikey": "k", "user": {"password": "p"},
    "list": [{"secret": "s"}], "hf_token": "t", "x-api-key-2": "k", "auth": {"user": "u"},
}
PLAIN = {"client_id": "c", "create_time": 5, "max_tokens": 77, "token": "", "preview_method": "auto", "keyframe": "a",
         "extra_pnginfo": {"workflow": {"nodes": [{"title": "author"}]}}, "monkey": "m", "tokenizer": "bpe",
         "token_normalization": "mean", "key_frames": "1, 5"}


def test_secrets_are_taken_out_and_nothing_else() -> None:
    assert workflow.redact({**PLAIN, **SECRET}) == {**PLAIN, "user": {}, "list": [{}]}
    assert workflow.redact(PLAIN) == PLAIN
    assert not workflow.has_secrets(PLAIN)
    for name, value in SECRET.items():
        assert workflow.has_secrets({**PLAIN, name: value})
        assert not workflow.has_secrets(workflow.redact({name: value}))


def test_what_is_nested_too_deeply_is_not_kept() -> None:
    deep: Any = {"token": "t"}
    for _ in range(500):
        deep = {"a": [deep]}
    assert workflow.has_secrets(deep)
    assert "token" not in str(workflow.redact(deep))
