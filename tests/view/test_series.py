"""The page in Chromium: any figure of a machine over a time that is chosen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from echodeck.model.record import Host, Net

from .conftest import FakeHub, wait_for

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
EVIL = "<img src=x onerror='window.hacked=1'>"
FIGURES = ["cpu.percent", "memory.used_bytes", "disk./home.v2.used_bytes", "net.eth0.received_bytes_per_s",
           f"temp.{EVIL}.c"]
NOW_S = time.time()


def machine(hub: FakeHub) -> None:
    hub.hosts = [Host("atelier", time.time(), cpu_percent=20.0, memory_used_bytes=8 << 30, memory_total_bytes=32 << 30,
                      nets=(Net("eth0", 1024.0, 2048.0), Net("down0", is_up=False)), temps={EVIL: 61.4})]
    hub.figures = {"atelier": FIGURES}
    hub.series = {"host": "atelier", "metric": "", "label": "", "unit": "B/s", "since_s": NOW_S - 600, "until_s": NOW_S,
                  "rows": [[NOW_S - 500, 0.0, 1024.0, 2048.0], [NOW_S - 490, 0.0, 2048.0, 4096.0],
                           [NOW_S - 100, 0.0, 1024.0, 2048.0]]}


def asked(hub: FakeHub) -> dict[str, str]:
    """What the newest question for a series was."""
    paths = [path for path in hub.asked if path.startswith("/api/series?")]
    return {name: value[0] for name, value in parse_qs(urlsplit(paths[-1]).query).items()} if paths else {}


def drawn(page: Any) -> list[float | None]:
    """The means that the plot has, None at a gap."""
    found: list[float | None] = page.get_by_test_id("series").get_by_test_id("plot").evaluate(
        "async (node) => (await node.drawn).document.get_model_by_name('series').data.mean"
        ".map((x) => Number.isNaN(x) ? null : x)")
    return found


def test_every_figure_can_be_seen_over_time(hub: FakeHub, open_page: Open) -> None:
    machine(hub)
    page = open_page("machines")
    figure = page.get_by_test_id("series-figure")
    wait_for("the names", lambda: figure.locator("option").count() == len(FIGURES))
    assert figure.locator("optgroup").evaluate_all("all => all.map((one) => one.label)") == [
        "Processor", "Memory", "Temperatures", "Disk /home.v2", "Interface eth0"]
    wait_for("the first", lambda: asked(hub).get("metric") == "cpu.percent")
    figure.select_option("net.eth0.received_bytes_per_s")
    page.get_by_test_id("series-range").select_option("63072000")
    wait_for("two years of the interface", lambda: asked(hub).get("metric") == "net.eth0.received_bytes_per_s"
             and float(asked(hub)["until"]) - float(asked(hub)["since"]) == 63_072_000)
    wait_for("its rows", lambda: drawn(page) == [1.0, 2.0, None, None, 1.0])
    assert "Interface eth0: Received, KB/s" in page.get_by_test_id("series").inner_text()
    assert page.evaluate("window.hacked") is None


def test_where_nothing_was_measured_the_line_has_a_gap(hub: FakeHub, open_page: Open) -> None:
    machine(hub)
    page = open_page("machines")
    wait_for("its rows with a gap", lambda: drawn(page) == [1.0, 2.0, None, None, 1.0])
    hub.series = {**hub.series, "rows": []}
    page.get_by_test_id("series-range").select_option("600")
    page.get_by_text("Nothing was measured in this time.").wait_for()


def test_a_sensor_or_a_bar_opens_its_figure(hub: FakeHub, open_page: Open) -> None:
    machine(hub)
    page = open_page("machines")
    sensors = page.get_by_test_id("sensor")
    sensors.first.wait_for()
    assert sensors.all_text_contents() == [f"{EVIL}61 °C", "eth0↓ 2 KB/s ↑ 1 KB/s"], "one that is down is not shown"
    sensors.last.click()
    wait_for("the interface", lambda: asked(hub).get("metric") == "net.eth0.received_bytes_per_s")
    page.goto(page.url.replace("machines", "now"))
    page.get_by_role("button", name="RAM").click()
    wait_for("the memory", lambda: asked(hub).get("metric") == "memory.used_bytes")
    assert page.url.endswith("#machines")
