"""A store that cannot write: new jobs are refused, what happens is shown and kept, and written when it can be."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import echodeck
from echodeck import wire
from echodeck.config import Settings
from echodeck.errors import InputError, StoreUnavailable
from echodeck.hub import ledger as ledger_module
from echodeck.hub.ledger import Change, keep, merged
from echodeck.model.job import Job, JobSpec, JobState
from echodeck.model.record import StepSample
from echodeck.store import Batch, Event
from echodeck.store.memory import MemoryStore
from echodeck.store.sqlite import SqliteStore

PATIENCE_S = 10.0
FULL = "its disk is full; free some space and go on"


class Fragile(MemoryStore):
    """A store that cannot write while it has a `reason`; `gate` holds a write until it is set."""

    def __init__(self) -> None:
        super().__init__()
        self.reason = ""
        self.tries = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.bad = ""

    async def append(self, batch: Batch) -> list[int]:
        self.tries += 1
        await self.gate.wait()
        if self.reason:
            raise StoreUnavailable(self.reason)
        if self.bad and any(self.bad in str(event.payload) for event in batch.events):
            raise TypeError("cannot be packed")
        return await super().append(batch)


@pytest.fixture
async def rig(rig_type: Any) -> AsyncIterator[Any]:
    running = await rig_type(Fragile()).start()
    yield running
    await running.stop()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - of another task's doing
            await asyncio.sleep(0.005)


async def well_again(rig: Any) -> None:
    rig.store.reason = ""
    await until(lambda: not rig.room.refused)
    await rig.settle()


async def test_a_new_job_is_refused_with_the_reason_and_never_was(rig: Any) -> None:
    person = rig.session()
    await rig.agent()
    rig.store.reason = FULL
    told = len(rig.told)
    for _ in range(2):  # found out with the first, known with the second
        with pytest.raises(StoreUnavailable, match=FULL) as caught:
            await rig.submit(person, count=3)
        assert caught.value.code == "store_unavailable"
    assert rig.room.refused == FULL
    assert rig.room.desk.queue.all() == []
    assert rig.room.desk.queue.open() == 0
    assert "generation_queued" not in [shown.type for shown in rig.told[told:]]
    assert rig.room.board.all("jobs") == {}
    with pytest.raises(StoreUnavailable):
        await rig.ask(person, "workflow", {"jobs": [{"prompt": "x"}]})
    await well_again(rig)
    assert await rig.store.jobs() == []


async def test_the_same_request_may_be_said_again_when_it_works(rig: Any) -> None:
    person = rig.session()
    await rig.agent()
    rig.store.reason = FULL
    with pytest.raises(StoreUnavailable):
        await rig.ask(person, "submit", {"prompt": "x"}, "once")
    await well_again(rig)
    first = await rig.ask(person, "submit", {"prompt": "x"}, "once")
    assert await rig.ask(person, "submit", {"prompt": "x"}, "once") == first
    assert len(await rig.store.jobs()) == 1


async def test_who_leaves_before_the_answer_gets_it_on_coming_back(rig: Any) -> None:
    """The connection is lost while the job is being written, and the request is said again at once."""
    await rig.agent()
    rig.store.gate.clear()
    tries = rig.store.tries
    asking = asyncio.create_task(rig.ask(rig.session(client="me"), "submit", {"prompt": "x"}, "7"))
    await until(lambda: rig.store.tries > tries)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    again = asyncio.create_task(rig.ask(rig.session(client="me"), "submit", {"prompt": "x"}, "7"))
    for _ in range(5):
        await asyncio.sleep(0)
    rig.store.gate.set()
    found = await asyncio.wait_for(again, PATIENCE_S)
    assert rig.order() == found["jobIds"]
    assert len(await rig.store.jobs()) == 1


async def test_an_alert_says_so_once_and_is_resolved(rig: Any) -> None:
    person = rig.session()
    await rig.agent()
    rig.store.reason = FULL
    with pytest.raises(StoreUnavailable):
        await rig.submit(person)
    await rig.settle()
    tries = rig.store.tries
    await until(lambda: rig.store.tries > tries + 3)
    alert = rig.alerts()["store"]
    assert (alert.level, alert.title, alert.message, alert.count) == ("error", "New jobs are refused", FULL, 1)
    assert rig.types().count("system_alert") == 1
    await rig.tick(1.0)
    status = rig.room.board.get("status")
    assert (status.stats.healthy, status.stats.consciousness) == (False, "impaired")
    assert FULL in status.stats.reasons
    assert rig.room.board.get("queue").reason == FULL
    await well_again(rig)
    await rig.tick(1.0)
    assert rig.alerts() == {}
    assert rig.types().count("alert_resolved") == 1
    assert rig.room.board.get("status").stats.healthy
    assert rig.room.board.get("queue").reason == ""
    assert any("can write again" in line.message for line in rig.room.board.all("logs").values())
    assert await rig.submit(person)


async def test_what_has_happened_counts_and_is_written_when_it_can_be(rig: Any) -> None:
    """A worker's completed job, a pause, a removal: in force at once, said not to be durable, in the log later."""
    person, agent = rig.session(), await rig.agent()
    one, two, three = await rig.submit(person, count=3)
    job = await rig.claim(agent)
    assert job is not None
    await rig.report(agent, job, "planned", stages=[["sample", 4]])
    seq = rig.room.board.seq
    rig.store.reason = FULL
    assert (await rig.report(agent, job, "completed", id_="end", outputs=[{"path": "a.png"}]))["durable"] is False
    assert (await rig.ask(person, "generation_command", {"jobId": two, "command": "pause"}))["durable"] is False
    assert (await rig.ask(person, "remove", {"jobId": three}))["durable"] is False
    assert (await rig.report(agent, job, "completed", id_="end"))["durable"] is False, "the same answer"
    assert rig.job(one).state is JobState.COMPLETED
    assert rig.room.board.get("jobs", one).status == "completed"
    assert rig.room.board.get("jobs", two).status == "paused"
    assert rig.room.board.get("jobs", three) is None
    late = [shown for shown in rig.told if shown.type in ("generation_complete", "generation_paused")]
    assert [shown.seq for shown in late] == [None, None]
    assert [found.id for found in await rig.store.jobs(states=frozenset({"completed"}))] == []
    await well_again(rig)
    stored = {found.id: found for found in await rig.store.jobs()}
    assert {id_: found.state for id_, found in stored.items()} == {one: "completed", two: "paused"}
    assert stored[one].outputs[0].path == "a.png"
    events = [event.type for event in await rig.store.events(seq, 100)]
    assert [type_ for type_ in events if type_.startswith("generation_")] == [
        "generation_complete", "generation_paused", "generation_removed"]
    assert [run.stage for run in await rig.store.runs()] == []
    assert await rig.store.reply(f"{agent.client}:end") is not None
    assert "durable" not in await rig.report(agent, job, "completed", id_="new")


async def test_what_comes_while_the_kept_changes_are_written_is_written_too(rig: Any) -> None:
    agent = await rig.agent()
    await rig.submit(rig.session())
    job = await rig.claim(agent)
    assert job is not None
    rig.store.reason = FULL
    await rig.report(agent, job, "planned", stages=[["sample", 4]])
    tries = rig.store.tries
    rig.store.gate.clear()
    await until(lambda: rig.store.tries > tries)
    rig.store.reason = ""
    assert (await rig.report(agent, job, "completed"))["durable"] is False
    rig.store.gate.set()
    await until(lambda: not rig.room.refused)
    assert [found.state for found in await rig.store.jobs()] == [JobState.COMPLETED]
    assert await rig.store.last_seq() == rig.room.board.seq


async def test_stopping_waits_for_what_is_being_written(rig_type: Any) -> None:
    rig = await rig_type(Fragile()).start()
    person = rig.session()
    await rig.agent()
    rig.store.gate.clear()
    asking = asyncio.create_task(rig.submit(person))
    tries = rig.store.tries
    await until(lambda: rig.store.tries > tries)
    stopping = asyncio.create_task(rig.stop())
    await asyncio.sleep(0)
    rig.store.gate.set()
    ids = await asyncio.wait_for(asking, PATIENCE_S)
    await asyncio.wait_for(stopping, PATIENCE_S)
    assert [job.id for job in await rig.store.jobs()] == ids


@pytest.mark.parametrize("mended", [True, False])
async def test_stopping_tries_once_more(rig_type: Any, mended: bool, caplog: pytest.LogCaptureFixture,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "RETRY_FIRST_S", 3600.0)
    rig = await rig_type(Fragile()).start()
    person = rig.session()
    await rig.agent()
    (one,) = await rig.submit(person)
    rig.store.reason = FULL
    await rig.ask(person, "generation_command", {"jobId": one, "command": "cancel"})
    if mended:
        rig.store.reason = ""
    await asyncio.wait_for(rig.stop(), PATIENCE_S)
    assert [job.state for job in await rig.store.jobs()] == [JobState.CANCELLED if mended else JobState.PENDING]
    assert any("could not be written" in line.message for line in caplog.records) is not mended
    rig.store.reason = ""
    await rig.start()
    assert "store" not in rig.alerts(), "it works now, and so the alert is over"
    await rig.stop()


async def test_an_alert_from_before_a_kill_is_over_when_it_works(rig: Any) -> None:
    """Killed after the kept changes were written and before the alert was resolved."""
    rig.store.reason = FULL
    with pytest.raises(InputError):
        await rig.submit(rig.session())
    await rig.agent()
    await rig.settle()
    open_ = wire.plain(rig.room.desk.alerts["store"])
    await well_again(rig)
    await rig.stop()
    await rig.store.append(Batch(records={("alerts", open_["id"]): open_}))
    await rig.start()
    assert rig.alerts() == {}
    assert rig.room.refused == ""


async def test_a_change_that_cannot_be_written_takes_no_other_with_it(rig: Any, caplog: Any) -> None:
    person = rig.session()
    await rig.agent()
    rig.store.gate.clear()
    first = asyncio.create_task(rig.submit(person, prompt="first"))
    tries = rig.store.tries
    await until(lambda: rig.store.tries > tries)
    rig.store.bad = "poison"
    both = [asyncio.create_task(rig.submit(rig.session(), prompt=prompt)) for prompt in ("poison", "good")]
    for _ in range(5):
        await asyncio.sleep(0)
    rig.store.gate.set()
    await first
    outcomes = await asyncio.wait_for(asyncio.gather(*both, return_exceptions=True), PATIENCE_S)
    assert isinstance(outcomes[0], StoreUnavailable)
    assert [rig.job(id_).spec.prompt for id_ in outcomes[1]] == ["good"]
    assert rig.room.refused == ""
    assert "a change cannot be written" in caplog.text
    assert len(await rig.submit(person)) == 1


async def test_what_cannot_be_shown_holds_nothing_up(rig: Any, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise ValueError("no")

    change = Change(rig.now_s)
    change.batch.records["a", "b"] = {}
    change.after.append(broken)
    assert await asyncio.wait_for(rig.room.desk.ledger.put(change), PATIENCE_S) is True
    assert [line.levelno for line in caplog.records if "could not be shown" in line.message] == [logging.ERROR]
    await rig.settle()


def test_what_is_kept_is_bounded_and_newest_wins(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    monkeypatch.setattr(ledger_module, "MOST_KEPT", 20)
    into = Batch()
    for n in range(100):
        job = Job("j", JobSpec("e", "m"), rank=float(n))
        keep(into, Batch(events=[Event("log", "logs", str(n), {}, float(n))], jobs={"j": job},
                         steps=[StepSample("j", 1, 0, n, float(n), 0.1)]))
    assert [event.key for event in into.events][-1] == "99"
    assert len(into.events) <= 20
    assert len(into.steps) <= 20
    assert into.jobs["j"].rank == 99.0
    assert "are dropped" in caplog.text
    gone = merged([into, Batch(removed=["j"])])
    assert gone.jobs == {}
    assert gone.removed == ["j"]


# --- with the real store ---------------------------------------------------------------------------------------------


async def test_a_full_disk(rig_type: Any, tmp_path: Path) -> None:
    """SQLite's own page limit gives the error that a full disk gives."""
    store = SqliteStore(tmp_path)
    rig = await rig_type(store).start()
    person, agent = rig.session(), await rig.agent()
    (one,) = await rig.submit(person)
    job = await rig.claim(agent)
    assert job is not None
    (pages,) = await store._write(lambda connection: connection.execute("PRAGMA page_count").fetchone())
    await store._write(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone())
    with pytest.raises(StoreUnavailable, match=f"{tmp_path} cannot be used: its disk is full"):
        await rig.submit(person, prompt="x" * 16_000, count=20)
    await rig.report(agent, job, "completed", outputs=[{"path": "a" * 4000}])
    assert "disk is full" in rig.alerts()["store"].message
    assert [view.job_id for view in rig.room.initial_state().jobs] == [one], "watching goes on"
    await store._write(lambda connection: connection.execute("PRAGMA max_page_count = 100000").fetchone())
    await until(lambda: not rig.room.refused)
    await rig.settle()
    assert [(found.id, found.state) for found in await store.jobs()] == [(one, JobState.COMPLETED)]
    await rig.submit(person)
    await rig.restart()
    assert sorted(job.state for job in rig.room.desk.queue.all()) == ["completed", "pending"]
    assert rig.alerts() == {}
    await rig.stop()


class Shut(SqliteStore):
    """Its directory cannot be written: what `open` says of such a one is the store's own test."""

    async def open(self) -> None:
        raise StoreUnavailable(f"the data directory {self.directory} cannot be used: Permission denied")


async def test_a_read_only_directory_at_start(rig_type: Any, tmp_path: Path) -> None:
    rig = await rig_type(Shut(tmp_path)).start()
    person, agent = rig.session(), await rig.agent()
    with pytest.raises(StoreUnavailable, match="Permission denied"):
        await rig.submit(person)
    assert "Permission denied" in rig.room.refused
    assert "Permission denied" in rig.alerts()["store"].message
    await rig.ask(agent, "host_metrics", {"host": {"name": "studio", "at_s": rig.now_s, "cpu_percent": 12.0}})
    await rig.tick(1.0)
    state = rig.room.initial_state()
    assert state.metrics.cpu == 12.0
    assert [agent.id for agent in state.agents] == ["agent-1"]
    assert [engine["name"] for engine in state.engines] == ["sketch"]
    assert rig.room.refused
    with pytest.raises(InputError):
        await rig.ask(person, "remove", {"jobId": "nobody"})
    await asyncio.wait_for(rig.stop(), PATIENCE_S)


def obey_permission_bits() -> None:
    """In a new process: root, too, is bound by them after its next exec (PR_CAPBSET_DROP of CAP_DAC_OVERRIDE)."""
    if os.geteuid() == 0 and ctypes.CDLL(None).prctl(24, 1, 0, 0, 0) != 0:
        os._exit(99)


def hub(directory: Path, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    """The real thing: `python -m echodeck hub`."""
    environ = {**os.environ, "PYTHONPATH": str(Path(echodeck.__file__).parents[1])}
    return subprocess.Popen([sys.executable, "-m", "echodeck", "hub", "--port", "0", "--data", str(directory)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, preexec_fn=before)


def address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "listening on" in line, line + (process.stderr.read() if process.stderr and process.poll() else "")
    return line.split()[-1]


def test_a_second_hub_on_the_same_directory_names_the_first(tmp_path: Path) -> None:
    with hub(tmp_path) as first:
        try:
            address(first)
            with hub(tmp_path) as second:
                out, err = second.communicate(timeout=30)
            assert second.returncode == 3
            assert out == ""
            assert len(err.strip().splitlines()) == 1
            assert f"held by process {first.pid} " in err
            assert first.poll() is None
        finally:
            first.terminate()
            first.communicate(timeout=30)
    assert first.returncode == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="root must be made to obey permission bits")
async def test_a_real_read_only_directory(tmp_path: Path, web_at: Any) -> None:
    tmp_path.chmod(0o555)
    with hub(tmp_path, obey_permission_bits) as process:
        try:
            web = web_at(await asyncio.to_thread(address, process))
            refused = await web("POST", "/api/commands", {"type": "workflow", "payload": {"jobs": [{"prompt": "x"}]}})
            assert "Permission denied" in refused.body.decode()
            refused = await web("POST", "/api/generations", {"prompt": "x"})
            assert refused.status == 503
            assert "Permission denied" in refused.json["error"]["message"]
            state = await web.get("/api/state")
            assert "Permission denied" in str(state["initial"]["alerts"])
        finally:
            process.terminate()
            process.communicate(timeout=30)
            tmp_path.chmod(0o755)
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


async def test_settings_reach_the_leases(rig_type: Any) -> None:
    rig = await rig_type(settings=Settings(data=Path("nowhere"), lease_s=3.0)).start()
    await rig.agent()
    assert rig.registered["leaseS"] == 3.0
    await rig.stop()
