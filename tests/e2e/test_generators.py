"""`echodeck up` beside a ComfyUI and a script, in a real browser: others' jobs appear, are steered, and end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..engines.comfyui.standin import StandIn
from .conftest import Deck, start, stop

pytestmark = [pytest.mark.browser, pytest.mark.slow]

GRAPH = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sdxl.safetensors"}},
    "3": {"class_type": "KSampler", "inputs": {"model": ["1", 0], "seed": 1, "steps": 200, "step_s": 0.1}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
}
SCRIPT = """
import time
from echodeck import track
with track("render of the valley", total=400, model="mine") as job:
    for n in range(400):
        time.sleep(0.1)
        job.step()
        job.metric("loss", 1 / (n + 1))
"""


def graph(seed: int, steps: int = 200) -> dict[str, Any]:
    return {**GRAPH, "3": {**GRAPH["3"], "inputs": {**GRAPH["3"]["inputs"], "seed": seed, "steps": steps}}}


@pytest.fixture(scope="module")
def comfyui() -> Iterator[StandIn]:
    made = StandIn(extension=True)
    yield made
    made.close()


@pytest.fixture(scope="module")
def deck(comfyui: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deck]:
    running = start(tmp_path_factory.mktemp("generators"), "--comfyui", comfyui.url)
    yield running
    stop(running)


def card(page: Any, job_id: str) -> Any:
    return page.locator(f"[data-testid=job-card][data-job='{job_id}']")


def steps(page: Any, job_id: str) -> int:
    first = (card(page, job_id).get_by_test_id("job-step").text_content() or "").split("/")[0]
    digits = "".join(letter for letter in first if letter.isdigit())
    return int(digits or 0)


def test_somebody_elses_prompt_is_watched_paused_and_cancelled(deck: Deck, page: Any, comfyui: StandIn, wait_for: Any,
                                                               test_output: Path) -> None:
    job_id = comfyui.post(graph(5))
    card(page, job_id).wait_for()
    wait_for("its steps", lambda: steps(page, job_id) >= 3)
    picture = card(page, job_id).get_by_test_id("job-preview").locator("img")
    wait_for("its picture", lambda: picture.count() and picture.get_attribute("src"))
    page.reload()
    wait_for("the same after a refresh", lambda: steps(page, job_id) >= 3)
    page.screenshot(path=test_output / "observed-1440.png")
    card(page, job_id).get_by_test_id("job-pause").click()
    card(page, job_id).get_by_test_id("job-resume").wait_for()
    held = deck.job(job_id)["currentStep"]
    assert deck.job(job_id)["status"] == "paused"
    card(page, job_id).get_by_test_id("job-resume").click()
    wait_for("it to go on", lambda: deck.job(job_id)["currentStep"] > held)
    card(page, job_id).get_by_test_id("job-cancel").click()
    wait_for("its end", lambda: deck.job(job_id)["status"] == "cancelled")


def test_a_workflow_of_ours_outlives_a_restart_of_comfyui(deck: Deck, page: Any, comfyui: StandIn,
                                                          wait_for: Any) -> None:
    job_id = deck.submit(engine="comfyui", workflow=graph(6, 60))
    wait_for("its steps", lambda: deck.job(job_id)["currentStep"] >= 2)
    comfyui.kill()
    wait_for("the engine to be away", lambda: next(
        one["reason"] for one in deck.state()["engines"] if one["name"] == "comfyui"))
    comfyui.start()
    done = wait_for("its end", lambda: deck.job(job_id)["status"] == "completed" and deck.job(job_id))
    assert done["attempt"] == 2
    assert done["outputs"][0]["link"].startswith(comfyui.url)
    assert [stage["name"] for stage in done["stages"]] == ["CheckpointLoaderSimple", "KSampler", "SaveImage"]


def test_a_script_is_watched_and_ended_from_the_page(deck: Deck, page: Any, wait_for: Any, tmp_path: Path,
                                                     test_output: Path) -> None:
    file = tmp_path / "render.py"
    file.write_text(SCRIPT, encoding="utf-8")
    app = Path(__file__).parents[2] / "app"
    script = subprocess.Popen([sys.executable, str(file)], stderr=subprocess.PIPE, text=True, env={
        **os.environ, "PYTHONPATH": str(app), "ECHODECK_HUB": deck.url, "ECHODECK_DATA": str(deck.data)})
    job_id = wait_for("it", lambda: next((one["jobId"] for one in deck.jobs("running")
                                          if one["origin"] == "script"), None))
    card(page, job_id).wait_for()
    wait_for("its steps", lambda: steps(page, job_id) >= 3)
    page.screenshot(path=test_output / "script-1440.png")
    card(page, job_id).get_by_test_id("job-cancel").click()
    _, said = script.communicate(timeout=60)
    assert "Cancelled" in said
    wait_for("its end", lambda: deck.job(job_id)["status"] == "cancelled")
