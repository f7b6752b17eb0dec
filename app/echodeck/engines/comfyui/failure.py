"""How a prompt failed, as ComfyUI tells it: on the websocket, in the history and in the list of jobs alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .field import listed, mapping, text

MEMORY_TYPE = "OutOfMemoryError"
MEMORY_HINT = "ran out of memory on your GPU"
"""ComfyUI adds this to the message when it has recognised the case itself."""


@dataclass(frozen=True, slots=True)
class Failure:
    """`node` and `class_type` say where ("" if the server does not), `kind` is the exception's class."""

    node: str
    class_type: str
    kind: str
    message: str
    traceback: str = ""

    @property
    def out_of_memory(self) -> bool:
        return self.kind.endswith(MEMORY_TYPE) or MEMORY_HINT in self.message


def parse_failure(data: Any) -> Failure:
    """From the data of an execution_error; the inputs and outputs in it (whole tensors as text) are left."""
    found = mapping(data)
    lines = "".join(line if line.endswith("\n") else f"{line}\n" for line in map(text, listed(found.get("traceback"))))
    return Failure(text(found.get("node_id")), text(found.get("node_type")), text(found.get("exception_type")),
                   text(found.get("exception_message")).strip(), text(lines))
