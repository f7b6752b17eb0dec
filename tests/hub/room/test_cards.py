"""What agents measure in the room: GPUs keep their numbers over everything, and one that is lost is told of."""

from __future__ import annotations

from typing import Any

import pytest

from echodeck.errors import BadField
from echodeck.model.record import Gpu, Host

A = Gpu(0, "RTX 3060", "nvidia", uuid="GPU-A", power_w=100.0)
B = Gpu(1, "RTX 4090", "nvidia", uuid="GPU-B", power_w=300.0)
LONE = Gpu(0, "RTX 4090", "nvidia", uuid="GPU-B", power_w=300.0)
CAUSE = "gpu:studio:0"


async def measured(place: Any, agent: Any, *gpus: Gpu, seconds: int = 1) -> None:
    for _ in range(seconds):
        place.clock.now_s += 1.0
        await agent.say("host_metrics", host=Host("studio", place.clock.now_s, gpus=gpus))
        place.room.tick(place.clock.now_s)
    await place.settle()


def shown(place: Any) -> dict[int, tuple[str, bool]]:
    return {gpu.index: (gpu.uuid, gpu.up) for gpu in place.room.board.get("hosts", "studio").gpus}


async def test_another_cards_figures_never_go_on_in_its_place(place: Any, agent: Any) -> None:
    kept: list[tuple[int, float | None]] = []
    place.room.desk.sampled = lambda host, now_s: kept.extend((gpu.index, gpu.power_w) for gpu in host.gpus)
    await measured(place, agent, A, B)
    await measured(place, agent, LONE)
    assert shown(place) == {0: ("GPU-A", False), 1: ("GPU-B", True)}
    assert kept == [(0, 100.0), (1, 300.0), (0, None), (1, 300.0)]


async def test_the_numbers_outlive_a_restart_of_the_hub(place: Any, agent: Any) -> None:
    await measured(place, agent, A, B)
    await place.restart()
    again = await place.hand("agent-1")
    await measured(place, again, LONE)
    assert shown(place) == {0: ("GPU-A", False), 1: ("GPU-B", True)}


async def test_nothing_is_written_while_nothing_changes(place: Any, agent: Any) -> None:
    await measured(place, agent, A, B)
    before = len(place.store.appends)
    for _ in range(5):
        place.clock.now_s += 1.0
        await agent.say("host_metrics", host=Host("studio", place.clock.now_s, gpus=(A, B)))
    assert len(place.store.appends) == before


async def test_one_that_is_lost_is_told_of_until_it_is_back(place: Any, agent: Any) -> None:
    await measured(place, agent, A, B, seconds=3)
    await measured(place, agent, LONE, seconds=59)
    assert place.alerts() == []
    await measured(place, agent, LONE, seconds=3)
    [alert] = place.alerts()
    assert (alert["cause"], alert["level"], alert["title"]) == (CAUSE, "warning", "GPU 0 of studio is lost")
    assert alert["message"].startswith("RTX 3060 was there and gives no figures now: the system does not list it")
    await measured(place, agent, A, B)
    assert place.alerts() == []


async def test_a_person_forgets_it_for_good(place: Any, ada: Any, agent: Any) -> None:
    await measured(place, agent, A, B)
    with pytest.raises(BadField, match="no GPU 0 of 'studio' is missed"):
        await ada.say("forget_gpu", host="studio", gpu=0)
    await measured(place, agent, LONE, seconds=62)
    await ada.say("forget_gpu", host="studio", gpu=0)
    assert shown(place) == {1: ("GPU-B", True)}, "at once"
    assert place.told("user_action")[-1]["detail"] == "GPU 0 of studio (RTX 3060)"
    await measured(place, agent, LONE)
    assert place.alerts() == []
    await place.restart()
    again = await place.hand("agent-1")
    await measured(place, again, LONE, seconds=70)
    assert (shown(place), place.alerts()) == ({1: ("GPU-B", True)}, [])
    await measured(place, again, A, B)
    assert shown(place) == {0: ("GPU-A", True), 1: ("GPU-B", True)}


async def test_one_that_sleeps_is_not_lost(place: Any, agent: Any) -> None:
    card = Gpu(0, "RX 7900", "amd", pci_id="0000:03:00.0", vram_total_bytes=24)
    await measured(place, agent, card)
    asleep = Gpu(0, "RX 7900", "amd", pci_id="0000:03:00.0", vram_total_bytes=24, reason="asleep", asleep=True)
    await measured(place, agent, asleep, seconds=70)
    assert (shown(place), place.alerts()) == ({0: ("", True)}, [])
