"""How a message becomes a row, and what the browser is given."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echodeck import charts, wire
from echodeck.charts import Binding, Chart, Field
from echodeck.charts.chart import value
from echodeck.model.job import Job, JobSpec, JobState, Stage, StageState
from echodeck.model.record import Disk, Gpu, Host
from echodeck.wire import show

FIGURE = charts.system("a").figure


def one_line(restart: float | None = None, rollover: int = 5) -> Chart:
    data = charts.source("s", {"time": [], "cpu": []})
    bound = Binding("hosts", "a", "s", {"time": Field("n"), "cpu": Field("cpu")}, rollover=rollover, restart=restart)
    return Chart("c", "", FIGURE, {"s": data}, (bound,))


def local_ms(at_s: float) -> float:
    offset = datetime.fromtimestamp(at_s).astimezone().utcoffset()
    assert offset is not None
    return (at_s + offset.total_seconds()) * 1000


def test_value_walks_scales_adds_and_divides() -> None:
    payload = {"gpus": [{"used": 3, "total": 12}], "elapsed": 5.0, "eta": 7, "speed": 4, "text": "x", "none": None}
    assert value(payload, Field("gpus.0.used", 100.0, over="gpus.0.total")) == 25.0
    assert value(payload, Field("eta", plus="elapsed")) == 12.0
    assert value(payload, Field("", over="speed")) == 0.25
    assert value(payload, Field("speed", scale=1e-3)) == 0.004
    for absent in (Field("gpus.1.used"), Field("gpus.x"), Field("text"), Field("none"), Field("eta", plus="none"),
                   Field("eta", over="none"), Field("speed.deeper")):
        assert math.isnan(value(payload, absent)), absent
    assert math.isnan(value({"a": 1, "zero": 0}, Field("a", over="zero")))


def test_a_moment_is_milliseconds_on_the_readers_clock() -> None:
    at = datetime(2026, 1, 5, 12, 30, 0, 500_000, tzinfo=UTC)
    expected = local_ms(at.timestamp())
    assert value({"t": "2026-01-05T12:30:00.500Z"}, Field("t", moment=True)) == expected
    assert value({"t": at.timestamp()}, Field("t", moment=True)) == expected
    for bad in ("soon", None, [], 1e300, math.nan):
        assert math.isnan(value({"t": bad}, Field("t", moment=True)))


def test_rows_are_added_once_in_order_and_roll_over() -> None:
    chart = one_line()
    for n in (1, 2, 2, 1, 3):
        charts.feed(chart, "hosts", "a", {"n": n, "cpu": n * 10})
    assert chart.sources["s"].data == {"time": [1, 2, 3], "cpu": [10, 20, 30]}
    for n in range(4, 10):
        assert charts.feed(chart, "hosts", "a", {"n": n}) == 1
    assert chart.sources["s"].data["time"] == [5, 6, 7, 8, 9]
    assert all(math.isnan(number) for number in chart.sources["s"].data["cpu"])


def test_other_records_and_rows_without_x_are_left_out() -> None:
    chart = one_line()
    assert charts.feed(chart, "hosts", "b", {"n": 1}) == 0
    assert charts.feed(chart, "jobs", "a", {"n": 1}) == 0
    assert charts.feed(chart, "hosts", "a", {"cpu": 1}) == 0
    assert chart.sources["s"].data["time"] == []


def test_a_fall_beyond_restart_starts_anew() -> None:
    chart = one_line(restart=10.0)
    for n in (100, 95, 90):
        charts.feed(chart, "hosts", "a", {"n": n})
    assert chart.sources["s"].data["time"] == [100], "a small fall is a message that came late"
    charts.feed(chart, "hosts", "a", {"n": 2})
    assert chart.sources["s"].data["time"] == [2]


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 10))
def test_x_grows_and_never_exceeds_rollover(numbers: list[int], rollover: int) -> None:
    chart = one_line(rollover=rollover)
    for n in numbers:
        charts.feed(chart, "hosts", "a", {"n": n, "cpu": 1})
    seen = list(chart.sources["s"].data["time"])
    assert seen == sorted(set(seen))
    assert len(seen) <= rollover


HOST = Host("atelier", 1000.0, cpu_percent=40.0, memory_used_bytes=6, memory_total_bytes=8,
            net_sent_bytes_per_s=2e6, net_received_bytes_per_s=3e6,
            disks=(Disk("/", 10, 5, 5), Disk("/data", 10, 5, 5, 4e6, 5e6)),
            gpus=(Gpu(0, "card", "nvidia", util_percent=97.0, vram_used_bytes=3, vram_total_bytes=12),))


def job_payload() -> dict[str, object]:
    stages = (Stage("sample", StageState.RUNNING, 3, 20, 100.0),)
    job = Job("j1", JobSpec("sketch", "sketch-s", width=64, height=64, steps=20), JobState.RUNNING, started_s=100.0,
              worker_id="w", stages=stages, progress=10.0)
    outlook = show.Outlook(106.0, eta_s=34.0, low_s=30.0, high_s=40.0, speed=0.5)
    payload: dict[str, object] = wire.plain(show.job_view(job, outlook))
    return payload


@pytest.mark.parametrize(("chart", "expected"), [
    (charts.system("atelier"), {"cpu": 40.0, "memory": 75.0}),
    (charts.gpu("atelier", 0), {"util": 97.0, "vram": 25.0}),
    (charts.network("atelier"), {"received": 3.0, "sent": 2.0}),
    (charts.disk("atelier", 1), {"read": 4.0, "write": 5.0}),
], ids=lambda item: item.name if isinstance(item, Chart) else "")
def test_machine_charts_read_a_host_as_it_comes_over_the_wire(chart: Chart, expected: dict[str, float]) -> None:
    assert charts.feed(chart, "hosts", "atelier", wire.plain(HOST)) == 1
    data = next(iter(chart.sources.values())).data
    assert data["time"] == [local_ms(1000.0)]
    for column, number in expected.items():
        assert data[column] == [pytest.approx(number)]


def test_job_charts_read_a_job_as_it_comes_over_the_wire() -> None:
    steps, estimate = charts.steps("j1", total=20), charts.estimate("j1")
    payload = job_payload()
    assert charts.feed(steps, "jobs", "j1", payload) == charts.feed(estimate, "jobs", "j1", payload) == 1
    assert steps.sources["steps:j1"].data == {"step": [3.0], "seconds": [2.0]}
    assert estimate.sources["estimate:j1"].data == {"elapsed": [6.0], "total": [40.0], "low": [36.0], "high": [46.0]}


def test_a_new_attempt_starts_the_job_charts_anew() -> None:
    chart = charts.steps("j1", [(18, 1.0), (19, 1.0)], 20)
    charts.feed(chart, "jobs", "j1", job_payload())
    assert chart.sources["steps:j1"].data["step"] == [3.0]


def test_a_stage_without_steps_leaves_the_steps_alone() -> None:
    chart = charts.steps("j1", [(18, 1.0), (19, 1.0)], 20)
    assert charts.feed(chart, "jobs", "j1", {**job_payload(), "currentStep": 0, "totalSteps": 0, "speed": 0.0}) == 0
    assert chart.sources["steps:j1"].data["step"] == [18, 19]


def test_what_the_browser_gets_is_plain_json_and_names_its_sources(all_charts: list[Chart]) -> None:
    for chart in all_charts:
        sent = json.loads(json.dumps(charts.to_json(chart), allow_nan=False))
        text = json.dumps(sent["item"])
        assert sent["item"]["doc"]["roots"]
        for binding in sent["bindings"]:
            assert f'"name": "{binding["source"]}"' in text
            assert binding["x"] in binding["columns"]
            assert set(binding["columns"]) == set(chart.sources[binding["source"]].data)


def test_a_chart_can_be_sent_to_several_sessions() -> None:
    chart = charts.system("atelier")
    assert charts.to_json(chart)["item"]["root_id"] == charts.to_json(chart)["item"]["root_id"]
