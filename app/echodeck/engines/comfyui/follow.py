"""One running prompt as stages: its nodes in the order in which they really run, with the steps within them. Pure.

ComfyUI says which node runs, not which come next: the order of the rest is foreseen (`workflow.stages`), and planned
anew when another node comes first. Cached nodes come first of all, and are left out. A node may count its steps
several times over (tiles, passes): then they add up, and never go back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ...model.workflow import Graph, stages
from .. import PreviewMaker
from .frames import (
    Cached,
    Executing,
    Failed,
    Frame,
    Interrupted,
    Preview,
    Progress,
    ProgressState,
    Started,
    Succeeded,
)

MOST_STAGES = 400
MOST_STEPS = 10_000
"""A node that counts further (bytes, say) is shown in hundredths."""


class Voice(Protocol):
    """What a follower tells through: `engines.Control` and `engines.Told` are such."""

    def plan(self, stages: list[tuple[str, int]]) -> None: ...
    def stage(self, name: str) -> None: ...
    def step(self, step: int, preview: PreviewMaker | None = None) -> None: ...
    def preview(self, step: int, preview: PreviewMaker) -> None: ...


class Follower:
    """`take` its frames in order; `ended` is the one that ended it. `before` are stages that have begun already."""

    def __init__(self, voice: Voice, graph: Graph, ends: Sequence[str] = (), before: Sequence[str] = ()) -> None:
        self._voice = voice
        nodes = stages(graph, ends)[:MOST_STAGES]
        self._titles = {node.id: node.title for node in nodes}
        self._steps = {node.id: node.steps for node in nodes}
        self._begun: list[tuple[str, int]] = [(name, 0) for name in before]
        self._rest = list(self._titles)
        self._told: list[tuple[str, int]] = []
        self._current = ""
        self._cached: set[str] = set()
        self._rounds: dict[str, int] = {}
        self._base = self._value = self._step = 0
        self.ended: Frame | None = None

    @property
    def started(self) -> bool:
        return bool(self._told)

    def title(self, node_id: str) -> str:
        """What a node is called, "" if there is none such."""
        return self._titles.get(self._node(node_id), "")

    def take(self, frame: Frame) -> None:
        if self.ended is not None:
            return
        match frame:
            case Started():
                self._plan()
            case Cached(_, nodes):
                self._leave_out(nodes)
            case Executing(_, None) | Succeeded() | Failed() | Interrupted():
                self.ended = frame
            case Executing(_, node, display):
                self._enter(self._node(display or node or ""))
            case Progress(_, node, value, most):
                self._enter(self._node(node))
                self._advance(value, most)
            case ProgressState():
                self._join(frame)
            case Preview(mime, image):
                if self._current:
                    self._voice.preview(self._step, lambda: (mime, image))
            case _:
                pass

    # --- inside ---

    def _node(self, node_id: str) -> str:
        """The node of the graph that a node belongs to which was made on the way: 12:3 is made by 12."""
        while node_id not in self._titles and (cut := max(node_id.rfind(":"), node_id.rfind("."))) > 0:
            node_id = node_id[:cut]
        return node_id

    def _plan(self) -> None:
        planned = [*self._begun, *((self._titles[node_id], self._steps[node_id]) for node_id in self._rest)]
        if planned != self._told:
            self._told = planned
            self._voice.plan(planned)

    def _leave_out(self, nodes: Sequence[str]) -> None:
        self._cached |= set(nodes)
        self._rest.sort(key=lambda node_id: node_id not in self._cached)
        self._plan()

    def _join(self, state: ProgressState) -> None:
        """In the middle: what has finished already is behind us, whatever else we have heard."""
        if not self._current:
            self._leave_out([self._node(one.display_node) for one in state.nodes if one.state == "finished"])
        running = [self._node(one.display_node) for one in state.nodes if one.state == "running"]
        if running and self._current not in running:
            self._enter(running[-1])

    def _enter(self, node_id: str) -> None:
        if node_id == self._current or not node_id:
            return
        again = node_id not in self._rest
        if again and (node_id not in self._titles or len(self._begun) >= MOST_STAGES):
            return
        name = self._titles[node_id]
        if again:  # a loop comes back to it
            self._rounds[node_id] = self._rounds.get(node_id, 1) + 1
            name = f"{name} (round {self._rounds[node_id]})"
            self._begun.append((name, self._steps[node_id]))
        else:
            self._begin(node_id)
        self._current, self._base, self._value, self._step = node_id, 0, 0, 0
        self._plan()
        self._voice.stage(name)

    def _begin(self, node_id: str) -> None:
        """The cached ones are passed over now; what was foreseen before it and has not run comes later."""
        passed = [one for one in self._rest if one in self._cached and one != node_id]
        self._begun += [(self._titles[one], self._steps[one]) for one in (*passed, node_id)]
        self._rest = [one for one in self._rest if one not in passed and one != node_id]

    def _advance(self, value: float, most: float) -> None:
        if not self._current or most <= 0 or value < 0:
            return
        if most > MOST_STEPS:
            value, most = 100.0 * value / most, 100.0
        now = int(min(value, most))
        if now < self._value:  # it counts from the beginning again
            self._base += self._value
        self._value = now
        total, name = self._base + int(most), self._begun[-1][0]
        if self._begun[-1][1] < total or (self._base == 0 and self._begun[-1][1] != total):
            self._begun[-1] = (name, total)
            self._plan()
        if self._base + now > self._step:
            self._step = self._base + now
            self._voice.step(self._step)
