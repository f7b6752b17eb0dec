"""What can be set in a workflow: the literals of the nodes that run, what people change most first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .facts import facts
from .graph import Graph, class_of, inputs_of
from .plan import stages
from .sampler import SEEDS
from .words import AMOUNTS, is_text

MAX_TEXT_CHARS = 16_384
_USUAL = ("steps", "cfg", "width", "height", "batch_size", "length", "denoise", "sampler_name", "scheduler",
          "ckpt_name", "unet_name", "lora_name", "guidance")


@dataclass(frozen=True, slots=True)
class Input:
    """A literal. `kind` is "text", "int", "float" or "flag"; `usual`: people often change it."""

    node: str
    title: str
    class_type: str
    input: str
    value: str | int | float | bool
    kind: str
    usual: bool


def inputs(graph: Graph, ends: Sequence[str] = ()) -> tuple[Input, ...]:
    """Texts, seeds and sizes first, then the rest, each in the order in which the nodes run."""
    found = []
    for node in stages(graph, ends):
        for name, value in inputs_of(graph, node.id).items():
            if not isinstance(value, str | int | float | bool) or len(str(value)) > MAX_TEXT_CHARS:
                continue
            kind = _kind(value)
            usual = name in SEEDS or name in _USUAL or (kind == "text" and is_text(name))
            found.append(Input(node.id, node.title, class_of(graph, node.id), name, value, kind, usual))
    prompt = facts(graph, ends).prompt
    return tuple(sorted(found, key=lambda one: -1 if prompt and one.value == prompt else _rank(one)))


def _kind(value: str | int | float | bool) -> str:
    if isinstance(value, bool):
        return "flag"
    return "text" if isinstance(value, str) else "int" if isinstance(value, int) else "float"


def _rank(one: Input) -> int:
    """Stable: within a rank the nodes keep their order."""
    if one.kind == "text" and is_text(one.input):
        return 0
    if one.input in SEEDS:
        return 1
    return 2 if one.input in AMOUNTS else 3 if one.usual else 4
