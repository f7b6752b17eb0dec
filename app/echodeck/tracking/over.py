"""`track`: a job for a block of code, or one for the items of an iterable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import Any, TypeVar, overload

from .job import Job

T = TypeVar("T")


@overload
def track(what: str = "", title: str = "", *, total: int | None = None, **facts: Any) -> Job: ...
@overload
def track(what: Iterable[T], title: str = "", *, total: int | None = None, **facts: Any) -> Iterator[T]: ...


def track(what: Any = "", title: str = "", *, total: int | None = None, **facts: Any) -> Any:
    """A generation that people can watch and steer, if there is a hub; without one, a bar in the terminal.

    With a title it gives a Job, for `with`. With an iterable it gives its items, a step each, as tqdm does; leaving
    that loop by a break completes the job with what was done, and so does an exception in its body that the script
    catches (a generator is not told of it; use `with`, where that is to count as a failure). `facts` are those of Job:
    model, width, height, … Raises BadField for wrong ones, and TypeError for what is neither title nor iterable.
    """
    if isinstance(what, str):
        return Job(what or title, total, **facts)
    if not isinstance(what, Iterable):
        raise TypeError(f"track takes a title or an iterable, not {type(what).__name__}")
    if total is None and isinstance(what, Sized):
        total = len(what)
    return _over(what, Job(title or "job", total, **facts))


def _over(items: Iterable[T], job: Job) -> Iterator[T]:
    with job:
        for item in items:
            yield item
            job.step()
