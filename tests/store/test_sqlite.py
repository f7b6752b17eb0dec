"""What only the store on disk does: survive, migrate, keep others out, and say why it cannot."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import echodeck
from echodeck.errors import StoreHeld, StoreUnavailable
from echodeck.model.job import Job
from echodeck.model.record import StepSample
from echodeck.store import Batch, Event, schema
from echodeck.store.sqlite import FILE_NAME, SqliteStore

MakeEvent = Callable[..., Event]
HERE = Path(__file__).parent

PRELUDE = """
import asyncio, os, sys
from pathlib import Path
from echodeck.errors import StoreError
from echodeck.model.job import Job, JobSpec
from echodeck.model.record import StepSample
from echodeck.store import Batch, Event
from echodeck.store.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
event = lambda n, size=10: Event("log", "log", str(n), {"text": "x" * size}, float(n))
say = lambda *words: print(*words, flush=True)
async def refused(doing):
    try:
        await doing
    except StoreError as error:
        say(error.code, error)
    else:
        say("no refusal")
"""


@contextmanager
def child(script: str, directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs `script` (the body of a coroutine) on the directory."""
    body = "\n".join(f"    {line}" for line in script.strip().splitlines())
    app = str(Path(echodeck.__file__).parents[1])
    process = subprocess.Popen([sys.executable, "-c", f"{PRELUDE}\nasync def main():\n{body}\nasyncio.run(main())",
                                str(directory)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": app})
    with process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def opened(directory: Path) -> SqliteStore:
    store = SqliteStore(directory)
    await store.open()
    return store


async def test_is_wal_and_full_and_leaves_one_file(tmp_path: Path, event: MakeEvent) -> None:
    store = await opened(tmp_path)
    await store.append(Batch(events=[event("a")]))
    modes = await store._write(lambda connection: [
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")])
    await store.close()
    assert modes == ["wal", 2]
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE_NAME, "hub.lock"], "the WAL is folded in"


async def test_what_reads_cannot_write(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    with pytest.raises(StoreUnavailable):
        await store._read(lambda connection: connection.execute("DELETE FROM jobs"))
    await store.close()


async def test_jobs_have_typed_columns(tmp_path: Path, job: Callable[..., Job]) -> None:
    store = await opened(tmp_path)
    await store.append(Batch(jobs={"a": job("a", rank=1.5)}))
    await store.close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as outside:
        row = outside.execute("SELECT state, engine, model, user, created_s, started_s, finished_s, width, height, "
                              "steps, rank FROM jobs").fetchone()
    assert row == ("pending", "sketch", "sketch-s", "ann", 10.0, None, None, 256, 128, 20, 1.5)


async def test_step_samples_are_small(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    samples = [StepSample("j0123456789", 1, 1, n, 1.7e9 + n, 0.25) for n in range(20_000)]
    await store.append(Batch(steps=samples))
    await store.close()
    assert (tmp_path / FILE_NAME).stat().st_size / len(samples) < 120, "bytes a sample, its two indexes included"


# --- death -----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
async def test_every_acknowledged_batch_survives_a_kill(tmp_path: Path) -> None:
    """Killed between and within appends: what was acknowledged is there, and no batch is there by half."""
    script = """
await store.open()
n = await store.last_seq() // 3
while True:
    n += 1
    job = Job(f"j{n}", JobSpec("e", "m"), created_s=float(n))
    await store.append(Batch(events=[event(n)] * 3, jobs={job.id: job}, steps=[StepSample(job.id, 1, 0, 1, 1.0, 1.0)]))
    say(n)
"""
    told = 0
    for least in (3, 11, 25):
        with child(script, tmp_path) as process:
            for _ in range(least):
                told = int(line(process))
            process.send_signal(signal.SIGKILL)
            assert process.stdout is not None
            told = max([told, *(int(late) for late in process.stdout.read().split("\n")[:-1])])
        store = await opened(tmp_path)
        events, jobs, steps = await store.events(0, 10_000), await store.jobs(), await store.steps()
        await store.close()
        assert len(jobs) >= told
        assert len(events) == 3 * len(jobs) == 3 * len(steps)
        assert [one.seq for one in events] == list(range(1, len(events) + 1))
        assert {job.id for job in jobs} == {f"j{n}" for n in range(1, len(jobs) + 1)}


# --- one process a directory -----------------------------------------------------------------------------------------


async def test_says_which_process_holds_the_directory(tmp_path: Path) -> None:
    with child("await store.open()\nsay('open')\nsys.stdin.readline()\nawait store.close()", tmp_path) as process:
        assert line(process) == "open"
        with pytest.raises(StoreHeld, match=f"{tmp_path} is held by process {process.pid} ") as caught:
            await SqliteStore(tmp_path).open()
        assert caught.value.pid == process.pid
        process.kill()
        process.wait()
    store = await opened(tmp_path)  # the dead do not hold it
    assert (tmp_path / "hub.lock").read_text().startswith(f"{os.getpid()}\n")
    with pytest.raises(StoreHeld) as caught:
        await SqliteStore(tmp_path).open()
    assert caught.value.pid == os.getpid()
    await store.append(Batch(events=[Event("log", "log", "1", {}, 1.0)]))
    await store.close()


async def test_a_lock_file_left_behind_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "hub.lock").write_text("1\ninit with a very long command line\n")
    store = await opened(tmp_path)
    assert (tmp_path / "hub.lock").read_text().split("\n")[0] == str(os.getpid())
    await store.close()


async def test_a_holder_that_could_not_write_its_name_still_holds(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    (tmp_path / "hub.lock").write_text("")
    with pytest.raises(StoreHeld, match="held by another process;") as caught:
        await SqliteStore(tmp_path).open()
    assert caught.value.pid is None
    await store.close()


async def test_a_refused_open_lets_go_of_the_lock(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database " * 1000)
    with pytest.raises(StoreUnavailable):
        await SqliteStore(tmp_path).open()
    (tmp_path / FILE_NAME).unlink()
    await (await opened(tmp_path)).close()


async def test_not_open_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="is not open"):
        await SqliteStore(tmp_path).append(Batch())
    with pytest.raises(StoreUnavailable, match="is not open"):
        await SqliteStore(tmp_path).last_seq()


# --- schema ----------------------------------------------------------------------------------------------------------


async def test_a_file_of_version_1_opens_with_all_it_held(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as old:
        old.executescript((HERE / "version1.sql").read_text())
        assert old.execute("PRAGMA user_version").fetchone() == (1,)
    store = await opened(tmp_path)
    assert await store.last_seq() == 3
    assert [(one.seq, one.key, one.payload) for one in await store.events(0, 10)] == [
        (2, "a", {"jobId": "a"}), (3, "b", {"jobId": "b", "title": "Ω"})]
    jobs = await store.jobs()
    assert [(job.id, job.state.value, job.spec.width, job.stages[0].name) for job in jobs] == [
        ("b", "running", 256, "load model"), ("a", "completed", 256, "load model")]
    assert jobs[1].outputs[0].path == "a/00.png"
    assert await store.records("alert") == {"x": {"level": "error"}}
    assert await store.reply("c1:1") == {"jobId": "a"}
    assert (len(await store.steps()), len(await store.runs()), len(await store.estimates())) == (2, 1, 1)
    (version,) = await store._write(lambda connection: connection.execute("PRAGMA user_version").fetchone())
    assert version == len(schema.MIGRATIONS)
    await store.close()


async def test_a_migration_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                  event: MakeEvent) -> None:
    store = await opened(tmp_path)
    await store.append(Batch(events=[event("a")]))
    await store.close()
    released = list(schema.MIGRATIONS)
    good, bad = ("ALTER TABLE events ADD COLUMN host TEXT",), ("CREATE TABLE half (x)", "CREATE TABLE half (y)")
    monkeypatch.setattr(schema, "MIGRATIONS", [*released, good, bad])
    with pytest.raises(sqlite3.OperationalError):
        await SqliteStore(tmp_path).open()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as outside:
        assert outside.execute("PRAGMA user_version").fetchone() == (len(released) + 1,)
        assert outside.execute("SELECT name FROM sqlite_master WHERE name = 'half'").fetchall() == []
    monkeypatch.setattr(schema, "MIGRATIONS", [*released, good, bad[:1]])
    store = await opened(tmp_path)
    assert [one.key for one in await store.events(0, 9)] == ["a"]
    await store.close()


async def test_a_newer_schema_is_refused_untouched(tmp_path: Path) -> None:
    await (await opened(tmp_path)).close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as outside:
        outside.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnavailable, match=r"newer echodeck \(schema 99, this one knows \d+\); update echodeck"):
        await SqliteStore(tmp_path).open()


# --- a disk that will not ---------------------------------------------------------------------------------------------


async def test_a_full_disk_refuses_and_recovers(tmp_path: Path, event: MakeEvent) -> None:
    """SQLite's own page limit gives the error that a full disk gives."""
    store = await opened(tmp_path)
    await store.append(Batch(events=[event("a")]))
    (limit,) = await store._write(lambda connection: connection.execute("PRAGMA page_count").fetchone())
    await store._write(lambda connection: connection.execute(f"PRAGMA max_page_count = {limit}").fetchone())
    with pytest.raises(StoreUnavailable, match=f"{tmp_path} cannot be used: its disk is full; free some space"):
        await store.append(Batch(events=[event("b", text="x" * 100_000)], records={("alert", "x"): {}}))
    assert [one.key for one in await store.events(0, 9)] == ["a"], "watching goes on"
    assert await store.records("alert") == {}
    await store._write(lambda connection: connection.execute("PRAGMA max_page_count = 100000").fetchone())
    assert await store.append(Batch(events=[event("c")])) == [2]
    await store.close()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_a_write_that_the_system_refuses(tmp_path: Path) -> None:
    """No file may grow: real failing writes, in the WAL. With room again, the next append works."""
    script = """
import resource
await store.open()
await store.append(Batch(events=[event(1)]))
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, ((store.directory / "echodeck.db-wal").stat().st_size, hard))
await refused(store.append(Batch(events=[event(2, 200_000)])))
await refused(store.append(Batch(events=[event(3, 200_000)])))
say(*[one.key for one in await store.events(0, 9)])
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
say(await store.append(Batch(events=[event(4, 200_000)])))
await store.close()
await store.open()
say(*[one.key for one in await store.events(0, 9)])
await store.close()
"""
    with child(script, tmp_path) as process:
        for _ in range(2):
            said = line(process)
            assert said.startswith("store_unavailable")
            assert str(tmp_path) in said
            assert "disk" in said
        assert [line(process) for _ in range(3)] == ["1", "[2]", "1 4"]
        assert process.wait() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs permission bits")
@pytest.mark.parametrize("fresh", [True, False])
async def test_a_read_only_directory(fresh: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        if not fresh:
            await (await opened(directory)).close()
            for path in directory.iterdir():
                path.chmod(0o444)
        directory.chmod(0o555)
        # Nobody's permission bits bind root, so root becomes somebody else.
        become = "if os.geteuid() == 0:\n    os.setuid(65534)\nawait refused(store.open())"
        with child(become, directory) as process:
            said = line(process)
        directory.chmod(0o755)
    assert said.startswith("store_unavailable")
    assert f"{name} cannot be used: Permission denied; make it a writable directory" in said


async def test_a_disk_that_turns_read_only_in_mid_run(tmp_path: Path, event: MakeEvent) -> None:
    store = await opened(tmp_path)
    await store.append(Batch(events=[event("a")]))
    await store._write(lambda connection: connection.execute("PRAGMA query_only = ON"))
    with pytest.raises(StoreUnavailable, match="cannot be written; make it writable"):
        await store.append(Batch(events=[event("b")]))
    assert [one.key for one in await store.events(0, 9)] == ["a"]
    await store._write(lambda connection: connection.execute("PRAGMA query_only = OFF"))
    assert await store.append(Batch(events=[event("b")])) == [2]
    await store.close()


async def test_a_path_that_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("")
    with pytest.raises(StoreUnavailable, match=f"{path} cannot be used"):
        await SqliteStore(path).open()


async def test_no_database_in_the_file(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database " * 1000)
    with pytest.raises(StoreUnavailable, match=f"{FILE_NAME} in it is damaged .*move that file away"):
        await SqliteStore(tmp_path).open()


async def test_a_damaged_page_is_said_when_it_is_met(tmp_path: Path, event: MakeEvent) -> None:
    store = await opened(tmp_path)
    await store.append(Batch(events=[event(str(n), text="x" * 500) for n in range(200)]))
    await store.close()
    path = tmp_path / FILE_NAME
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"\xff" * (len(content) - len(content) // 2))
    store = SqliteStore(tmp_path)
    with pytest.raises(StoreUnavailable, match="is damaged"):
        await _read_all(store)
    await store.close()


async def _read_all(store: SqliteStore) -> None:
    await store.open()
    await store.events(0, 1000)


async def test_odd_directory_names_are_just_names(tmp_path: Path, event: MakeEvent) -> None:
    store = await opened(tmp_path / "a b" / "100%?mode=ro#Ω")
    assert await store.append(Batch(events=[event("a")])) == [1]
    await store.close()


async def test_a_cancelled_append_does_no_harm(tmp_path: Path, event: MakeEvent) -> None:
    store = await opened(tmp_path)
    waiting = asyncio.create_task(store.append(Batch(events=[event("a")])))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    seqs = await store.append(Batch(events=[event("b")]))
    assert [one.seq for one in await store.events(0, 9)][-1:] == seqs
    await store.close()


async def test_a_mistake_of_the_caller_is_not_blamed_on_the_disk(tmp_path: Path, event: MakeEvent) -> None:
    store = await opened(tmp_path)
    with pytest.raises(sqlite3.IntegrityError):
        await store.append(Batch(events=[event("a", at_s=None)]))
    assert await store.append(Batch(events=[event("b")])) == [1]
    await store.close()


async def test_others_may_look_while_it_is_open(tmp_path: Path, event: MakeEvent) -> None:
    store = await opened(tmp_path)
    await store.append(Batch(events=[event("a")]))
    with closing(sqlite3.connect(f"{(tmp_path / FILE_NAME).as_uri()}?mode=ro", uri=True)) as outside:
        (text,) = outside.execute("SELECT payload FROM events").fetchone()
    assert json.loads(text)["jobId"] == "a"
    await store.close()
