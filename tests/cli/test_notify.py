"""`echodeck notify` against a real hub process with a real receiver beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from echodeck.webhook import key_of

APP = Path(__file__).parents[2] / "app"
SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


class Receiver(HTTPServer):
    """Answers 200, or what `status` says."""

    status = 200
    got = 0


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got += 1
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def hub_in(folder: Path, settings: str) -> subprocess.Popen[str]:
    """A hub that reads this as its `echodeck.toml`."""
    (folder / "echodeck.toml").write_text(settings, encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ECHODECK_")}
    return subprocess.Popen([sys.executable, "-m", "echodeck", "hub", "--port", "0", "--data", str(folder / "data")],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
                            env={**environ, "PYTHONPATH": str(APP), "no_proxy": "*"})


@pytest.fixture
def type_(run: Callable[..., Any], tmp_path: Path, receiver: Receiver) -> Iterator[Callable[..., Any]]:
    process = hub_in(tmp_path, f"""
[notify.channels.studio]
webhook = "http://127.0.0.1:{receiver.server_port}/s3cret"
secret = "{SECRET}"
[notify.routes.mine]
to = ["studio"]
levels = ["error"]
endings = ["completed"]
users = ["ann"]
""")
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    yield lambda *arguments: run(*arguments, "--hub", url)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)


def test_channels_are_listed_and_tested(type_: Callable[..., Any], receiver: Receiver) -> None:
    listed = type_("notify").out
    assert f"studio       http://127.0.0.1:{receiver.server_port}/…  nothing sent yet" in listed
    assert "mine: error, completed jobs, only of ann" in listed
    assert "s3cret" not in listed
    done = type_("notify", "test", "studio")
    assert (done.code, done.out.strip(), receiver.got) == (0, "studio: it has arrived", 1)
    assert "last sent " in type_("notify").out
    receiver.status = 500
    done = type_("notify", "test", "studio")
    assert (done.code, done.out.strip()) == (1, "studio: it answered 500")
    done = type_("notify", "test", "phone", "--json")
    assert (done.code, done.error["code"]) == (2, "unknown_channel")
    assert type_("notify", "--json").json["channels"][0]["test"]["error"] == "it answered 500"


def test_a_secret_is_one(run: Callable[..., Any]) -> None:
    first, second = (run("notify", "secret").out.strip() for _ in range(2))
    assert first != second
    assert len(key_of(first)) == 32


def test_a_hub_with_settings_that_cannot_be_says_which_and_does_not_start(tmp_path: Path) -> None:
    process = hub_in(tmp_path, '[notify.channels.studio]\nwebhook = "http://127.0.0.1/x"\nsecret = "short"\n')
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (2, "")
    assert err == "echodeck: notify.channels.studio.secret: expected 'whsec_' and base64 of 24 to 64 bytes\n"
