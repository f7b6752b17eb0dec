"""A scripted hub, and the dashboard as a process of its own that shows it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from echodeck import wire
from echodeck.model.engine import EngineInfo, ModelInfo, Param
from echodeck.model.job import Job, JobSpec, JobState, Stage, StageState
from echodeck.model.record import Alert, Host, LogLine
from echodeck.wire import show

APP = Path(__file__).parents[2] / "app"
PATIENCE_S = 30.0
PATIENCE_MS = 1000 * PATIENCE_S


ENGINE = EngineInfo("sketch", "Sketch", models=(ModelInfo("sketch-s"), ModelInfo("sketch-m")),
                    samplers=("euler", "heun"), params=(
                        Param("width", 64, 512, 256, 8), Param("height", 64, 512, 192, 8), Param("steps", 1, 200, 20),
                        Param("seed", 0, 2**53 - 1, 0)))


def wait_for(what: str, ready: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if answer := ready():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"waited {timeout_s:.0f} s for {what}")


def a_job(job_id: str, title: str = "hills", state: JobState = JobState.PENDING, **more: Any) -> Job:
    spec = JobSpec("sketch", "sketch-s", title=title, prompt=title, width=256, height=192, steps=20, seed=7)
    job = Job(job_id, spec, state, user="Mika", created_s=time.time() - 60)
    if state in (JobState.RUNNING, JobState.PAUSED):
        stages = (Stage("load model", StageState.COMPLETED, duration_s=1.0),
                  Stage("sample", StageState.RUNNING, step=5, steps=20, started_s=time.time()), Stage("save"))
        job = replace(job, worker_id="w", host="atelier", started_s=time.time() - 10, stages=stages, stage_index=1,
                      attempt=1, progress=25.0)
    return replace(job, **more)


def a_view(job: Job, engine: EngineInfo = ENGINE, **outlook: Any) -> dict[str, Any]:
    seen = show.Outlook(at_s=time.time(), eta_s=40.0, low_s=36.0, high_s=45.0, speed=2.0, duration_s=60.0,
                        start_s=time.time() + 100)
    for name, value in outlook.items():
        setattr(seen, name, value)
    view: dict[str, Any] = wire.plain(show.job_view(job, seen, engine))
    return view


def frame(type_: str, payload: Any, seq: int | None = None) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(wire.encode(type_, payload, time.time(), seq))
    return made


PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'


class FakeHub:
    """Greets with what `jobs`, `alerts`, `logs`, `hosts` and `engines` hold; notes what it is told in `said`, and acks
    it with what `answers` has for its type, or refuses it with what `refuse` has."""

    def __init__(self, name: str = "hub-1", port: int = 0) -> None:
        self.name = name
        self.jobs: dict[str, dict[str, Any]] = {}
        self.alerts: list[Alert] = []
        self.logs: list[LogLine] = []
        self.hosts: list[Host] = []
        self.engines = [ENGINE]
        self.parts: list[dict[str, Any]] = []
        self.ladders: list[dict[str, Any]] = []
        self.channels: list[dict[str, Any]] = []
        self.answers: dict[str, dict[str, Any]] = {"submit": {"jobIds": ["new"]}}
        self.pictures = False
        self.recent: dict[str, list[dict[str, Any]]] = {}
        self.used: dict[str, Any] = {}
        self.figures: dict[str, list[str]] = {}
        self.series: dict[str, Any] = {}
        self.asked: list[str] = []
        self.seq = 5
        self.said: list[dict[str, Any]] = []
        self.refuse: dict[str, dict[str, str]] = {}
        self.sockets: set[ServerConnection] = set()
        self.port = port
        self.telling = threading.Lock()
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        protocols = [wire.SUBPROTOCOL]
        self._server = serve(self._talk, "127.0.0.1", self.port, process_request=self._http, compression=None,
                             subprotocols=protocols)  # type: ignore[arg-type]
        self.port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        for viewer in list(self.sockets):
            viewer.close(1001)
        self._thread.join(PATIENCE_S)
        self._server = None

    def put(self, view: dict[str, Any], type_: str = "generation_progress") -> None:
        self.jobs[view["jobId"]] = view
        self.tell(frame(type_, view))

    def tell(self, *messages: dict[str, Any]) -> None:
        text = json.dumps(messages)
        with self.telling:
            for viewer in list(self.sockets):
                viewer.send(text)

    def queue(self) -> dict[str, Any]:
        order = [name for name, view in self.jobs.items() if view["status"] in ("pending", "running", "paused")]
        counts = {state: sum(view["status"] == state for view in self.jobs.values())
                  for state in ("pending", "running", "paused", "completed", "failed", "cancelled")}
        queue: dict[str, Any] = wire.plain(show.QueueUpdate(order, [], show.QueueStats(**counts)))
        return queue

    def state(self) -> dict[str, Any]:
        return {"jobs": list(self.jobs.values()), "alerts": wire.plain([show.alert_view(a) for a in self.alerts]),
                "logs": wire.plain([show.log_view(line) for line in self.logs]), "hosts": wire.plain(self.hosts),
                "engines": wire.plain(self.engines), "agents": [], "previews": [], "queue": self.queue(), "users": [],
                "parts": self.parts, "decisions": [], "estimates": [], "channels": self.channels,
                "metrics": wire.plain(show.Metrics()), "seq": self.seq, "hub": self.name, "version": "1.2.3"}

    def of(self, type_: str) -> list[dict[str, Any]]:
        return [said for said in self.said if said["type"] == type_]

    def _http(self, _: ServerConnection, request: Request) -> Response | None:
        if request.path.startswith("/api/ws"):
            return None
        if "/outputs/" in request.path:
            if not self.pictures:
                return Response(404, "Not Found", Headers({"Content-Length": "0"}), b"")
            return Response(200, "OK", Headers({"Content-Type": "image/svg+xml", "Content-Length": str(len(PICTURE))}),
                            PICTURE)
        self.asked.append(request.path)
        body = json.dumps({"steps": [[1, 0.5], [2, 0.4], [3, 0.4]], "estimates": []} if "trail" in request.path
                          else {"hosts": self.recent} if "recent" in request.path
                          else {"ladders": self.ladders} if "ladders" in request.path
                          else self.used if "/usage" in request.path
                          else {"hosts": self.figures} if "/series/names" in request.path
                          else self.series if "/series" in request.path
                          else {"initial": self.state()}).encode()
        headers = Headers({"Content-Type": "application/json", "Access-Control-Allow-Origin": "*",
                           "Content-Length": str(len(body))})
        return Response(200, "OK", headers, body)

    def _talk(self, viewer: ServerConnection) -> None:
        with self.telling:
            viewer.send(json.dumps([frame("initial_state", self.state())]))
            self.sockets.add(viewer)
        with contextlib.suppress(ConnectionClosed):
            for text in viewer:
                self._answer(viewer, json.loads(text))
        self.sockets.discard(viewer)

    def _answer(self, viewer: ServerConnection, said: dict[str, Any]) -> None:
        if said["type"] == "ping":
            viewer.send(json.dumps([frame("pong", {"id": said["id"], "now": show.iso(time.time())})]))
            return
        self.said.append(said)
        if wrong := self.refuse.get(said["type"]):
            viewer.send(json.dumps([frame("error", {"id": said["id"], **wrong})]))
        else:
            viewer.send(json.dumps([frame("ack", {"id": said["id"], "result": self.answers.get(said["type"], {})})]))


@pytest.fixture(scope="session")
def hub_port() -> int:
    """One port for every test's hub, so that one dashboard serves them all."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def hub(hub_port: int) -> Iterator[FakeHub]:
    made = FakeHub(port=hub_port)
    made.start()
    yield made
    made.stop()


class Dashboard:
    """`serve.main` as a process."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.log = folder / "dash.log"
        code = "from echodeck.config import load\nfrom echodeck.view.serve import main\nmain(load())"
        env = {name: value for name, value in os.environ.items() if not name.startswith("ECHODECK_")}
        env |= {"PYTHONPATH": str(APP), "ECHODECK_DASH_PORT": "0", **environ}
        with self.log.open("wb") as out:
            self.process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=out,
                                            stderr=subprocess.STDOUT, env=env, cwd=folder)

    def words(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def url(self) -> str:
        def said() -> str:
            assert self.process.poll() is None, self.words()
            return next((line.split()[-1] for line in self.words().splitlines() if "Dashboard on" in line), "")

        return str(wait_for("the dashboard", said))

    def stop(self) -> None:
        self.process.terminate()
        self._gone()

    def kill(self) -> None:
        self.process.kill()
        self._gone()

    def _gone(self) -> None:
        self.process.wait(PATIENCE_S)
        assert self.process.stdin is not None
        self.process.stdin.close()


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory, hub_port: int) -> Iterator[str]:
    """The address of a dashboard for the hub at `hub_port`."""
    made = Dashboard(tmp_path_factory.mktemp("dash"), ECHODECK_HUB=f"http://127.0.0.1:{hub_port}")
    yield made.url()
    made.stop()


@pytest.fixture
def open_page(chromium: Any, dashboard: str, hub: FakeHub) -> Iterator[Callable[..., Any]]:
    """Opens the page against the test's hub. No error may reach its console, nothing is asked of elsewhere."""
    contexts, wrong = [], []

    def opened(view: str = "", wait: bool = True, **context: Any) -> Any:
        made = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark", **context})
        contexts.append(made)
        page = made.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if "echodeck:" in message.text else None)
        page.on("request", lambda asked: wrong.append(f"asked for {asked.url}")
                if not asked.url.startswith(("http://127.0.0.1", "data:", "blob:")) else None)
        page.goto(f"{dashboard}#{view}")
        if wait:
            live(page)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong


def live(page: Any, timeout_ms: float = PATIENCE_MS) -> None:
    page.get_by_test_id("connection").and_(page.locator("[data-state=live]")).wait_for(timeout=timeout_ms)
