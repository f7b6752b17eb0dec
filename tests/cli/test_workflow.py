"""Submitting a workflow, skipping and freeing, as somebody types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

WORKFLOWS = Path(__file__).parents[1] / "model" / "workflows"
SD15 = WORKFLOWS / "sd15.json"


@pytest.fixture
def deck(hub: Any, say: Any) -> Any:
    hub.reply = lambda r: say.frame("ack", {"id": r["id"], "result": {"jobIds": ["n-1"], "jobs": []}})
    return hub


def test_a_workflow_goes_whole_with_what_is_set_in_it(run: Any, deck: Any) -> None:
    done = run("submit", "--engine", "comfyui", "--workflow", str(SD15), "--set", "KSampler.steps=7", "--set",
               "6.text=a=b", "--seed", "9", "--hub", deck.url)
    assert (done.code, done.out) == (0, "queued n-1\n"), done.err
    payload = deck.said("submit")[0]["payload"]
    assert json.loads(payload["workflow"]) == json.loads(SD15.read_text(encoding="utf-8"))
    assert payload["values"] == {"KSampler.steps": "7", "6.text": "a=b"}
    assert (payload["engine"], payload["seed"]) == ("comfyui", 9)
    assert payload.get("prompt", "") == ""


def test_options_of_the_engine_are_named(run: Any, deck: Any) -> None:
    assert run("submit", "x", "--option", "cfg_scale=7.5", "--scheduler", "karras", "--hub", deck.url).code == 0
    payload = deck.said("submit")[0]["payload"]
    assert (payload["options"], payload["scheduler"]) == ({"cfg_scale": "7.5"}, "karras")


@pytest.mark.parametrize(("arguments", "field", "said"), [
    (("--workflow", "nowhere.json"), "--workflow", "cannot be read"),
    (("--set", "3.seed=1"), "--set", "--workflow FILE"),
    (("--workflow", str(SD15), "--set", "3.seed"), "--set", "NAME=VALUE"),
    (("--option", "=3"), "--option", "NAME=VALUE"),
])
def test_what_cannot_be_sent_is_said_at_its_flag(run: Any, deck: Any, arguments: tuple[str, ...], field: str,
                                                 said: str) -> None:
    done = run("submit", *arguments, "--json", "--hub", deck.url)
    assert done.code == 2
    assert (done.error["field"], said in done.error["message"]) == (field, True)
    assert deck.said("submit") == []


def test_a_workflow_of_the_page_is_refused_with_how_to_export_it(run: Any, deck: Any, tmp_path: Path) -> None:
    file = tmp_path / "ui.json"
    file.write_text(json.dumps({"nodes": [{"id": 1}], "links": [], "version": 0.4}), encoding="utf-8")
    done = run("submit", "--workflow", str(file), "--hub", deck.url)
    assert done.code == 2
    assert "Export (API)" in done.err


def test_an_engine_is_asked_to_free_its_memory(run: Any, deck: Any) -> None:
    assert run("free", "comfyui", "--hub", deck.url).out == "freeing comfyui\n"
    assert deck.said("engine_command")[0]["payload"] == {"engine": "comfyui", "command": "free"}


def test_the_extension_is_put_in_shown_and_taken_out(run: Any, tmp_path: Path) -> None:
    (tmp_path / "custom_nodes").mkdir()
    done = run("comfyui", "install", str(tmp_path))
    assert done.code == 0
    assert "restart ComfyUI" in done.out
    assert (tmp_path / "custom_nodes" / "echodeck" / "__init__.py").exists()
    assert run("comfyui", "uninstall", str(tmp_path), "--json").json == {
        "path": str(tmp_path / "custom_nodes" / "echodeck")}
    assert "NODE_CLASS_MAPPINGS" in run("comfyui", "install", "--print").out
    assert run("comfyui", "install").code == 2
    assert run("comfyui", "install", str(tmp_path / "nowhere"), "--json").error["code"] == "bad_setting"
