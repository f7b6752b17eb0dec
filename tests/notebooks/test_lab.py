"""The live notebook in a real JupyterLab in a real browser: the component moves, by messages of the kernel's alone."""

from __future__ import annotations

import shutil
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import NOTEBOOKS, Child, Hub, environment, wait_for

PATIENCE_MS = 90_000


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def lab(hub: Hub, tmp_path: Path) -> Iterator[str]:
    """A JupyterLab of our own with the notebooks in it, on loopback, without a token."""
    work = tmp_path / "work"
    work.mkdir()
    for path in NOTEBOOKS:
        shutil.copy(path, work)
    port = free_port()
    arguments = ["jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
                 "--IdentityProvider.token=", "--allow-root", f"--ServerApp.root_dir={work}",
                 "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    child = Child(arguments, tmp_path / "lab.log", environment(tmp_path, ECHODECK_HUB=hub.url))
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        child.said()
        try:
            with urllib.request.urlopen(f"{url}/api/status", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    try:
        wait_for("JupyterLab", answers)
        yield url
    finally:
        child.stop()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_component_moves_in_jupyterlab(lab: str, hub: Hub, chromium: Any, test_output: Path) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 1000})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.goto(f"{lab}/lab/tree/{NOTEBOOKS[0].name}?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=PATIENCE_MS)
    page.wait_for_selector(".jp-Toolbar-kernelName:has-text('Python 3')", timeout=PATIENCE_MS)
    # Before its kernel answers, JupyterLab runs nothing and says nothing.
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for(state="attached", timeout=PATIENCE_MS)
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").click()
    page.get_by_text("Run All Cells", exact=True).click()

    bar = page.locator("[data-testid=job-progress]").first
    bar.wait_for(timeout=PATIENCE_MS)
    seen: set[str] = set()

    def moved() -> bool:
        seen.add(bar.get_attribute("aria-valuenow", timeout=5000) if bar.count() else "")
        return len(seen - {""}) >= 3

    wait_for("a progress that moves", moved)
    page.screenshot(path=test_output / "notebook.png")
    page.get_by_text("completed: step").wait_for(timeout=PATIENCE_MS)
    page.locator(".jp-Notebook .jp-CodeCell").last.scroll_into_view_if_needed()
    page.locator(".bk-Figure").first.wait_for(timeout=PATIENCE_MS)
    assert page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    foreign = [url for url in asked if not url.startswith((lab, lab.replace("http", "ws"), "data:", "blob:"))]
    assert foreign == [], "the browser talks to its own server only"
    page.close()
