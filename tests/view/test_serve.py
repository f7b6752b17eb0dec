"""The dashboard's server as a process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from echodeck.config import Settings
from echodeck.errors import ConfigError
from echodeck.view import serve

from .conftest import APP, PATIENCE_S, Dashboard, wait_for


def test_a_taken_port_is_said_in_words() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match=r"cannot use 127\.0\.0\.1:\d+ .*--dash-port"):
            serve.make(Settings(dash_port=taken.getsockname()[1]))


def test_pages_open_under_this_machines_names_and_those_added() -> None:
    found = serve.origins(Settings(dash_host="0.0.0.0", allow_host="deck.lan, deck", allow_origin="https://deck.example/"),
                          8310)
    assert {"localhost:8310", "127.0.0.1:8310", "deck.lan:8310", "deck:8310", "deck.example"} <= set(found)
    assert not [host for host in found if "*" in host]


def test_pages_open_under_the_address_that_other_machines_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine's own name stands for, which often is loopback alone."""
    monkeypatch.setattr(serve, "of_this_machine", lambda: ["192.168.1.5"])
    assert "192.168.1.5:8310" in serve.origins(Settings(dash_host="0.0.0.0"), 8310)
    assert "192.168.1.5:8310" not in serve.origins(Settings(), 8310)


def test_it_says_one_line_and_serves(tmp_path: Path) -> None:
    made = Dashboard(tmp_path)
    try:
        with urllib.request.urlopen(made.url(), timeout=PATIENCE_S) as answer:
            text = answer.read().decode()
        assert "<title>echodeck</title>" in text
        assert 'name="viewport"' in text
        assert "http://" not in text.replace("http://www.w3.org", "").replace("http://127.0.0.1", "")
        assert made.words().splitlines() == [f"Dashboard on {made.url()}"]
    finally:
        made.stop()


def test_it_ends_with_its_supervisor(tmp_path: Path) -> None:
    made = Dashboard(tmp_path, ECHODECK_SUPERVISED="1")
    made.url()
    assert made.process.stdin is not None
    made.process.stdin.close()
    assert made.process.wait(PATIENCE_S) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to end by")
@pytest.mark.parametrize("supervised", ["", "1"])
def test_it_ends_cleanly_when_asked(tmp_path: Path, supervised: str) -> None:
    made = Dashboard(tmp_path, ECHODECK_SUPERVISED=supervised)
    made.url()
    made.stop()
    assert made.process.returncode == 0
    assert len(made.words().splitlines()) == 1


def test_panel_serves_the_same_page(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "panel.log"
    env = {name: value for name, value in os.environ.items() if not name.startswith("ECHODECK_")}
    with log.open("wb") as out:
        command = [sys.executable, "-m", "panel", "serve", str(APP), "--port", str(port)]
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=tmp_path, env=env)
    try:
        def page() -> str:
            assert process.poll() is None, log.read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/app", timeout=PATIENCE_S) as answer:
                    return str(answer.read().decode())
            except urllib.error.URLError:
                return ""

        text = wait_for("the page", page)
        assert 'id="echodeck-style"' in text
        assert 'data-views="now queue"' in text
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
