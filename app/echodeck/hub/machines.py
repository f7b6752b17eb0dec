"""What agents measure of their machines: numbered, shown, and handed on to be kept.

Which GPU is which is kept, so that their numbers and those that are missed outlive every restart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from .. import wire
from ..errors import BadField
from ..model.cards import Card, forget, numbered
from ..model.record import Host
from ..wire import say
from .desk import RECENT_SAMPLES, Desk
from .ledger import Change
from .session import Session

KIND = "cards"
"""The store's records: the GPUs of a machine, by its name."""
KEPT_EVERY_S = 0.9


class Machines:
    """Each method without an underscore that is named as a message type deals with it, as in Commands."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._known: dict[str, tuple[Card, ...]] = {}

    def restore(self, records: Mapping[str, dict[str, Any]]) -> None:
        self._known = {host: msgspec.convert(record["cards"], tuple[Card, ...]) for host, record in records.items()}

    def host_metrics(self, session: Session, payload: say.HostMetrics, change: Change) -> dict[str, Any]:
        desk, at_s = self._desk, change.at_s
        cards, host = numbered(self._known.get(payload.host.name, ()), payload.host)
        self._keep(host.name, cards, change)
        desk.workers.seen(session.agent_id, at_s)
        desk.put("host_metrics", "hosts", host.name, host, at_s)
        recent = desk.recent.setdefault(host.name, deque(maxlen=RECENT_SAMPLES))
        # A machine that is measured faster is shown so; what is kept is about one sample a second.
        if not recent or abs(host.at_s - recent[-1].at_s) >= KEPT_EVERY_S:
            recent.append(host)
            desk.sampled(host, at_s)
        return {}

    def forget_gpu(self, session: Session, payload: say.ForgetGpu, change: Change) -> dict[str, Any]:
        """Somebody has taken it out: it is missed no more."""
        desk, known = self._desk, self._known.get(payload.host, ())
        try:
            cards = forget(known, payload.gpu)
        except LookupError:
            raise BadField("gpu", f"no GPU {payload.gpu} of {payload.host[:80]!r} is missed") from None
        self._keep(payload.host, cards, change)
        shown: Host | None = desk.board.get("hosts", payload.host)
        if shown is not None:
            left = tuple(gpu for gpu in shown.gpus if gpu.index != payload.gpu)
            desk.put("host_metrics", "hosts", shown.name, replace(shown, gpus=left), change.at_s)
        name = next(card.name for card in known if card.index == payload.gpu)
        desk.action(change, session, "forgot", detail=f"GPU {payload.gpu} of {payload.host} ({name})")
        return {}

    def _keep(self, host: str, cards: tuple[Card, ...], change: Change) -> None:
        if cards != self._known.get(host, ()):
            self._known[host] = cards
            change.batch.records[KIND, host] = {"cards": wire.plain(cards)}
