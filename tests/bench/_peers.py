"""What others would have said of the time left. Each is asked at moments of a job, in order; None is no answer.

A unit of a plain bar is a step, or a stage that has none.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence

from _jobs import Made
from rich.console import Console
from rich.progress import Progress
from tqdm import tqdm

Peer = Callable[[Made, Sequence[float]], list[float | None]]


def units(job: Made) -> list[float]:
    """When each unit was done."""
    return [at_s for at_s, stage, step, _ in job.events() if step or not job.stages[stage].steps_s]


def _between(moments_s: Sequence[float], done_s: Sequence[float]) -> Iterator[tuple[float, list[float]]]:
    """Each moment with the units done since the one before."""
    before_s = -1.0
    for moment_s in moments_s:
        yield moment_s, [at_s for at_s in done_s if before_s < at_s <= moment_s]
        before_s = moment_s


def by_tqdm(job: Made, moments_s: Sequence[float]) -> list[float | None]:
    """tqdm's own estimate, smoothing 0.3 as is its default, on a clock that we set."""
    now_s, found, done_s = 0.0, list[float | None](), units(job)
    bar = tqdm(total=len(done_s), smoothing=0.3, mininterval=0, miniters=1, file=io.StringIO())
    try:
        bar._time = lambda: now_s
        bar.start_t = bar.last_print_t = 0.0
        for _, since in _between(moments_s, done_s):
            for now_s in since:  # noqa: B007 - the clock of the bar
                bar.update(1)
            rate = bar.format_dict["rate"]
            found.append((len(done_s) - bar.n) / rate if rate else None)
    finally:
        bar.close()
    return found


def by_rich(job: Made, moments_s: Sequence[float]) -> list[float | None]:
    """rich's own estimate, over the last 30 s as is its default, on a clock that we set."""
    now_s, found, done_s = 0.0, list[float | None](), units(job)
    bar = Progress(console=Console(file=io.StringIO()), auto_refresh=False, get_time=lambda: now_s)
    task = bar.add_task("", total=len(done_s))
    for moment_s, since in _between(moments_s, done_s):
        for now_s in since:  # noqa: B007 - the clock of the bar
            bar.advance(task)
        now_s = moment_s
        found.append(bar.tasks[0].time_remaining)
    return found


def by_elapsed(job: Made, moments_s: Sequence[float]) -> list[float | None]:
    """Elapsed time over the share of units done."""
    done_s = units(job)
    done = [sum(at_s <= moment_s for at_s in done_s) for moment_s in moments_s]
    return [moment_s * (len(done_s) - n) / n if n else None for moment_s, n in zip(moments_s, done, strict=True)]


PEERS: dict[str, Peer] = {"tqdm": by_tqdm, "rich": by_rich, "elapsed": by_elapsed}
