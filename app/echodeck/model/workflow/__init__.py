"""A ComfyUI workflow in API format, read and edited without a ComfyUI: what it is, what it will do, in which order.

A graph is {node id: {"class_type", "inputs", "_meta"?: {"title"}}}. An input is a literal, or a link [node id, output
number]. No function here changes a graph that it was given; all but `read` take any graph, links to nowhere and circles
too, as those that other programs queued come unchecked.
"""

from __future__ import annotations

from .edit import set_values, with_seed
from .facts import Facts, facts
from .graph import Graph
from .inputs import Input, inputs
from .plan import Node, stages
from .read import read, tolerant
from .redact import has_secrets, redact
from .sampler import steps_of
from .shape import shape
from .spec import spec_of

__all__ = ["Facts", "Graph", "Input", "Node", "facts", "has_secrets", "inputs", "read", "redact", "set_values", "shape",
           "spec_of", "stages", "steps_of", "tolerant", "with_seed"]
