"""The dashboard, the rules and the scrape configuration: they can be read, and ask for nothing that is not told."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from echodeck.config import Settings
from echodeck.hub.app import Hub
from echodeck.hub.workers import Worker
from echodeck.model.engine import EngineInfo
from echodeck.model.facts import Claimed, Completed, Metered
from echodeck.model.job import Job, JobSpec, JobState
from echodeck.model.record import Agent, Disk, EstimateSample, Gpu, Host, Net
from echodeck.model.usage import Figure, Usage
from echodeck.store.memory import MemoryStore

ASSETS = Path(__file__).parent.parent / "assets"
DASHBOARD = json.loads((ASSETS / "grafana" / "echodeck.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((ASSETS / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
SCRAPE = yaml.safe_load((ASSETS / "prometheus" / "scrape.yml").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
EXPRESSIONS = [*(target["expr"] for panel in PANELS for target in panel["targets"]), *(rule["expr"] for rule in ALERTS),
               *(variable.get("definition", "") for variable in DASHBOARD["templating"]["list"])]
BY_PROMETHEUS = {"up"}
NAME = re.compile(r"\b(?:echodeck|process)_\w+|\bup\b")
GROUPING = re.compile(r"\b(?:by|on) \(([^)]*)\)")
MATCHER = re.compile(r"\{([^}]*)\}")
OF_THE_TARGET = {"instance", "job"}


def names_in(expression: str) -> set[str]:
    return set(NAME.findall(re.sub(r"\"[^\"]*\"", "", expression)))


def labels_in(expression: str) -> set[str]:
    """Those that are grouped or matched by."""
    grouped = {word.strip() for words in GROUPING.findall(expression) for word in words.split(",")}
    return grouped | {part.split("=")[0].strip("!~ ") for parts in MATCHER.findall(expression)
                      for part in re.findall(r"\w+\s*[=!]~?", parts)}


@pytest.fixture(scope="module")
def told() -> dict[str, set[str]]:
    """Every name on the page of a hub of which everything is known, and the labels that go with it."""
    hub = Hub(Settings(port=0, data=Path("unused")), MemoryStore())
    room = hub.room
    numbers: dict[str, Any] = {one.name: 3 for one in fields(Gpu) if one.type in ("float | None", "int | None")}
    room.board.put("hosts", "studio", Host(
        "studio", 1.0, cores_percent=(1.0,), load=(1.0, 1.0, 1.0), connections=1, temps={"cpu": 1.0},
        disks=(Disk("/", 9, 5, 4),), nets=(Net("eth0"),), gpus=(Gpu(0, "card", "nvidia", **numbers),)))
    room.board.put("engines", "sketch", EngineInfo("sketch"))
    room.desk.workers.agents["a"] = Worker(Agent("a", host="studio"), None, frozenset())
    room.desk.outlooks.clear = (1.0, 0.5, 2.0)
    count_a_job(hub)
    found: dict[str, set[str]] = {}
    for family in hub.metrics.registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def count_a_job(hub: Hub) -> None:
    """One that waited, ran as was foreseen, completed and was metered."""
    room = hub.room
    room.desk.outlooks.told = lambda job_id: [EstimateSample(job_id, 1, 0.0, 0.0, 100.0, 90.0, 110.0)]  # type: ignore[method-assign]
    job = Job("j", JobSpec("sketch", "m"), attempt=1)
    running = replace(job, state=JobState.RUNNING, started_s=0.0)
    done = replace(running, state=JobState.COMPLETED, finished_s=100.0)
    metered = replace(done, usage=(Usage("sample", 100.0, by_process=False, power_w=Figure(20_000.0, 250.0, 100.0)),))
    for before, after, fact in ((job, running, Claimed(0.0, "w")), (running, done, Completed(100.0)),
                                (done, metered, Metered(101.0, metered.usage))):
        for follow in room.followers:
            follow(before, after, fact)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_is_asked_for_is_told(expression: str, told: dict[str, set[str]]) -> None:
    names = names_in(expression)
    if expression:
        assert names
    assert names - BY_PROMETHEUS <= told.keys()
    for name in names - BY_PROMETHEUS:
        assert labels_in(expression) - OF_THE_TARGET <= told[name] | {"le"}, name


def legends() -> Iterator[tuple[str, str]]:
    yield from ((target["legendFormat"], target["expr"]) for panel in PANELS for target in panel["targets"])
    yield from ((text, rule["expr"]) for rule in ALERTS for text in rule["annotations"].values())


@pytest.mark.parametrize(("text", "expression"), list(legends()))
def test_what_is_named_is_known(text: str, expression: str, told: dict[str, set[str]]) -> None:
    wanted = set(re.findall(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}", text))
    known = set.intersection(*(told[name] for name in names_in(expression) - BY_PROMETHEUS)) \
        if names_in(expression) - BY_PROMETHEUS else set()
    assert wanted <= known | OF_THE_TARGET


def test_the_dashboard_imports() -> None:
    """What an import asks of it: no id of its own, every panel once, and the data source chosen by a variable."""
    assert DASHBOARD["id"] is None
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    for panel in PANELS:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
    used = set(re.findall(r"\$(\w+)", " ".join(EXPRESSIONS)))
    assert used <= variables.keys()


def test_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + dx, place["y"] + dy) for dx in range(place["w"]) for dy in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_every_rule_says_what_and_how_bad() -> None:
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS)
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"].keys() == {"summary", "description"}


def test_the_scrape_is_of_a_hub_with_its_defaults() -> None:
    [job] = SCRAPE["scrape_configs"]
    assert job["static_configs"][0]["targets"] == [f"{Settings().host}:{Settings().port}"]
    assert (job["metrics_path"], job["job_name"]) == ("/metrics", "echodeck")
    assert [(ASSETS / "prometheus" / name).exists() for name in SCRAPE["rule_files"]] == [True]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
@pytest.mark.parametrize("words", [("check", "config", str(ASSETS / "prometheus" / "scrape.yml")),
                                   ("test", "rules", str(Path(__file__).parent / "assets_rules.yml"))])
def test_prometheus_own_tool_agrees(words: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
