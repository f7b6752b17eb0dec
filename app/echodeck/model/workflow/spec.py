"""A workflow as a job: its facts where a job has them, its shape as the kind of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import BadField
from ..engine import MAX_PROMPT_CHARS, MAX_TITLE_CHARS, visible
from ..job import JobSpec
from .facts import facts
from .graph import Graph
from .plan import stages
from .shape import shape

READ_OUT = ("model", "width", "height", "steps", "batch", "frames", "sampler", "scheduler", "prompt", "options")
"""Fields of a job that its workflow states; they are changed by setting its inputs."""


def spec_of(graph: Graph, engine: str, given: Mapping[str, Any] | None = None, ends: Sequence[str] = ()) -> JobSpec:
    """The spec of a job that runs this workflow; `given` may have a `title` and a `seed` of its own.

    Raises BadField for a given field that the workflow states.
    """
    given = given or {}
    for name in READ_OUT:
        if given.get(name):
            raise BadField(name, "is read out of the workflow; change it there by setting an input: NODE.INPUT=VALUE")
    title, seed = visible(str(given.get("title", ""))), int(given.get("seed", -1))
    if len(title) > MAX_TITLE_CHARS:
        raise BadField("title", f"has {len(title):,} characters; {MAX_TITLE_CHARS} are the most")
    if "seed" in given and not 0 <= seed < 1 << 64:
        raise BadField("seed", f"must be 0 to {(1 << 64) - 1}, got {seed}")
    found = facts(graph, ends)
    prompt = found.prompt[:MAX_PROMPT_CHARS]
    return JobSpec(
        engine=engine, model=found.model, title=title or visible(prompt)[:60] or found.model or _called(graph, ends),
        type="video" if found.frames > 1 else "image", prompt=prompt, width=found.width, height=found.height,
        steps=found.steps, seed=seed if seed >= 0 else max(0, found.seed), batch=found.batch, frames=found.frames,
        sampler=found.sampler, scheduler=found.scheduler, shape=shape(graph, ends))


def _called(graph: Graph, ends: Sequence[str]) -> str:
    """What to call a workflow that has neither prompt nor model: the node that does most of the work."""
    nodes = stages(graph, ends)
    return max(nodes, key=lambda node: node.steps).title if nodes else "workflow"
