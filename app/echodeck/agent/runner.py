"""One generation in a thread of its own, so that neither a slow engine nor a stuck one holds the event loop."""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from ..engines import Engine
from ..errors import Cancelled, EngineError, JobLost, OutOfMemory
from ..model.job import JobSpec
from .control import JobControl


def spec_of(job: dict[str, Any]) -> JobSpec:
    """The spec of a claimed job, as the hub sent it. Raises TypeError when it lacks engine or model."""
    given = job["spec"]
    return JobSpec(**{item.name: given[item.name] for item in fields(JobSpec) if item.name in given})


def generate(engine: Engine, spec: JobSpec, control: JobControl) -> None:
    """Runs the engine and tells how it ended. Blocks; raises nothing that is an Exception."""
    try:
        engine.run(control.hand.job_id, spec, control)
        control.completed()
    except JobLost as error:
        control.lost(error.message)
    except Cancelled as cancelled:
        if cancelled.why == "elsewhere" and control.ending is None:
            control.told.cancelled()
        else:
            control.stopped()
    except OutOfMemory as error:
        control.failed(error.code, error.message, detail=error.detail or _trace(error),
                       needed_bytes=error.needed_bytes, free_bytes=error.free_bytes)
    except EngineError as error:
        control.failed(error.code, error.message, retryable=error.retryable, detail=error.detail or _trace(error))
    except MemoryError as error:
        control.failed("out_of_memory", f"out of memory: {error}", detail=_trace(error))
    except Exception as error:  # noqa: BLE001 - an engine may raise anything; the job fails, the worker goes on
        control.failed("crash", f"{type(error).__name__}: {error}", detail=_trace(error))


async def in_thread(work: Callable[[], None], name: str) -> None:
    """In a daemon thread: a process that ends does not wait for an engine that does not heed."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def run() -> None:
        try:
            work()
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name=name, daemon=True).start()
    await done.wait()


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
