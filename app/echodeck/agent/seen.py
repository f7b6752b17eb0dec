"""What was measured of the latest pictures of each model, kept in a file: what is normal for one outlives the agent.

A file, and not the hub's history, for there only verdicts are kept: limits come from the measures behind them.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict, deque
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

from ..brain.verdict.figures import Measures
from ..brain.verdict.norms import MOST

log = logging.getLogger(__name__)

MODELS = 32
"""Models whose pictures are remembered; the one used longest ago is forgotten first."""
Of = tuple[Measures, int]
"""Of one picture: its measures and the steps (0: not known)."""


class Seen:
    """`of` a model, the oldest first, and `add`; `load` once before, `save` now and then. Without a path nothing is
    kept."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._models: OrderedDict[tuple[str, str], deque[Of]] = OrderedDict()
        self._changed = False

    def __len__(self) -> int:
        return len(self._models)

    def of(self, engine: str, model: str) -> list[Of]:
        return [*self._models.get((engine, model), ())]

    def add(self, engine: str, model: str, *pictures: Of) -> None:
        self._models.setdefault((engine, model), deque(maxlen=MOST)).extend(pictures)
        self._models.move_to_end((engine, model))
        while len(self._models) > MODELS:
            self._models.popitem(last=False)
        self._changed = True

    def load(self) -> None:
        """What was kept. A file that cannot be understood is a line in the log, and overwritten by the next `save`."""
        if self._path is None or not self._path.exists():
            return
        try:
            for engine, model, pictures in json.loads(self._path.read_text(encoding="utf-8")):
                self.add(engine, model, *((Measures(**measures), int(steps)) for measures, steps in pictures))
        except (OSError, ValueError, TypeError) as error:
            log.warning("what is normal for each model is learnt anew: %s: %s", self._path, error)

    def save(self) -> None:
        """Whole or not at all; that it cannot be written is a line in the log."""
        if self._path is None or not self._changed:
            return
        self._changed = False
        rows = [[*key, [[asdict(measures), steps] for measures, steps in pictures]]
                for key, pictures in self._models.items()]
        part = self._path.with_suffix(".part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(rows), encoding="utf-8")
            part.replace(self._path)
        except OSError as error:
            log.warning("what is normal for each model cannot be kept: %s", error)


def place(data: Path, agent: str) -> Path:
    """Where an agent of that name keeps it."""
    return data / "seen" / f"{quote(agent, safe='')}.json"
