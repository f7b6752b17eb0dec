"""The commands against a real hub process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from echodeck.client import WORKER, Client, connect
from echodeck.model.engine import EngineInfo, ModelInfo, Param
from echodeck.wire import say as says

APP = Path(__file__).parents[2] / "app"
ENGINE = EngineInfo("sketch", models=(ModelInfo("sketch-s"),), samplers=("euler",),
                    params=(Param("width", 64, 512, 256, 8), Param("seed", 0, 9, 0)))


async def register(client: Client) -> None:
    await client.call("register", says.Register("agent-1", "box", engines=[ENGINE]), ahead=True)


def start(data: Path, port: int = 0) -> tuple[subprocess.Popen[str], str]:
    environ = {**os.environ, "PYTHONPATH": str(APP)}
    process = subprocess.Popen([sys.executable, "-m", "echodeck", "hub", "--port", str(port), "--data", str(data)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    assert "listening on" in line, process.stderr.read()
    return process, line.split()[-1]


def end(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    return process.returncode


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    data = tmp_path_factory.mktemp("served")
    process, url = start(data)
    with connect(url, endpoint=WORKER, greet=register) as worker:
        worker.call("heartbeat", says.Heartbeat())
        yield url, data
    assert end(process) == 0


@pytest.fixture
def type_(run: Any, served: Any) -> Any:
    return lambda *arguments: run(*arguments, "--hub", served[0])


def test_a_queue_is_filled_and_steered(type_: Any) -> None:
    ids = type_("submit", "hills", "--count", "3", "--title", "mine", "--json").json["jobIds"]
    assert len(set(ids)) == 3
    assert type_("move", ids[2], "top").code == 0
    assert [job["jobId"] for job in type_("queue", "--json").json["jobs"]] == [ids[2], ids[0], ids[1]]
    assert type_("pause", ids[0]).code == 0
    assert type_("pause", ids[0], "--json").code == 0
    assert type_("resume", ids[0]).code == 0
    assert type_("retry", ids[0]).code == 1
    assert type_("cancel", ids[0]).code == 0
    assert type_("watch", ids[0], "--json").code == 1
    assert type_("retry", ids[0]).code == 0
    for job_id in ids:
        type_("cancel", job_id)
    assert type_("remove", ids[0]).code == 0
    assert type_("clear").code == 0
    assert "the queue is empty" in type_("queue").out


@pytest.mark.parametrize(("arguments", "field"), [
    (("submit", "x", "--width", "63"), "width"),
    (("submit", "x", "--engine", "nope"), "engine"),
    (("submit", "x", "--model", "nope"), "model"),
    (("submit", "x", "--count", "-1"), "count"),
    (("submit", "x", "--priority", "soonest"), "priority"),
    (("pause", "nobody"), "jobId"),
])
def test_bad_input_names_its_field(type_: Any, arguments: tuple[str, ...], field: str) -> None:
    done = type_(*arguments, "--json")
    assert done.code == 2
    assert done.error["field"] == field


def test_a_workflow_is_asked_about_and_talked_about(type_: Any, tmp_path: Path) -> None:
    file = tmp_path / "flow.json"
    file.write_text('[{"prompt": "lake", "name": "lake"}, {"prompt": "b", "after": ["lake"]}]', encoding="utf-8")
    first, second = type_("workflow", str(file), "--json").json["jobIds"]
    assert "waits for lake" in type_("ask", "why", second).out
    assert "with 20 jobs more" in type_("ask", "plan", "--add", "20").out
    assert "take sketch-s" in type_("ask", "recommend").out
    assert "1 of 1 slot is free" in type_("ask", "capacity").out
    assert type_("ask", "weather").code == 2
    assert type_("say", "brighter, please", "--job", first).out == "said\n"
    assert type_("say", "are you there?", "--to", "elsewhere").out.startswith(
        "said, but nobody is known as 'elsewhere': it is kept until somebody of that name is here (known: ")
    assert "brighter, please" in type_("messages", "BRIGHTER").out
    assert type_("messages", "never said").out == "no messages\n"
    assert type_("cancel", first).code == 0
    assert "lake, which it comes after, was cancelled" in type_("ask", "why", second).out
    assert type_("remove", first, second).code == 0


def test_the_status_has_the_agent(type_: Any) -> None:
    assert [agent["id"] for agent in type_("status", "--json").json["agents"]] == ["agent-1"]
    assert "agent-1" in type_("status").out


@pytest.mark.skipif(os.name != "posix", reason="a pipe breaks otherwise there")
def test_a_reader_that_has_had_enough_is_no_fault(type_: Any, served: Any) -> None:
    type_("submit", "hills", "--count", "5")
    for arguments in (("queue",), ("queue", "--json"), ("status",)):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([sys.executable, "-m", "echodeck", *arguments, "--hub", served[0]], stdout=writer,
                              stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(APP)}, timeout=60)
        os.close(writer)
        assert (done.returncode, done.stderr) == (0, b"")


def test_many_are_cancelled_at_once(type_: Any) -> None:
    type_("submit", "hills", "--count", "60")
    assert type_("cancel", "--all", "--yes").code == 0
    assert type_("queue", "--json").json["jobs"] == []
    assert type_("remove", "--all").code == 0
    assert type_("queue", "--json", "--all").json["jobs"] == []


def test_a_report_is_written(type_: Any, tmp_path: Path) -> None:
    done = type_("report", "-o", str(tmp_path / "r.html"), "--json")
    assert done.json["path"] == str(tmp_path / "r.html")
    assert "<html" in (tmp_path / "r.html").read_text()[:500]
    assert type_("report", "-o", str(tmp_path / "no" / "r.html")).code == 2


def test_a_second_hub_is_refused(run: Any, served: Any, tmp_path: Path) -> None:
    url, data = served
    done = run("hub", "--port", "0", "--data", str(data))
    assert done.code == 3
    assert done.err.count("\n") == 1
    port = url.rsplit(":", 1)[1]
    done = run("hub", "--port", port, "--data", str(tmp_path))
    assert done.code == 3
    assert port in done.err


def test_a_supervised_hub_ends_with_its_supervisor(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(APP), "ECHODECK_SUPERVISED": "1"}
    process = subprocess.Popen([sys.executable, "-m", "echodeck", "hub", "--port", "0", "--data", str(tmp_path)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ)
    assert process.stdout is not None
    assert process.stdin is not None
    assert "listening" in process.stdout.readline()
    process.stdin.close()
    assert process.wait(20) == 0
    process.stdout.close()


def test_a_wish_is_given_and_the_ladder_shown(type_: Any) -> None:
    done = type_("submit", "a lake", "--model", "auto", "--quality", "final", "--deadline", "23:59", "--allow", "batch",
                 "--json")
    (job,) = done.json["jobs"]
    assert (job["model"], job["wish"]["quality"], job["wish"]["allow"]) == ("sketch-s", "final", ["batch"])
    assert job["wish"]["deadline"]
    refused = type_("submit", "a lake", "--quality", "superb", "--json")
    assert (refused.code, refused.error["field"]) == (2, "quality")
    assert type_("submit", "a lake", "--deadline", "soon", "--json").error["field"] == "--deadline"
    (ladder,) = type_("brain", "ladders", "--json").json["ladders"]
    assert [rung["name"] for rung in ladder["rungs"]] == ["sketch-s"]
    assert "sketch (sketch, learnt), cheapest first" in type_("brain", "ladders").out
    type_("cancel", job["jobId"])


def test_parts_of_the_brain_are_switched(type_: Any) -> None:
    assert type_("brain", "off", "order").code == 0
    parts = {part["name"]: part["on"] for part in type_("brain", "--json").json["parts"]}
    assert parts.pop("order") is False
    assert all(parts.values())
    assert "off  order" in type_("brain").out
    assert type_("brain", "on", "order").out.strip() == "order is on"
    done = type_("brain", "off", "ordre", "--json")
    assert (done.code, done.error["field"]) == (2, "part")
