"""Which trouble a failed or interrupted job belongs to, and what is said of all the jobs of one trouble: pure.

Jobs that fail for one reason at one engine of a machine are one alert, however many they are. Its key is the cause:
"failed:sketch:studio:out_of_memory" (kinds with many reasons have a number behind, made of the words), or
"worker_lost:comfyui:studio" when the server there cannot be reached, whoever finds out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten
from zlib import crc32

from ..model.job import BRAIN, Job, JobError, JobState
from .mend import MEMORY
from .words import many

AWAY = frozenset({"lost", "unreachable"})
"""Kinds of errors that are the server's trouble and not the job's: any job that completes there shows it is over."""
_PLAIN = frozenset({MEMORY, "worker_lost"})
"""Kinds that have one reason, whatever figures and names are in the words."""
_OWN = re.compile(r"'[^']*'|\"[^\"]*\"|\S*[/\\]\S*|\S*\d\S*")
"""What differs from job to job in the words of one error: names in quotes, paths, figures."""
MOST_CHARS = 200


@dataclass(frozen=True, slots=True)
class Telling:
    """What an alert says; `detail` is the error as it came."""

    level: str
    title: str
    message: str
    detail: str = ""


def lost(job: Job, host: str) -> str:
    """The cause of a job's loss when what had it in hand on `host` is gone."""
    return f"worker_lost:{job.spec.engine}:{host}"


def failed(job: Job, error: JobError, host: str) -> str:
    """The cause of a failure on `host`."""
    if error.kind in AWAY:
        return lost(job, host)
    cause = f"failed:{job.spec.engine}:{host}:{error.kind}"
    if error.kind in _PLAIN:
        return cause
    return f"{cause}:{crc32(_OWN.sub('…', error.message).encode()):08x}"


def workflow(job: Job) -> str:
    """The cause of the alert that jobs of this kind fail again and again."""
    return f"fails:{job.spec.engine}:{job.spec.model}:{job.spec.shape}"


def over(cause: str, jobs: Sequence[Job], done: Job, host: str) -> list[Job]:
    """Those of `jobs` that the alert is still about when `done` has completed on `host`: a failure is over when a job
    of its kind succeeds there, a server's trouble when any does."""
    kind, _, where = cause.partition(":")
    if not f"{where}:".startswith(f"{done.spec.engine}:{host}:"):
        return list(jobs)
    return [] if kind == "worker_lost" else [job for job in jobs if workflow(job) != workflow(done)]


def telling(jobs: Sequence[Job], host: str, reason: str) -> Telling:
    """Of one job or many, the latest last, that failed or were interrupted on `host` for `reason`."""
    latest, why = jobs[-1], plain(reason)
    failures = sum(job.state is JobState.FAILED and not job.foreign for job in jobs)
    unseen = sum(job.foreign for job in jobs)
    waiting = len(jobs) - failures - unseen
    if len(jobs) == 1:
        title = "A job failed" if failures else "Lost sight of a job" if unseen else "A job was interrupted"
        message = f"{latest.spec.title}: {why}"
    else:
        title = _counted(failures, waiting, unseen)
        message = f"{latest.spec.engine}{f' on {host}' if host else ''}: {why}; last: {latest.spec.title}"
    if waiting:
        message += f"; {_again(latest, waiting, len(jobs))}"
    return Telling("error" if failures else "warning", title, message, reason)


def silent(host: str, jobs: Sequence[Job], reason: str = "") -> Telling:
    """Of a machine that is not heard from; `jobs` are those that it had in hand and that wait again."""
    said = "its agent is not heard from: it was stopped, the machine sleeps, or the network is cut"
    if jobs:
        said += f"; {jobs[-1].spec.title} {_now(jobs[-1])}" if len(jobs) == 1 else \
            f"; {many(len(jobs), 'job')} are queued again, at the front"
    return Telling("warning", f"{host} is silent", said, reason)


def _counted(failures: int, waiting: int, unseen: int) -> str:
    parts = [f"{many(failures, 'job')} failed" if failures else "",
             f"{many(waiting, 'job')} {'was' if waiting == 1 else 'were'} interrupted" if waiting else "",
             f"{many(unseen, 'job')} lost sight of" if unseen else ""]
    return ", ".join(part for part in parts if part)


def _again(latest: Job, waiting: int, count: int) -> str:
    if count > 1:
        return f"{waiting} {'is' if waiting == 1 else 'are'} queued again, at the front"
    return f"it {_now(latest)}"


def _now(job: Job) -> str:
    """What one that was interrupted does. Held for an urgent one, it is let go at once: there is nothing to hold."""
    return "stays paused at the front of the queue" if job.state is JobState.PAUSED and job.paused_by != BRAIN else \
        "is queued again, at the front"


def plain(reason: str) -> str:
    """The first line, in a length that can be read at a glance, without its full stop."""
    first = next(iter(reason.strip().splitlines()), "")
    return shorten(first, MOST_CHARS, placeholder=" …").rstrip(".")
