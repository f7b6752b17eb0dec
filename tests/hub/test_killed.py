"""A real hub that is killed in the midst of a job, and started again: what the job took before is still counted."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import connect as open_file
from typing import Any

import httpx
import pytest

from echodeck.client import WORKER, Client, connect
from echodeck.hub.meters import KIND
from echodeck.model.job import JobSpec
from echodeck.model.record import Gpu, Host
from echodeck.store.sqlite import FILE_NAME
from echodeck.wire import say

APP = Path(__file__).parents[2] / "app"
PATIENCE_S = 30.0
SAMPLES = 60
GPU = Gpu(0, "RTX 3060", "nvidia", util_percent=80.0, vram_used_bytes=1 << 30, power_w=360.0)
HAND: dict[str, Any] = {"job_id": "x1", "attempt": 1, "worker_id": "studio/script/1"}


@contextmanager
def hub(data: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A hub's process, killed at the end if it is still there, and its address."""
    command = [sys.executable, "-m", "echodeck", "hub", "--port", "0", "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          env={**os.environ, "PYTHONPATH": str(APP)}) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.kill()


def script(began_s: float) -> Callable[[Client], Awaitable[None]]:
    """Greets the hub as a script that tells of one job, begun at `began_s`."""
    async def greet(client: Client) -> None:
        await client.call("register", say.Register("script-1", "studio", kind="script"), ahead=True)
        adopt = say.Adopt("x1", HAND["worker_id"], JobSpec("script", "m"), "script", started_s=began_s)
        await client.call("adopt", adopt, ahead=True)

    return greet


async def agent(client: Client) -> None:
    """Greets it as the agent that measures the machine."""
    await client.call("register", say.Register("agent-1", "studio"), ahead=True)


def until(said: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := said()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def written(data: Path) -> bool:
    with closing(open_file(f"{(data / FILE_NAME).as_uri()}?mode=ro", uri=True)) as file:
        return file.execute("SELECT 1 FROM records WHERE kind = ?", (KIND,)).fetchone() is not None


@pytest.mark.skipif(sys.platform == "win32", reason="a hub that is killed there is another matter")
def test_a_job_keeps_what_it_took_before_the_hub_was_killed(tmp_path: Path) -> None:
    began_s = time.time() - SAMPLES
    with hub(tmp_path) as (process, url):
        with connect(url, endpoint=WORKER, greet=script(began_s)) as job, \
                connect(url, endpoint=WORKER, greet=agent) as measurer:
            for n in range(SAMPLES):
                measurer.call("host_metrics", say.HostMetrics(Host("studio", began_s + n, gpus=(GPU,))))
            job.call("job_report", say.JobReport(**HAND, fact="planned", at_s=began_s, stages=[("train", 0)]))
            job.call("job_report", say.JobReport(**HAND, fact="stage_started", at_s=began_s))
            until(lambda: written(tmp_path))
        process.kill()
    with hub(tmp_path) as (_, url), connect(url, endpoint=WORKER, greet=script(began_s)) as job, \
            connect(url, endpoint=WORKER, greet=agent) as measurer:
        measurer.call("host_metrics", say.HostMetrics(Host("studio", time.time(), gpus=(GPU,))))
        ended_s = time.time()
        job.call("job_report", say.JobReport(**HAND, fact="stage_done", at_s=ended_s, duration_s=ended_s - began_s))
        job.call("job_report", say.JobReport(**HAND, fact="completed", at_s=ended_s))
        measurer.call("host_metrics", say.HostMetrics(Host("studio", ended_s + 1.0, gpus=(GPU,))))
        used = until(lambda: httpx.get(f"{url}/api/generations/x1").json().get("usage"))
    assert used["length"] == pytest.approx(ended_s - began_s, abs=1.0)
    assert used["length"] - used["unmeasured"] >= SAMPLES - 2.0
    assert used["energyWh"] >= (SAMPLES - 2) * 360.0 / 3600.0
