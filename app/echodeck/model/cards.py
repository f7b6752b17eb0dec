"""Which GPU is which on a machine: each gets its number once, by what it is, and keeps it whatever becomes of others.

A driver lists what it finds, in its own order: a card that fails or is unplugged moves those behind it up. Series,
labels and alerts go by the number, so it must not move. What is missed stays known as lost, until it is back or
somebody forgets it; even then its number is nobody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from .record import Gpu, Host

VANISHED = "the system does not list it: it was unplugged, or its driver failed"


@dataclass(frozen=True, slots=True)
class Card:
    """What is known for good of a GPU of a machine. `lost_s` is since when it is missed, by the machine's clock; 0: it
    is not. `worked`: it was up at some time; one that never was is not missed."""

    index: int
    vendor: str
    name: str
    uuid: str = ""
    pci_id: str = ""
    driver: str = ""
    mig: str = ""
    worked: bool = False
    lost_s: float = 0.0
    forgotten: bool = False

    @property
    def instance(self) -> bool:
        """Whether it is a part of a divided card."""
        return self.mig not in ("", "on")

    @property
    def nameless(self) -> bool:
        return not (self.uuid or self.pci_id)


def numbered(known: Sequence[Card], host: Host) -> tuple[tuple[Card, ...], Host]:
    """The machine's cards as they are known now, and its sample with the GPUs by their numbers, those that are missed
    among them."""
    found = _matched(known, host.gpus)
    cards, gpus = [], []
    for card in known:
        gpu = found.pop(card.index, None)
        now = _absent(card, host) if gpu is None else _present(card, gpu, host.at_s)
        cards.append(now)
        if now.forgotten:
            continue
        if gpu is not None:
            gpus.append(_shown(now, gpu))
        elif now.lost_s:
            gpus.append(_missing(now, host.gpu_reasons))
    for index, gpu in found.items():
        card = Card(index, gpu.vendor, gpu.name)
        cards.append(_present(card, gpu, host.at_s))
        gpus.append(replace(gpu, index=index))
    return tuple(cards), replace(host, gpus=tuple(gpus))


def forget(known: Sequence[Card], index: int) -> tuple[Card, ...]:
    """One that is lost is not spoken of until it is back. Raises LookupError where no such GPU is lost."""
    if not any(card.index == index and card.lost_s and not card.forgotten for card in known):
        raise LookupError(index)
    return tuple(replace(card, forgotten=True) if card.index == index else card for card in known)


# --- who is who ------------------------------------------------------------------------------------------------------


def _matched(known: Sequence[Card], gpus: Sequence[Gpu]) -> dict[int, Gpu]:
    """The GPUs by their numbers: those of known cards, and new ones in the order of the list."""
    found: dict[int, Gpu] = {}
    rest = [*gpus]
    for same in _WAYS:
        for gpu in [*rest]:
            card = next((card for card in known if card.index not in found and card.vendor == gpu.vendor
                         and same(card, gpu)), None)
            if card is not None:
                found[card.index] = gpu
                rest.remove(gpu)
    first = max((card.index for card in known), default=-1) + 1
    return found | dict(enumerate(rest, first))


def _place(card: Card, gpu: Gpu) -> bool:
    """Another card in the same slot is another card: where both have a UUID, that says so."""
    part = gpu.mig if gpu.mig != "on" else ""
    return bool(gpu.pci_id) and card.pci_id == gpu.pci_id and (card.mig if card.instance else "") == part


_WAYS: tuple[Callable[[Card, Gpu], bool], ...] = (
    lambda card, gpu: bool(gpu.uuid) and card.uuid == gpu.uuid and _place(card, gpu),
    lambda card, gpu: bool(gpu.uuid) and card.uuid == gpu.uuid,
    lambda card, gpu: _place(card, gpu) and not (card.uuid and gpu.uuid),
    # Addresses move when cards are added; without a UUID its kind and the order are all there is.
    lambda card, gpu: not card.uuid and not gpu.uuid and card.name == gpu.name,
    # A card whose driver does not answer has neither; it is one of those that are missed.
    lambda card, gpu: card.nameless or not (gpu.uuid or gpu.pci_id),
)
"""From the surest to the least sure."""


# --- what has become of it -------------------------------------------------------------------------------------------


def _present(card: Card, gpu: Gpu, at_s: float) -> Card:
    """A card that is in the list; what it does not tell now it has told before."""
    facts = Card(card.index, card.vendor, gpu.name if gpu.up or not card.worked else card.name, gpu.uuid or card.uuid,
                 gpu.pci_id or card.pci_id, gpu.driver or card.driver, gpu.mig if gpu.up else card.mig or gpu.mig)
    if gpu.up:
        return replace(facts, worked=True)
    since_s = (card.lost_s or at_s) if card.worked else 0.0
    return replace(facts, worked=card.worked, lost_s=since_s, forgotten=card.forgotten)


def _absent(card: Card, host: Host) -> Card:
    """An instance whose card is still there was not lost: somebody has divided the card anew."""
    if card.lost_s or not card.worked:
        return card
    if card.instance and any(gpu.up and gpu.pci_id == card.pci_id for gpu in host.gpus):
        return card
    return replace(card, lost_s=host.at_s)


def _shown(card: Card, gpu: Gpu) -> Gpu:
    if gpu.up and (gpu.index, gpu.uuid) == (card.index, card.uuid):
        return gpu  # most often: a copy of so many fields is dear
    gpu = replace(gpu, index=card.index, uuid=card.uuid, lost_s=card.lost_s)
    return gpu if gpu.up else replace(gpu, name=card.name, pci_id=card.pci_id, driver=card.driver, mig=card.mig)


def _missing(card: Card, reasons: Mapping[str, str]) -> Gpu:
    return Gpu(card.index, card.name, card.vendor, uuid=card.uuid, pci_id=card.pci_id, driver=card.driver, mig=card.mig,
               reason=reasons.get(card.vendor, "") or VANISHED, lost_s=card.lost_s)
