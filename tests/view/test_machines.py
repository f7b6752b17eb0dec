"""A machine's GPUs in Chromium: one that works, is lost, sleeps, does not tell its memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from echodeck.model.record import Gpu, Host

from .conftest import FakeHub, wait_for

pytestmark = pytest.mark.browser
GIB = 1 << 30


def test_what_is_not_known_of_a_gpu_is_not_shown_as_nothing(hub: FakeHub, open_page: Callable[..., Any]) -> None:
    hub.hosts = [Host("atelier", time.time(), gpus=(
        Gpu(0, "RTX 3060", "nvidia", vram_used_bytes=6 * GIB, vram_total_bytes=12 * GIB, util_percent=40.0),
        Gpu(1, "RTX 4090", "nvidia", reason="no driver", lost_s=time.time() - 60.0),
        Gpu(2, "Radeon 780M", "amd", unified=True, vram_total_bytes=GIB, gtt_total_bytes=61 * GIB, asleep=True,
            reason="asleep to save power"),
        Gpu(3, "Arc B580", "intel", vram_total_bytes=12 * GIB, util_percent=5.0)))]
    page = open_page("machines")
    meters = page.get_by_test_id("machine").locator(".meter")
    wait_for("the machine's bars", lambda: meters.count() > 6)
    shown = {one.locator("span").first.text_content(): one.locator("em").text_content() for one in meters.all()[:6]}
    assert shown.pop("GPU 1").startswith("lost at ")
    assert shown == {"VRAM 0": "6 / 12 GB", "GPU 0": "40 %", "GPU 2": "asleep", "VRAM 3": "? / 12 GB", "GPU 3": "5 %"}
    assert meters.nth(2).get_attribute("title") == "RTX 4090: no driver"
