"""Which GPU is which: a number is given once and stays with its card, whatever happens to the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.model.cards import VANISHED, Card, forget, numbered
from echodeck.model.record import Gpu, Host

A = Gpu(0, "RTX 3060", "nvidia", uuid="GPU-A", pci_id="0000:01:00.0")
B = Gpu(1, "RTX 3060", "nvidia", uuid="GPU-B", pci_id="0000:02:00.0")
ARC = Gpu(2, "Arc B580", "intel", pci_id="0000:04:00.0")
APPLE = Gpu(0, "Apple M4", "apple")


def listed(gpus: Iterable[Gpu]) -> tuple[Gpu, ...]:
    """As a source has them: with their places in the list."""
    return tuple(replace(gpu, index=place) for place, gpu in enumerate(gpus))


class Machine:
    """A machine that is measured once a second."""

    def __init__(self) -> None:
        self.known: tuple[Card, ...] = ()
        self.now_s = 0.0

    def says(self, *gpus: Gpu, **reasons: str) -> tuple[Gpu, ...]:
        self.now_s += 1.0
        self.known, host = numbered(self.known, Host("studio", self.now_s, gpus=listed(gpus), gpu_reasons=reasons))
        return host.gpus


def names(gpus: Iterable[Gpu]) -> dict[int, str]:
    return {gpu.index: gpu.uuid or gpu.pci_id or gpu.name for gpu in gpus}


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_at_first_the_numbers_are_the_places_in_the_list(machine: Machine) -> None:
    assert names(machine.says(A, B, ARC)) == {0: "GPU-A", 1: "GPU-B", 2: "0000:04:00.0"}
    assert machine.says(A, B, ARC) == listed((A, B, ARC)), "and nothing else is touched"


def test_a_card_that_goes_leaves_the_others_their_numbers(machine: Machine) -> None:
    machine.says(A, B, ARC)
    gone, *rest = machine.says(B, ARC)
    assert names(rest) == {1: "GPU-B", 2: "0000:04:00.0"}
    assert (gone.index, gone.name, gone.uuid, gone.up) == (0, "RTX 3060", "GPU-A", False)
    assert (gone.lost_s, gone.reason, gone.power_w) == (2.0, VANISHED, None)
    assert machine.says(B, ARC)[0].lost_s == 2.0, "since when does not move"
    assert machine.says(A, B, ARC) == listed((A, B, ARC))


def test_a_new_card_in_front_gets_the_next_number(machine: Machine) -> None:
    machine.says(B)
    assert names(machine.says(A, B)) == {0: "GPU-B", 1: "GPU-A"}


def test_why_none_of_a_vendor_is_there_is_why_it_is_lost(machine: Machine) -> None:
    machine.says(A, ARC)
    [lost, _] = machine.says(ARC, nvidia="no NVIDIA driver on this machine")
    assert (lost.reason, lost.lost_s) == ("no NVIDIA driver on this machine", 2.0)


def test_a_card_whose_driver_does_not_answer_keeps_its_number_and_name(machine: Machine) -> None:
    machine.says(A, B)
    _, second = machine.says(A, Gpu(1, "NVIDIA GPU", "nvidia", reason="the NVIDIA driver says: GPU is lost"))
    assert (second.index, second.name, second.uuid, second.lost_s) == (1, "RTX 3060", "GPU-B", 2.0)
    assert machine.says(A, B)[1].lost_s == 0.0


def test_one_that_never_worked_is_not_missed(machine: Machine) -> None:
    mute = replace(ARC, reason="the device gives no figures")
    [gpu] = machine.says(mute)
    assert (gpu.up, gpu.lost_s) == (False, 0.0)
    assert machine.says() == ()


def test_one_that_sleeps_is_there(machine: Machine) -> None:
    machine.says(ARC)
    [gpu] = machine.says(replace(ARC, reason="asleep to save power", asleep=True))
    assert (gpu.up, gpu.lost_s) == (True, 0.0)
    [gpu] = machine.says()
    assert gpu.lost_s == 3.0, "but even so it can be taken out"


def test_what_tells_its_uuid_only_when_awake_is_one_card(machine: Machine) -> None:
    card = Gpu(0, "RX 7900", "amd", uuid="a1b2", pci_id="0000:03:00.0")
    machine.says(replace(card, uuid="", reason="asleep", asleep=True))
    assert names(machine.says(card)) == {0: "a1b2"}
    assert names(machine.says(replace(card, uuid="", reason="asleep", asleep=True))) == {0: "a1b2"}


def test_a_card_that_was_moved_is_the_same_and_another_in_its_slot_is_not(machine: Machine) -> None:
    machine.says(A)
    moved = replace(A, pci_id="0000:09:00.0")
    assert names(machine.says(replace(B, pci_id=A.pci_id), moved)) == {0: "GPU-A", 1: "GPU-B"}


def test_without_a_uuid_it_is_known_by_its_slot_then_by_its_kind(machine: Machine) -> None:
    other = replace(ARC, pci_id="0000:05:00.0")
    machine.says(ARC, other)
    assert [gpu.index for gpu in machine.says(other) if gpu.up] == [1]
    assert [gpu.index for gpu in machine.says(replace(ARC, pci_id="0000:08:00.0"), other) if gpu.up] == [0, 1]
    machine = Machine()
    machine.says(APPLE)
    assert machine.says(APPLE) == (APPLE,)


def test_a_card_divided_anew_loses_nothing(machine: Machine) -> None:
    card = replace(A, mig="on")
    parts = [replace(A, uuid=f"MIG-{n}", mig=f"{n}/0") for n in (1, 2)]
    machine.says(card, *parts)
    assert names(machine.says(card, parts[1])) == {0: "GPU-A", 2: "MIG-2"}
    assert names(machine.says(replace(A, mig=""))) == {0: "GPU-A"}
    assert names(machine.says(card, *parts)) == {0: "GPU-A", 1: "MIG-1", 2: "MIG-2"}
    assert [gpu.lost_s for gpu in machine.says()] == [5.0] * 3


def test_what_was_taken_out_is_forgotten_until_it_is_back(machine: Machine) -> None:
    machine.says(A, B)
    machine.says(B)
    machine.known = forget(machine.known, 0)
    assert names(machine.says(B)) == {1: "GPU-B"}
    assert names(machine.says(B, ARC)) == {1: "GPU-B", 2: "0000:04:00.0"}, "its number is nobody else's"
    assert names(machine.says(A, B, ARC)) == {0: "GPU-A", 1: "GPU-B", 2: "0000:04:00.0"}
    with pytest.raises(LookupError):
        forget(machine.known, 0)


CARDS = [A, B, ARC, replace(ARC, pci_id="0000:05:00.0"), APPLE, Gpu(0, "RX", "amd", pci_id="0000:03:00.0")]


@given(st.lists(st.permutations(CARDS).flatmap(lambda cards: st.integers(0, len(cards)).map(lambda n: cards[:n]))))
def test_whatever_comes_and_goes_a_number_means_one_card(lists: list[list[Gpu]]) -> None:
    machine, meant = Machine(), dict[int, tuple[str, str]]()
    twins = {(card.vendor, card.name) for card in CARDS if not card.uuid}
    for cards in lists:
        gpus = machine.says(*cards)
        assert len({gpu.index for gpu in gpus}) == len(gpus)
        assert [gpu.index for gpu in gpus] == sorted(gpu.index for gpu in gpus)
        assert len([gpu for gpu in gpus if gpu.up]) == len(cards)
        for gpu in gpus:
            kind = (gpu.vendor, gpu.name)
            # Of two of a kind without a UUID, one that comes while the other is missed may be taken for it.
            who = kind if kind in twins else (gpu.vendor, gpu.uuid)
            assert meant.setdefault(gpu.index, who) == who
