"""The page over a real socket: both formats, valid by prometheus_client's own parsers."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from echodeck.hub.app import Hub

SCRAPER = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75," \
          "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


async def test_as_text_and_as_openmetrics(hub: Hub, meet: Any, web: Any) -> None:
    agent, viewer = await meet("/api/coordination/ws"), await meet()
    await agent.register()
    await viewer.ask("submit", {"prompt": "hills"})
    await agent.claim()
    await agent.ask("host_metrics", {"host": {"name": "studio", "at_s": 1.0, "cpu_percent": 25.0}})
    plain = await web("GET", "/metrics")
    assert (plain.status, plain.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    text = {family.name: family for family in text_string_to_metric_families(plain.body.decode())}
    for family in text.values():
        assert family.documentation, family.name
        assert family.type != "unknown", family.name
    assert text["echodeck_host_cpu_usage_ratio"].samples[0].value == 0.25
    asked = await web("GET", "/metrics", accept=SCRAPER)
    assert asked.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert asked.body.endswith(b"# EOF\n")
    families = list(openmetrics.text_string_to_metric_families(asked.body.decode()))
    units = {family.name: family.unit for family in families}
    assert units["echodeck_host_cpu_usage_ratio"] == "ratio"
    assert units["echodeck_job_duration_seconds"] == "seconds"
    assert {name for name in units if not name.startswith("echodeck_")} <= {
        name for name in units if name.startswith("process_")}
    jobs = next(family for family in families if family.name == "echodeck_jobs")
    assert {sample.labels["state"]: sample.value for sample in jobs.samples}["running"] == 1.0
    viewers = next(family for family in families if family.name == "echodeck_hub_viewers")
    assert [sample.value for sample in viewers.samples] == [1.0]


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "application/openmetrics-text;version=x.y",
                                    "text/plain;;=,", "APPLICATION/OPENMETRICS-TEXT"])
async def test_whatever_is_accepted_there_is_a_page(hub: Hub, web: Any, accept: str) -> None:
    reply = await web("GET", "/metrics", accept=accept)
    assert reply.status == 200
    assert b"echodeck_build_info" in reply.body


async def test_it_is_described_and_in_no_common_registry(hub: Hub, web: Any) -> None:
    assert "/metrics" in (await web.get("/openapi.json"))["paths"]
    assert not [family for family in REGISTRY.collect() if family.name.startswith("echodeck")]


async def test_a_foreign_host_name_gets_nothing(hub: Hub, web: Any) -> None:
    assert (await web("GET", "/metrics", host="evil.example")).status == 403
