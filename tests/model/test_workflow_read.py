"""What is taken as a workflow, and what is said of everything else."""

from __future__ import annotations

import io
import json
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from echodeck.errors import BadField
from echodeck.model import workflow
from echodeck.model.png import SIGNATURE

GRAPH: dict[str, Any] = {"1": {"class_type": "Load", "inputs": {"name": "a"}},
                         "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}, "_meta": {"title": "Out"}}}
PAGE = {"last_node_id": 2, "last_link_id": 1, "nodes": [{"id": 1, "type": "Load"}], "links": [], "version": 0.4}


def png(**texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    file = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(file, "png", pnginfo=info)
    return file.getvalue()


def refused(data: bytes | str) -> str:
    with pytest.raises(BadField) as caught:
        workflow.read(data)
    assert caught.value.field == "workflow"
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("data", [
    json.dumps(GRAPH),
    json.dumps(GRAPH).encode(),
    b"\xef\xbb\xbf" + json.dumps(GRAPH).encode(),
    json.dumps({"prompt": GRAPH, "client_id": "x", "extra_data": {}}),
    png(prompt=json.dumps(GRAPH), workflow=json.dumps(PAGE)),
    png(workflow=json.dumps(PAGE), prompt=json.dumps(GRAPH)),
])
def test_api_format_is_read_from_json_a_request_and_a_png(data: bytes | str) -> None:
    assert workflow.read(data) == GRAPH


def test_the_first_part_of_a_png_is_enough() -> None:
    data = png(prompt=json.dumps(GRAPH), workflow=json.dumps(PAGE))
    assert workflow.read(data[: data.index(b"IDAT") + 100]) == GRAPH


def test_a_node_without_inputs_has_none() -> None:
    assert workflow.read('{"1": {"class_type": "SaveImage"}}') == {"1": {"inputs": {}, "class_type": "SaveImage"}}


def test_what_json_cannot_say_becomes_null() -> None:
    found = workflow.read('{"1": {"class_type": "A", "inputs": {"a": NaN, "b": -Infinity, "c": 1e999, '
                          f'"d": {1 << 64}, "e": {(1 << 64) - 1}, "f": {"9" * 5000}, "g": "\\ud800!"}},'
                          '"is_changed": [NaN]}}')
    assert found["1"]["inputs"] == {"a": None, "b": None, "c": None, "d": None, "e": (1 << 64) - 1, "f": None,
                                    "g": "?!"}
    assert found["1"]["is_changed"] == [None]


@pytest.mark.parametrize(("data", "says"), [
    (b"", "is empty"),
    ("  \n", "is empty"),
    ("{}", "no nodes"),
    ("[1, 2]", "no workflow"),
    ("null", "no workflow"),
    ("{nodes}", "not JSON"),
    (json.dumps(PAGE), "Export (API)"),
    (json.dumps({"nodes": [], "links": []}), "format of ComfyUI's page"),
    (json.dumps({"1": {"inputs": {}}}), "node '1' has no class_type"),
    (json.dumps({**GRAPH, "extra": {}}), "node 'extra' has no class_type"),
    (json.dumps({"1": {"class_type": "A", "inputs": []}}), "no JSON object"),
    (json.dumps({"1": {"class_type": "A", "inputs": {"a": ["9", 0]}}}), "linked to node '9', which is missing"),
    (json.dumps({"1": {"class_type": "A", "inputs": {"a": ["2", 0]}}, "2": {"class_type": "A",
                 "inputs": {"a": ["1", 0]}}}), "circle: 1, 2"),
    (json.dumps({"1": {"class_type": "A", "inputs": {"a": ["1", 0]}}}), "circle: 1"),
    (json.dumps({"x" * 301: {"class_type": "A"}}), "more than 300"),
    (json.dumps({str(i): {"class_type": "A"} for i in range(2001)}), "2,001 nodes"),
    (json.dumps({"1": {"class_type": "A", "inputs": dict.fromkeys(map(str, range(20_001)))}}), "20,001 inputs"),
    (b"\xff\xd8\xff\xe0 jpeg", "a JPEG"),
    (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "a WebP"),
    (b"\x00\x00\x00\x20ftypisom", "a video"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"GIF89a", "a GIF"),
    (b"\x80\x81\x82", "neither JSON in UTF-8 nor a PNG"),
    ("[" * 100_000, "too deeply"),
    ('{"1": {"class_type": "A", "inputs": {"a": ' + "[" * 80 + "]" * 80 + "}}}", "too deeply"),
    (" " * ((8 << 20) + 1), "are the most"),
    (png(), "no workflow is embedded"),
    (png(parameters="steps: 20"), "no workflow is embedded"),
    (png(workflow=json.dumps(PAGE)), "as ComfyUI's page draws it"),
    (png(prompt="{"), "not JSON"),
    (SIGNATURE, "no workflow is embedded"),
])
def test_everything_else_is_refused_with_what_to_do(data: bytes | str, says: str) -> None:
    assert says in refused(data)


def test_a_zip_bomb_in_a_png_is_refused() -> None:
    body = b"prompt\0\0" + zlib.compress(b" " * (64 << 20), 9)
    assert "more than" in refused(SIGNATURE + struct.pack(">I", len(body)) + b"zTXt" + body + b"\0\0\0\0")


def test_of_others_graphs_what_can_be_used_is_used() -> None:
    strange = {"1": {"class_type": "A", "inputs": {"a": ["9", 0]}}, "2": {"class_type": "B"}, "3": {"inputs": {}},
               "4": 5, "5": {"class_type": "C", "inputs": [1]}}
    graph = workflow.tolerant(strange)
    assert list(graph) == ["1", "2"]
    assert [node.id for node in workflow.stages(graph)] == ["1", "2"]
    assert workflow.tolerant([1]) == workflow.tolerant(None) == {}


def test_the_export_is_explained_in_every_refusal_that_it_mends() -> None:
    for data in (json.dumps(PAGE), b"\xff\xd8\xff", png(), png(workflow="{}"), ""):
        assert "Workflow > Export (API)" in refused(data)
        assert "Save (API Format)" in refused(data)
