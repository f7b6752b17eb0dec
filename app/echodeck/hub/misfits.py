"""Ladders that were set up for an engine or models that no agent has: an alert, until one has them."""

from __future__ import annotations

from .desk import Desk
from .ladders import Ladders
from .ledger import Change

PATIENCE_S = 30.0
"""Agents start one after the other: what is missing for so long, with an agent here, is not about to come."""
CAUSE = "ladder"


class Misfits:
    """`tick` is called once a second."""

    def __init__(self, desk: Desk, ladders: Ladders) -> None:
        self._desk, self._ladders = desk, ladders
        self._since: dict[str, float] = {}

    def tick(self, change: Change) -> None:
        desk = self._desk
        if not any(worker.engines for worker in desk.workers.online()):
            return
        found = {f"{CAUSE}:{name}": said for name, said in self._ladders.misfits().items()}
        self._since = {cause: self._since.get(cause, change.at_s) for cause in found}
        for cause, since_s in self._since.items():
            known = desk.alerts.get(cause)
            title = f"The ladder {cause.partition(':')[2]} cannot be used"
            if known is not None and known.resolved_s is None:
                desk.update_alert(change, cause, "warning", title, found[cause])
            elif change.at_s - since_s >= PATIENCE_S:
                desk.raise_alert(change, cause, "warning", title, found[cause])
        for cause in [one for one in desk.alerts if one.startswith(f"{CAUSE}:") and one not in found]:
            desk.resolve_alert(change, cause)
