"""What the commands share: a connected client, jobs by the beginning of their id, errors as exit codes."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, TypeVar

import typer

from ..errors import BadField, ConfigError, EchodeckError, HubUnreachable, InputError, StoreHeld
from .plain import as_line, plain
from .words import in_words

T = TypeVar("T")

FAILED, BAD_INPUT, UNREACHABLE, INTERRUPTED = 1, 2, 3, 130
EXIT_CODES = (
    "Exit codes: 0 done; 1 the job or the command failed; 2 wrong usage or input; 3 no hub answers, "
    "a port is taken, or another hub has the data; 130 interrupted."
)
PORT_TAKEN = "port_taken"
NOTHING: Mapping[str, str] = {}


def exit_code(error: EchodeckError) -> int:
    cause = error.__cause__
    taken = error.code == PORT_TAKEN or (isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE)
    if isinstance(error, HubUnreachable | StoreHeld) or taken:
        return UNREACHABLE
    if isinstance(error, ConfigError) or (isinstance(error, InputError) and error.code != "illegal_transition"):
        return BAD_INPUT
    return FAILED


def fail(error: EchodeckError, as_json: bool, named: Mapping[str, str] = NOTHING) -> NoReturn:
    """One line on stderr (a JSON document with --json, as it came), and the exit code that goes with it."""
    one_line = plain(" ".join(in_words(error, named).split()))
    text = as_line({"error": error.as_dict()}) if as_json else f"echodeck: {one_line}"
    typer.echo(text, err=True)
    raise typer.Exit(exit_code(error))


@contextmanager
def exits(as_json: bool, named: Mapping[str, str] = NOTHING) -> Iterator[None]:
    """Errors become one line and an exit code; with ECHODECK_DEBUG set, the traceback is shown as well. `named` is what
    the command calls otherwise than others do (see `in_words`)."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except EchodeckError as error:
        _debug()
        fail(error, as_json, named)
    except BrokenPipeError:
        # Whoever read our output has had enough (`echodeck queue | head`): nothing more to say, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None
    except OSError as error:
        _debug()
        fail(EchodeckError(str(error), code="os_error"), as_json)


def _debug() -> None:
    if os.environ.get("ECHODECK_DEBUG"):
        traceback.print_exc()


def settings_of(**flags: Any) -> Any:
    """The settings in force; a flag that is None was not given. Raises ConfigError."""
    from ..config import load

    return load(flags)


def who(user: str | None, settings: Any) -> str:
    """The name others see: --user, the setting, else the login name."""
    import getpass

    if user or settings.user:
        return str(user or settings.user)
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""  # no login name on this system: the hub shows it as somebody


def with_hub(as_json: bool, hub: str | None, use: Callable[[Any], Awaitable[T]], user: str | None = None,
             named: Mapping[str, str] = NOTHING) -> T:
    """Runs `use(client)` on a connected client. One attempt: a command says at once that no hub answers."""

    async def run() -> T:
        from ..client import Client

        settings = settings_of(hub=hub)
        async with Client(settings.hub_url, user=who(user, settings), attempts=1,
                          max_frame_bytes=settings.max_frame_bytes) as client:
            await client.ready(10.0)
            return await use(client)

    with exits(as_json, named):
        return asyncio.run(run())
    raise AssertionError  # `exits` leaves by an exception


def find(client: Any, prefix: str) -> str:
    """The id of the job that `prefix` begins. What no known job begins with is left for the hub to judge."""
    jobs = client.board.all("jobs")
    if prefix in jobs or not prefix:
        return prefix
    found = [job_id for job_id in jobs if job_id.startswith(prefix)]
    if len(found) > 1:
        raise BadField("JOB", f"{prefix!r} begins {len(found)} ids: {', '.join(sorted(found)[:5])}; give more of it")
    return found[0] if found else prefix


def out(value: Any, as_json: bool, text: Callable[[], str] | str) -> None:
    """The command's answer: `value` as one JSON document, or words, in which what others wrote is made `plain`."""
    typer.echo(as_line(value) if as_json else text if isinstance(text, str) else text())


async def state_of(client: Any) -> dict[str, Any]:
    """What `status` shows, from the board and one question to the hub."""
    board = client.board
    measured = asyncio.Event()
    off = client.on("pong", lambda message: measured.set())
    await client.call("request_system_status")
    if client.connection.latency_s is None:  # the first ping went out on connecting
        with suppress(TimeoutError):
            await asyncio.wait_for(measured.wait(), 2.0)
    off()
    metrics = board.get("metrics") or {}
    alerts = [alert for alert in board.all("alerts").values() if not alert.get("resolvedAt")]
    return {
        "hub": client.url, "latency_s": client.connection.latency_s,
        "status": (board.get("status") or {}).get("stats"), "metrics": metrics.get("metrics", metrics),
        "hosts": list(board.all("hosts").values()), "agents": list(board.all("agents").values()),
        "engines": list(board.all("engines").values()), "queue": (board.get("queue") or {}).get("stats", {}),
        "alerts": alerts,
    }
