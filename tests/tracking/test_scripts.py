"""Scripts as people write them, each a process of its own: bars, ends, forks and spawns."""

from __future__ import annotations

import sys
from typing import Any

import pytest

pytestmark = pytest.mark.slow

LOOP = """
import time
from echodeck import track
for x in track(range(5), "render"):
    time.sleep(0.3)
print("done")
"""


def ended(seen: Any) -> dict[str, str]:
    return {one["title"]: one["status"] for one in seen.board.all("jobs").values()}


def test_without_a_hub_there_is_a_bar_and_nothing_else(script: Any) -> None:
    quiet = script(LOOP)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "done\n", "")
    shown = script(LOOP, ECHODECK_BAR="1")
    assert shown.returncode == 0
    assert "render" in shown.stderr
    assert "5/5" in shown.stderr


def test_with_a_hub_there_is_none(script: Any, hub: Any, seen: Any, until: Any) -> None:
    done = script(LOOP, hub.url, ECHODECK_BAR="1")
    assert (done.returncode, done.stderr) == (0, "")
    until("its end", lambda: ended(seen) == {"render": "completed"})


@pytest.mark.parametrize(("code", "status", "exit_code"), [
    ("with track('a', total=2) as job:\n    job.step()\n    raise SystemExit(3)", "failed", 3),
    ("with track('a', total=2) as job:\n    job.step()\n    raise SystemExit", "completed", 0),
    ("with track('a', total=2) as job:\n    job.step()\n    raise KeyboardInterrupt", "cancelled", 130),
    ("for x in track(range(3), 'a'):\n    raise ValueError('no')", "failed", 1),
    ("with track('a', total=1) as job:\n    job.step()", "completed", 0),
])
def test_however_a_script_ends_its_job_does_so_too(script: Any, hub: Any, seen: Any, until: Any, code: str, status: str,
                                                   exit_code: int) -> None:
    done = script(f"from echodeck import track\n{code}", hub.url)
    assert done.returncode in (exit_code, -2)
    until("its end", lambda: ended(seen) == {"a": status})


def test_one_that_dies_without_a_word_is_lost(script: Any, hub: Any, seen: Any, until: Any) -> None:
    script("import os, time\nfrom echodeck import track\nwith track('a', total=2) as job:\n    job.step()\n"
           "    time.sleep(1.0)\n    os._exit(9)", hub.url)
    found = until("its end", lambda: next((one for one in seen.board.all("jobs").values()
                                           if one["status"] == "failed"), None))
    assert found["errorKind"] == "lost"
    assert "was not heard from" in found["error"]


POOL = """
import multiprocessing, sys
from echodeck import track

def work(n):
    with track(f"part {n}", total=3) as job:
        for _ in range(3):
            job.step()

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1] if len(sys.argv) > 1 else METHOD)
    with track("whole", total=2) as whole:
        children = [context.Process(target=work, args=(n,)) for n in range(2)]
        for child in children:
            child.start()
        for child in children:
            child.join()
            whole.step()
"""


@pytest.mark.parametrize("method", ["spawn", pytest.param("fork", marks=pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no fork"))])
def test_children_tell_of_their_own_jobs(script: Any, hub: Any, seen: Any, until: Any, method: str) -> None:
    done = script(POOL.replace("METHOD", repr(method)), hub.url)
    assert done.returncode == 0, done.stderr
    until("all", lambda: ended(seen) == {"whole": "completed", "part 0": "completed", "part 1": "completed"})
    whole = next(one for one in seen.board.all("jobs").values() if one["title"] == "whole")
    assert whole["stages"][0]["step"] == 2


def test_a_pools_workers_are_heard_to_the_end(script: Any, hub: Any, seen: Any, until: Any) -> None:
    done = script("""
import multiprocessing
from echodeck import track

def work(n):
    with track(f"part {n}", total=3) as job:
        job.step(3)

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(work, range(4))
""", hub.url)
    assert done.returncode == 0, done.stderr
    until("all", lambda: ended(seen) == {f"part {n}": "completed" for n in range(4)})


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_forked_child_ends_without_waiting_for_its_parents_thread(script: Any) -> None:
    done = script("""
import os, sys, warnings
from echodeck import track
from echodeck.tracking import job, link
warnings.simplefilter("ignore")
link.Link.finish.__defaults__ = (1000.0,)
early = track("early")
with track("parent", total=2):
    if (child := os.fork()) == 0:
        with early:
            print(early.id)
        link._link.finish(2.0)
        sys.exit()
    os.waitpid(child, 0)
print(early.id)
link._link.finish(2.0)
""")
    assert done.returncode == 0, done.stderr
    assert len({*done.stdout.split()}) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_parents_job_is_silent_in_a_forked_child(script: Any, hub: Any, seen: Any, until: Any) -> None:
    done = script("""
import os, warnings
from echodeck import track
warnings.simplefilter("ignore")
with track("parent", total=2) as job:
    job.step()
    if (child := os.fork()) == 0:
        for _ in range(50):
            job.step()
        os._exit(0)
    os.waitpid(child, 0)
    job.step()
""", hub.url)
    assert done.returncode == 0, done.stderr
    until("its end", lambda: ended(seen) == {"parent": "completed"})
    [job] = seen.board.all("jobs").values()
    assert job["stages"][0]["step"] == 2


HANGING = """
import os, socket
listener = socket.create_server(("127.0.0.1", 0), backlog=16)
os.environ["ECHODECK_HUB"] = f"http://{HOST}:{listener.getsockname()[1]}"
from echodeck import track
with track("a", total=2) as job:
    job.step()
    job.output("script.py")
print("done")
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_one_whose_hub_hangs_ends_all_the_same(script: Any, host: str) -> None:
    done = script(HANGING.replace("{HOST}", host))
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


@pytest.mark.parametrize("hub", ["http://localhost:9", "nonsense://here", "http://studio.invalid:8309"])
def test_one_whose_hub_cannot_be_found_ends_all_the_same(script: Any, hub: str) -> None:
    done = script("from echodeck import track\nfor x in track(range(3), 'a'): pass\nprint('done')", hub)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "Traceback" not in done.stderr
    assert ("nonsense" in hub) == ("is no hub's address" in done.stderr)


def test_a_short_one_that_names_its_hub_is_told_to_the_end(script: Any, hub: Any, seen: Any, until: Any) -> None:
    script("from echodeck import track\nfor x in track(range(3), 'a'): pass", hub.url.replace("127.0.0.1", "localhost"))
    until("its end", lambda: ended(seen) == {"a": "completed"})


def test_settings_that_cannot_be_read_do_not_end_it(script: Any, tmp_path: Any) -> None:
    (tmp_path / "echodeck.toml").write_text("hub = [", encoding="utf-8")
    done = script("from echodeck import track\nfor x in track(range(3), 'a'): pass\nprint('done')")
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "going on with what is usual" in done.stderr


def test_what_is_still_to_be_written_at_the_end_is(script: Any, hub: Any, seen: Any, until: Any) -> None:
    script("import numpy\nfrom echodeck import track\nwith track('a') as job:\n"
           "    for n in range(5): job.output(numpy.zeros((64, 64, 3), 'uint8'))", hub.url)
    until("its end", lambda: ended(seen) == {"a": "completed"})
    [job] = seen.board.all("jobs").values()
    assert len(job["outputs"]) == 5


def test_steps_that_cannot_be_told_apart_are_all_counted(script: Any, hub: Any, seen: Any, until: Any) -> None:
    script("from echodeck import track\nfor x in track(range(1_000_000), 'a'): pass", hub.url)
    until("its end", lambda: ended(seen) == {"a": "completed"})
    [job] = seen.board.all("jobs").values()
    assert job["stages"][0]["step"] == 1_000_000


CELLS = """
import code, time
from echodeck import track
shell = code.InteractiveInterpreter({"track": track})
shell.runcode(compile("1 / 0", "cell 1", "exec"))
shell.runcode(compile("for x in track(range(3), 'broken'):\\n    if x: raise ValueError('no')", "cell 2", "exec"))
time.sleep(1.0)
shell.runcode(compile("for x in track(range(3), 'left'):\\n    if x: break", "cell 3", "exec"))
time.sleep(1.0)
shell.runcode(compile("job = track('open').__enter__()", "cell 4", "exec"))
"""


def test_cells_of_a_notebook_fail_by_themselves(script: Any, hub: Any, seen: Any, until: Any) -> None:
    script(CELLS, hub.url)
    until("their ends", lambda: ended(seen) == {"broken": "failed", "left": "completed", "open": "completed"})


def test_a_script_that_has_a_loop_of_its_own(script: Any, hub: Any, seen: Any, until: Any) -> None:
    done = script("""
import asyncio
from echodeck import track
async def one(n):
    with track(f"part {n}", total=3) as job:
        for _ in range(3):
            job.step()
            await asyncio.sleep(0.01)
async def main():
    async with asyncio.TaskGroup() as group:
        for n in range(3): group.create_task(one(n))
    with track("left") as job:
        asyncio.current_task().cancel()
        await asyncio.sleep(0)
try:
    asyncio.run(main())
except asyncio.CancelledError:
    print("cancelled")
""", hub.url)
    assert done.stdout == "cancelled\n", done.stderr
    until("their ends", lambda: ended(seen) == {**{f"part {n}": "completed" for n in range(3)}, "left": "cancelled"})


def test_tracks_in_tracks(script: Any, hub: Any, seen: Any, until: Any) -> None:
    script("from echodeck import track\nwith track('outer', total=2) as outer:\n    for n in range(2):\n"
           "        for x in track(range(4), f'inner {n}'): pass\n        outer.step()", hub.url)
    until("their ends", lambda: ended(seen) == {"outer": "completed", "inner 0": "completed", "inner 1": "completed"})
    shown = {one["title"]: one["stages"][0]["step"] for one in seen.board.all("jobs").values()}
    assert shown == {"outer": 2, "inner 0": 4, "inner 1": 4}
