"""What is done about a failure: pure. A job, its error and what there is to work with go in, a cure or the end comes
out.

Out of memory: let the engine's models go and try again; then a smaller rung of the job's ladder, a smaller batch, tiles
or a lower resolution, as far as that is allowed; then another machine; then the job fails and says what it would need.
Other failures are tried again, later and later, where the engine says that this can help. However it goes on failing,
the cures are bounded: each host frees once, sizes only fall while it is on one, and no host is come back to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ..model.engine import Param
from ..model.job import Climb, Job, JobError, JobSpec
from .ending import no_memory, set_aside
from .words import many

MEMORY = "out_of_memory"
"""The kind of error that lack of memory is, from every engine."""
SMALLER = ("batch", "tiles", "resolution")
"""What may be allowed to be made smaller."""
CUT = 0.75
"""A lower resolution is this share of the one before, each way, and never less than half of what was asked."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`tries` are attempts in all of a job that fails; `memory_tries` of one that only lacks memory, where each attempt
    is another. The pause before the second attempt is about `backoff_s`, and four times as long before each further."""

    tries: int = 3
    memory_tries: int = 8
    backoff_s: float = 1.0
    longest_s: float = 300.0
    allow: tuple[str, ...] = ()
    """What may be made smaller of jobs that do not say so themselves."""


@dataclass(frozen=True, slots=True)
class Place:
    """A host that has the job's engine; `memory_bytes` is all the memory that counts there, 0 if not known."""

    host: str
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Around:
    """What there is to put a failure right with.

    `frees`: the engine can let go of its models. `tiles` is the name of its option that works in tiles. `lower` and
    `higher` are the next rungs of the job's ladder, if it may take them.
    """

    frees: bool = False
    params: Mapping[str, Param] = field(default_factory=dict)
    tiles: str = ""
    places: tuple[Place, ...] = ()
    lower: tuple[JobSpec, Climb] | None = None
    higher: tuple[JobSpec, Climb] | None = None


@dataclass(frozen=True, slots=True)
class Cure:
    """The job is done again as `spec`, `delay_s` from now, not on `avoid`; `how` is a Try's `cure`."""

    how: str
    told: str
    spec: JobSpec
    delay_s: float
    avoid: tuple[str, ...] = ()
    climb: Climb | None = None


def mend(job: Job, error: JobError, around: Around, limits: Limits, jitter: float) -> Cure | JobError:
    """What is done about `error`, which ended the attempt in hand; when nothing is, the error as it is to be told, with
    the story of what was tried. `jitter` is 0 to 1, so that jobs which failed
    together are not tried again together."""
    cure = (_memory if error.kind == MEMORY else _again)(job, error, around, limits)
    if cure is None:
        return _end(job, error, around, limits)
    pauses = sum(one.cure in ("again", "ladder") for one in job.tries)
    delay_s = min(limits.backoff_s * 4.0**pauses, limits.longest_s) * (0.75 + 0.5 * jitter)
    return replace(cure, delay_s=delay_s)


def _again(job: Job, error: JobError, around: Around, limits: Limits) -> Cure | None:
    if len(job.tries) + job.lost + 1 >= limits.tries:
        return None
    if around.higher is not None and (job.tries or not error.retryable):
        spec, climb = around.higher
        return Cure("ladder", f"tries {climb.to}, as it failed with {climb.start}", spec, 0.0, job.avoid, climb)
    if not error.retryable:
        return None
    return Cure("again", "tries again, as that can help", job.spec, 0.0, job.avoid)


# --- out of memory ---------------------------------------------------------------------------------------------------


def _memory(job: Job, error: JobError, around: Around, limits: Limits) -> Cure | None:
    if len(job.tries) + 1 >= limits.memory_tries:
        return None
    allow = _allowed(job, limits)
    cures: list[Callable[[], Cure | None]] = [lambda: _free(job, around), lambda: _lower(job, around)]
    if "batch" in allow:
        cures.append(lambda: _batch(job, around))
    if "tiles" in allow:
        cures.append(lambda: _tiles(job, around))
    if "resolution" in allow:
        cures.append(lambda: _resolution(job, around))
    cures.append(lambda: _elsewhere(job, error, around))
    return next((cure for make in cures if (cure := make()) is not None), None)


def _allowed(job: Job, limits: Limits) -> tuple[str, ...]:
    return tuple(name for name in job.wish.allow if name in SMALLER) or limits.allow


def _free(job: Job, around: Around) -> Cure | None:
    if not around.frees or any(one.cure == "free" and one.host == job.host for one in job.tries):
        return None
    return Cure("free", f"lets the models go that {job.spec.engine} keeps loaded, and tries again", job.spec, 0.0,
                job.avoid)


def _lower(job: Job, around: Around) -> Cure | None:
    if around.lower is None:
        return None
    spec, climb = around.lower
    return Cure("ladder", f"tries {climb.to}, which needs less memory than {climb.start}", spec, 0.0, job.avoid, climb)


def _batch(job: Job, around: Around) -> Cure | None:
    bounds = around.params.get("batch")
    fewer = job.spec.batch // 2
    if bounds is None or fewer < max(1, bounds.minimum):
        return None
    return Cure("batch", f"makes {many(fewer, 'picture')} instead of {job.spec.batch}",
                replace(job.spec, batch=fewer), 0.0, job.avoid)


def _tiles(job: Job, around: Around) -> Cure | None:
    if not around.tiles or job.spec.options.get(around.tiles):
        return None
    spec = replace(job.spec, options={**job.spec.options, around.tiles: True})
    return Cure("tiles", "works in tiles", spec, 0.0, job.avoid)


def _resolution(job: Job, around: Around) -> Cure | None:
    bounds = [around.params.get(name) for name in ("width", "height")]
    asked, spec = job.asked or job.spec, job.spec
    sides = []
    for side, whole, bound in zip((spec.width, spec.height), (asked.width, asked.height), bounds, strict=True):
        if bound is None or not side:
            return None
        smaller = max(math.ceil(side * CUT), math.ceil(whole / 2), bound.minimum)
        smaller -= smaller % bound.multiple
        if smaller >= side or 2 * smaller < whole or smaller < bound.minimum:
            return None
        sides.append(smaller)
    smaller_spec = replace(spec, width=sides[0], height=sides[1])
    return Cure("resolution", f"makes it {smaller_spec.resolution} instead of {spec.resolution}", smaller_spec, 0.0,
                job.avoid)


def _elsewhere(job: Job, error: JobError, around: Around) -> Cure | None:
    """Another machine; what was made smaller for this one is again as it was asked for there."""
    avoid = (*job.avoid, job.host)
    able = [place for place in around.places if place.host not in avoid and _larger(place, job, error, around)]
    if not able:
        return None
    climbed = any(one.cure == "ladder" for one in job.tries)
    best = max(able, key=lambda place: (place.memory_bytes, place.host))
    return Cure("worker", f"waits for a machine with more memory ({best.host})",
                job.spec if climbed else job.asked or job.spec, 0.0, avoid)


def _larger(place: Place, job: Job, error: JobError, around: Around) -> bool:
    """Whether it may fit there, as far as is known."""
    here = next((one.memory_bytes for one in around.places if one.host == job.host), 0)
    lacking = lacking_bytes(error)
    return not place.memory_bytes or (place.memory_bytes >= here + lacking if lacking else place.memory_bytes > here)


def lacking_bytes(error: JobError) -> int:
    """How much more memory there would have to be, at the least. Some engines say what a job needs in all, others what
    they could not have at last: this holds of both."""
    return max(0, error.needed_bytes - error.free_bytes) if error.needed_bytes else 0


# --- the end ---------------------------------------------------------------------------------------------------------


def _end(job: Job, error: JobError, around: Around, limits: Limits) -> JobError:
    if error.kind != MEMORY:
        return set_aside(job, error)
    largest = max((place.memory_bytes for place in around.places), default=0)
    able = {"batch": _batch(job, around), "tiles": _tiles(job, around), "resolution": _resolution(job, around)}
    allowed = _allowed(job, limits)
    return no_memory(job, error, lacking_bytes(error), largest,
                     [name for name, cure in able.items() if cure is not None and name not in allowed])
