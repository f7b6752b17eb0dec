"""How it is said that a job has failed for good, after all that was tried: pure.

One short sentence for people: what happened, what was tried, what it would need. Each attempt with its error is a line
of the error's `detail`, before what the engine gave there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..model.job import Job, JobError
from .words import many, size

TRIED = {"free": "unloading models", "ladder": "smaller models", "batch": "fewer pictures", "tiles": "working in tiles",
         "resolution": "a lower resolution", "worker": "another machine", "again": "once more"}
"""The cures of a Try, as things that one tries."""


def no_memory(job: Job, error: JobError, lacking_bytes: int, largest_bytes: int, allowable: Sequence[str]) -> JobError:
    """`lacking_bytes` is how much more there would have to be, `largest_bytes` what the largest machine has, both 0 if
    not known; `allowable` is what could still be made smaller of it, if that were allowed."""
    if not job.tries and not error.needed_bytes:
        return error
    hosts = dict.fromkeys([*(one.host for one in job.tries), job.host])
    where = " or ".join(host for host in hosts if host)
    tried = ", ".join(dict.fromkeys(TRIED.get(one.cure, one.cure) for one in job.tries))
    needs = f"it would need at least {size(lacking_bytes)} more" if lacking_bytes else "it needs more memory"
    there = f", and the largest machine has {size(largest_bytes)}" if largest_bytes else ""
    hint = f" (a smaller {' or '.join(allowable)} may be allowed)" if allowable else ""
    said = (f"Not enough memory{f' on {where}' if where else ''}{f' (tried: {tried})' if tried else ''}; "
            f"{needs}{there}{hint}")
    return replace(error, message=said, detail=_list(job, error))


def set_aside(job: Job, error: JobError) -> JobError:
    """After failures that could have passed."""
    if not job.tries:
        return error
    tries = len(job.tries) + job.lost + 1
    return replace(error, message=f"{error.message.rstrip('.')} (set aside after {many(tries, 'try')})",
                   detail=_list(job, error))


def _list(job: Job, error: JobError) -> str:
    """All its attempts, a line each."""
    lines = [f"{one.attempt}. on {one.host or 'a worker'}: {_line(one.error)}; {one.told}" for one in job.tries]
    lines.append(f"{job.attempt}. on {job.host or 'a worker'}: {_line(error)}")
    return "\n".join(lines) + (f"\n\n{error.detail}" if error.detail else "")


def _line(error: JobError) -> str:
    return " ".join(error.message.split()).rstrip(".")
