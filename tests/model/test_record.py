"""What a host's GPUs have in use, of the memory that counts on each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from echodeck.model.record import Gpu, Host


def test_on_a_unified_gpu_the_systems_memory_counts_too() -> None:
    card = Gpu(0, "card", "amd", vram_used_bytes=6, vram_total_bytes=24, gtt_used_bytes=1, gtt_total_bytes=32)
    apu = Gpu(1, "apu", "amd", vram_used_bytes=1, vram_total_bytes=4, gtt_used_bytes=5, gtt_total_bytes=12,
              unified=True)
    assert (card.memory_used_bytes, card.memory_total_bytes) == (6, 24)
    assert (apu.memory_used_bytes, apu.memory_total_bytes) == (6, 16)
    assert Gpu(2, "silent", "amd").memory_used_bytes is None
    assert Host("here", 0.0, gpus=(card, apu)).vram_percent("amd") == pytest.approx(30.0)
    assert Host("here", 0.0, gpus=(card, apu)).vram_percent("nvidia") == 0.0


def test_what_a_sleeping_gpu_has_in_use_is_not_known() -> None:
    asleep = Gpu(1, "card", "amd", vram_total_bytes=24, reason="asleep", asleep=True)
    card = Gpu(0, "card", "amd", vram_used_bytes=6, vram_total_bytes=24)
    assert (asleep.up, replace(asleep, asleep=False).up) == (True, False)
    assert Host("here", 0.0, gpus=(card, asleep)).vram_percent("amd") == pytest.approx(25.0)
