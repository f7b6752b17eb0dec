"""What tests of several rooms share: a browser, and real hubs, agents and dashboards as processes on free ports."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]


def chromium_path() -> str | None:
    names = (os.environ.get("ECHODECK_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A playwright Browser, the system's Chromium. Without one the test is skipped, but fails when CI is true.

    One a module: while it is open, playwright's event loop runs in the main thread, and no coroutine test can.
    """
    path = chromium_path()
    if path is None:
        message = "no Chromium: install it, or set ECHODECK_CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def test_output() -> Path:
    """A directory for screenshots and other things worth keeping: test-output/ at the top."""
    path = Path(__file__).parent.parent / "test-output"
    path.mkdir(exist_ok=True)
    return path
