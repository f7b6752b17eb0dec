"""What ComfyUI answers over REST while it works: to a submission, of its queue and of itself.

The functions take a decoded body, leave out what they do not know, and raise EngineError (code "bad_answer") for a
body that is something else altogether. Of `extra_data` nothing secret is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...model.engine import visible
from ...model.workflow import Graph, has_secrets, redact, tolerant
from .field import bad_answer, count, listed, mapping, number, seconds, text, texts

MARK = "echodeck"
"""Where in `extra_data` a prompt of ours says whose it is."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """`warnings` are about outputs that cannot be made though others can, a sentence each."""

    prompt_id: str
    number: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """`kind` is ComfyUI's word for it; `message` is one sentence that names the nodes and inputs."""

    kind: str
    message: str
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A prompt as it was queued. Smaller numbers run first; `ends` are the output nodes that were asked for.

    `extra` is `extra_data` without secrets; `had_secrets` says that there were some, without which the prompt cannot
    be queued again as it was. `mark` is what the submitter put there for us.
    """

    prompt_id: str
    number: float = 0.0
    graph: Graph = field(default_factory=dict)
    ends: tuple[str, ...] = ()
    client_id: str = ""
    created_s: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    had_secrets: bool = False
    mark: Any = None


@dataclass(frozen=True, slots=True)
class Queue:
    """Both in the order in which they run."""

    running: tuple[Item, ...] = ()
    pending: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Device:
    name: str
    type: str
    index: int | None = None
    vram_total_bytes: int = 0
    vram_free_bytes: int = 0


@dataclass(frozen=True, slots=True)
class SystemStats:
    """The server itself. Its command line, which may show private paths, is left out."""

    version: str
    os: str = ""
    python: str = ""
    torch: str = ""
    ram_total_bytes: int = 0
    ram_free_bytes: int = 0
    devices: tuple[Device, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeClass:
    """`partner`: the node calls a service that somebody has to pay for, with a key that is not in the graph."""

    name: str
    title: str
    output: bool = False
    partner: bool = False


def parse_prompt_answer(body: Any, graph: Graph) -> Accepted | Refused:
    """The answer to POST /prompt, of status 200 or 400; `graph` is what was submitted."""
    found = mapping(body)
    problems = [problem for node_id, node in mapping(found.get("node_errors")).items()
                for problem in _problems(node_id, mapping(node), graph)]
    if prompt_id := text(found.get("prompt_id")):
        return Accepted(prompt_id, number(found.get("number")) or 0.0, tuple(problems))
    error = found.get("error")
    if not error:
        raise bad_answer("POST /prompt", "it neither accepts nor refuses")
    about = mapping(error)
    message = visible(text(about.get("message")) or text(error)) or "ComfyUI refused the workflow"
    details = visible(text(about.get("details")))
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        message = f"{problems[0]}{more}"
    elif details and details != message:
        message = f"{message.rstrip('.')}: {details}"
    nodes = list(mapping(found.get("node_errors"))) or [text(mapping(about.get("extra_info")).get("node_id"))]
    return Refused(text(about.get("type")) or "refused", message[:1000], tuple(filter(None, nodes)))


def _problems(node_id: str, node: dict[str, Any], graph: Graph) -> list[str]:
    """What is wrong with a node, a sentence each. Of a node without an error of its own another one is wrong."""
    meta = mapping(graph.get(node_id, {}).get("_meta"))
    kind = text(node.get("class_type")) or text(graph.get(node_id, {}).get("class_type"))
    title = visible(text(meta.get("title")) or kind)[:80] or "node"
    said = []
    for error in map(mapping, listed(node.get("errors"))):
        name = text(mapping(error.get("extra_info")).get("input_name"))
        message, details = visible(text(error.get("message"))), visible(text(error.get("details")))
        where = f"{title} (node {node_id[:40]})" + (f", input {name[:80]}" if name else "")
        said.append(f"{where}: {message}" + (f" ({details[:300]})" if details and details != name else ""))
    return said


def parse_queue(body: Any) -> Queue:
    """The body of GET /queue. Pending prompts come as the heap has them: they are put in order here."""
    if not isinstance(body, dict) or not isinstance(body.get("queue_running"), list):
        raise bad_answer("GET /queue", "it has no queue_running")
    running, pending = (sorted(map(parse_item, filter(is_item, listed(body.get(name)))), key=lambda item: item.number)
                        for name in ("queue_running", "queue_pending"))
    return Queue(tuple(running), tuple(pending))


def is_item(value: Any) -> bool:
    return isinstance(value, list) and len(value) >= 3 and isinstance(value[1], str) and value[1] != ""


def parse_item(value: list[Any]) -> Item:
    """One prompt: [number, id, graph, extra_data, outputs to execute]; see `is_item`."""
    given = mapping(value[3] if len(value) > 3 else None)
    return item_of(value[1], value[2], given, number(value[0]), texts(value[4] if len(value) > 4 else None))


def item_of(prompt_id: str, graph: Any, extra_data: dict[str, Any], priority: float | None,
            ends: tuple[str, ...] = ()) -> Item:
    extra = redact(extra_data)
    return Item(text(prompt_id), priority or 0.0, tolerant(graph), ends, text(extra.get("client_id")),
                seconds(extra.get("create_time")), extra, has_secrets(extra_data), extra.get(MARK))


def parse_system_stats(body: Any) -> SystemStats:
    """The body of GET /system_stats."""
    if not isinstance(body, dict) or not isinstance(body.get("system"), dict):
        raise bad_answer("GET /system_stats", "it says nothing of the system; is this a ComfyUI?")
    system = body["system"]
    return SystemStats(
        text(system.get("comfyui_version"), 100), text(system.get("os"), 100), text(system.get("python_version"), 200),
        text(system.get("pytorch_version"), 100), count(system.get("ram_total")), count(system.get("ram_free")),
        tuple(_device(device) for device in map(mapping, listed(body.get("devices")))),
    )


def _device(device: dict[str, Any]) -> Device:
    index = number(device.get("index"))
    return Device(text(device.get("name"), 200), text(device.get("type"), 100), None if index is None else int(index),
                  count(device.get("vram_total")), count(device.get("vram_free")))


def parse_object_info(body: Any) -> dict[str, NodeClass]:
    """The node classes that the server has: the body of GET /object_info, or of one class of it."""
    if not isinstance(body, dict):
        raise bad_answer("GET /object_info", "it is no JSON object")
    return {name: _node_class(name, mapping(info)) for name, info in body.items()}


def _node_class(name: str, info: dict[str, Any]) -> NodeClass:
    """Partner nodes say so in newer versions; in older ones it can be told from where they come."""
    module, category = text(info.get("python_module")), text(info.get("category"))
    partner = info.get("api_node") is True or module.startswith("comfy_api_nodes") or category.startswith("api node")
    return NodeClass(name, visible(text(info.get("display_name"))) or name, info.get("output_node") is True, partner)
