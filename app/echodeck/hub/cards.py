"""Which GPU of a machine is which: kept, so that their numbers and those that are missed outlive every restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from .. import wire
from ..errors import BadField
from ..model.cards import Card, forget, numbered
from ..model.record import Host
from ..wire import say
from .desk import Desk
from .ledger import Change
from .session import Session

KIND = "cards"
"""The store's records: the GPUs of a machine, by its name."""


class Cards:
    """Each method without an underscore that is named as a message type deals with it, as in Commands."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._known: dict[str, tuple[Card, ...]] = {}

    def restore(self, records: Mapping[str, dict[str, Any]]) -> None:
        self._known = {host: msgspec.convert(record["cards"], tuple[Card, ...]) for host, record in records.items()}

    def number(self, host: Host, change: Change) -> Host:
        """A sample with its GPUs under their numbers, and those that are missed among them."""
        cards, numbered_host = numbered(self._known.get(host.name, ()), host)
        self._keep(host.name, cards, change)
        return numbered_host

    def drop(self, name: str, change: Change) -> None:
        """The machine was taken away for good."""
        self._known.pop(name, None)
        change.batch.records[KIND, name] = None

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
