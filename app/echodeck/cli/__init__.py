"""The terminal: one command a verb. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import os
import sys
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from .alerts import alerts as alerts_commands
from .ask import BAD_INPUT, EXIT_CODES, FAILED, INTERRUPTED, exits, find, out, settings_of, state_of, with_hub
from .brain import brain as brain_commands
from .comfyui import comfyui as comfyui_commands
from .notify import notify as notify_commands
from .plain import plain
from .steer import steer
from .submit import submit
from .talk import register as talking

app = typer.Typer(name="echodeck", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  epilog=EXIT_CODES, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
                  help="The live control room for AI generations: start it, queue jobs, watch and steer them.")

Hub = Annotated[str | None, typer.Option("--hub", metavar="URL", help="The hub's address (ECHODECK_HUB).")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of words, errors too.")]
Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Where the data lies (ECHODECK_DATA).")]
JobArg = Annotated[str, typer.Argument(metavar="JOB", help="A job's id, or the beginning of one.")]
JobArgs = Annotated[list[str] | None, typer.Argument(metavar="JOB...", help="Jobs' ids, or the beginnings of them.")]
Every = Annotated[bool, typer.Option("--all", help="All jobs that it applies to.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first when it is --all.")]
Comfyui = Annotated[list[str] | None, typer.Option("--comfyui", metavar="[NAME=]URL", help="A ComfyUI to drive and to "
                                                   "watch (ECHODECK_COMFYUI); may be given several times.")]
A1111 = Annotated[list[str] | None, typer.Option("--a1111", metavar="[NAME=]URL", help="The same for a server with "
                                                 "AUTOMATIC1111's interface (ECHODECK_A1111).")]
EngineName = Annotated[str | None, typer.Option("--engine", metavar="NAME", help="The engine (ECHODECK_ENGINE).")]

app.add_typer(comfyui_commands)
app.add_typer(brain_commands)
app.add_typer(alerts_commands)
app.add_typer(notify_commands)


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    if version:
        from ..version import __version__

        typer.echo(f"echodeck {__version__}")
        raise typer.Exit


# --- the processes ---------------------------------------------------------------------------------------------------


@app.command(epilog=EXIT_CODES)
def up(
    demo: Annotated[bool, typer.Option("--demo", envvar="ECHODECK_DEMO",
                                           help="Queue 8 jobs to look at, the first time.")] = False,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where hub and dashboard listen, 0.0.0.0: at all "
                                             "addresses (ECHODECK_HOST, ECHODECK_DASH_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="The hub's port, 0: any free one (ECHODECK_PORT).")] = None,
    dash_port: Annotated[int | None, typer.Option(help="The dashboard's port (ECHODECK_DASH_PORT).")] = None,
    data: Data = None,
    comfyui: Comfyui = None,
    a1111: A1111 = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", envvar="ECHODECK_NO_BROWSER",
                                                 help="Do not open the browser.")] = False,
    json: Json = False,
) -> None:
    """Start hub, agent and dashboard, restart what dies, end it all with Ctrl-C."""
    with exits(json):
        from .up import main as run

        raise typer.Exit(run(settings_of(host=host, dash_host=host, port=port, dash_port=dash_port, data=data,
                                         comfyui=comfyui, a1111=a1111),
                             demo=demo, browser=not no_browser, as_json=json))


@app.command(epilog=EXIT_CODES)
def hub(
    host: Annotated[str | None, typer.Option(metavar="ADDRESS",
                                             help="The address to listen at (ECHODECK_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="The port, 0: any free one (ECHODECK_PORT).")] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Run the hub: the queue, its log, and everything viewers are shown."""
    with exits(json):
        from ..hub.app import main as run
        from .leash import heel

        heel()
        run(settings_of(host=host, port=port, data=data))


@app.command(epilog=EXIT_CODES)
def agent(
    hub: Hub = None,
    engine: EngineName = None,
    data: Data = None,
    comfyui: Comfyui = None,
    a1111: A1111 = None,
    models: Annotated[list[Path] | None, typer.Option(metavar="DIR", help="Models of the diffusers engine "
                                                      "(ECHODECK_MODELS); may be given several times.")] = None,
    slots: Annotated[int | None, typer.Option(help="Jobs to work on at once (ECHODECK_SLOTS).")] = None,
    name: Annotated[str | None, typer.Option(help="What to call this machine (ECHODECK_NAME).")] = None,
    json: Json = False,
) -> None:
    """Run an agent: measure this machine, and work on jobs with an engine."""
    with exits(json):
        from ..agent import main as run
        from .leash import heel

        heel()
        run(settings_of(hub=hub, engine=engine, data=data, slots=slots, name=name, comfyui=comfyui, a1111=a1111,
                        models=models and [str(path.expanduser()) for path in models]))


@app.command(epilog=EXIT_CODES)
def dash(
    hub: Hub = None,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS",
                                             help="The address to listen at (ECHODECK_DASH_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="The page's port (ECHODECK_DASH_PORT).")] = None,
    json: Json = False,
) -> None:
    """Serve the dashboard."""
    with exits(json):
        from ..view.serve import main as run
        from .leash import heel

        heel()
        run(settings_of(hub=hub, dash_host=host, dash_port=port))


# --- jobs ------------------------------------------------------------------------------------------------------------


app.command(epilog=EXIT_CODES)(submit)


@app.command(epilog=EXIT_CODES)
def queue(
    every: Annotated[bool, typer.Option("--all", help="Those that have ended as well.")] = False,
    hub: Hub = None,
    json: Json = False,
) -> None:
    """Show the queue."""

    async def run(client: Any) -> None:
        from .show import in_order, queue_table

        jobs, stats = in_order(client, ended=every), (client.board.get("queue") or {}).get("stats", {})
        if json:
            out({"jobs": jobs, "stats": stats}, True, "")
        else:
            queue_table(jobs, stats, client.board.all("engines"))

    with_hub(json, hub, run)


@app.command(epilog=EXIT_CODES)
def watch(
    job: Annotated[str | None, typer.Argument(metavar="[JOB]", help="A job's id or its beginning; none: all.")] = None,
    hub: Hub = None,
    json: Json = False,
) -> None:
    """Show live bars until the job has ended (1 if it did not succeed), or all jobs until Ctrl-C.

    With --json, one JSON object a line, a line a change.
    """

    async def run(client: Any) -> bool:
        from ..errors import UnknownRecord
        from . import show

        job_id = None if job is None else find(client, job)
        if job_id is not None and client.board.get("jobs", job_id) is None:
            raise UnknownRecord("job", job_id)
        client.attempts = None
        ended = await show.watch(client, None if job_id is None else [job_id], as_json=json)
        return all(item["status"] == "completed" for item in ended)

    if not with_hub(json, hub, run):
        raise typer.Exit(FAILED)


@app.command(epilog=EXIT_CODES)
def pause(jobs: JobArgs = None, every: Every = False, hub: Hub = None, json: Json = False) -> None:
    """Hold jobs at their next step; --all: those that wait or run."""
    steer("pause", "pausing", jobs or [], hub, json, every=every)


@app.command(epilog=EXIT_CODES)
def resume(jobs: JobArgs = None, every: Every = False, hub: Hub = None, json: Json = False) -> None:
    """Let paused jobs go on."""
    steer("resume", "resuming", jobs or [], hub, json, every=every)


@app.command(epilog=EXIT_CODES)
def cancel(jobs: JobArgs = None, every: Every = False, yes: Yes = False, hub: Hub = None, json: Json = False) -> None:
    """End jobs at their next step; --all: all that have not ended."""
    steer("cancel", "cancelling", jobs or [], hub, json, every=every, yes=yes)


@app.command(epilog=EXIT_CODES)
def retry(jobs: JobArgs = None, every: Every = False, hub: Hub = None, json: Json = False) -> None:
    """Queue failed or cancelled jobs again."""
    steer("retry", "queued again:", jobs or [], hub, json, every=every)


@app.command(epilog=EXIT_CODES)
def remove(jobs: JobArgs = None, every: Every = False, hub: Hub = None, json: Json = False) -> None:
    """Take jobs out of the list; --all: those that have ended."""
    steer("remove", "removed", jobs or [], hub, json, every=every)


@app.command(epilog=EXIT_CODES)
def skip(jobs: JobArgs = None, hub: Hub = None, json: Json = False) -> None:
    """Leave out the picture in hand and go on with the next, where the engine can."""
    steer("skip", "skipping a picture of", jobs or [], hub, json, every=False)


@app.command(epilog=EXIT_CODES)
def free(
    engine: Annotated[str, typer.Argument(metavar="ENGINE", help="The engine's name, as `echodeck status` shows it.")],
    hub: Hub = None,
    json: Json = False,
) -> None:
    """Have an engine let go of the models that it keeps loaded."""

    async def run(client: Any) -> None:
        out(await client.call("engine_command", {"engine": engine, "command": "free"}), json, f"freeing {engine}")

    with_hub(json, hub, run)


@app.command(epilog=EXIT_CODES)
def move(
    job: JobArg,
    direction: Annotated[str | None, typer.Argument(metavar="[up|down|top|bottom]")] = None,
    place: Annotated[int | None, typer.Option(help="To this place; 0 is the front.")] = None,
    before: Annotated[str | None, typer.Option(metavar="JOB", help="To before this job.")] = None,
    after: Annotated[str | None, typer.Option(metavar="JOB", help="To after this job.")] = None,
    hub: Hub = None,
    json: Json = False,
) -> None:
    """Give a waiting job another place in the queue."""
    with exits(json):
        if sum(value is not None for value in (direction, place, before, after)) != 1:
            from ..errors import BadField

            raise BadField("direction", "say up, down, top or bottom, or one of --place, --before, --after")

    async def run(client: Any) -> None:
        from .show import short

        job_id = find(client, job)
        result = await client.move(job_id, direction, place=place, before=before and find(client, before),
                                   after=after and find(client, after))
        out({"jobId": job_id, **result}, json, f"moved {short(job_id)}")

    with_hub(json, hub, run)


@app.command(epilog=EXIT_CODES)
def clear(hub: Hub = None, json: Json = False) -> None:
    """Take the completed jobs out of the list; failed and cancelled ones stay (see remove)."""

    async def run(client: Any) -> None:
        result = await client.clear_completed()
        out(result, json, f"cleared {result.get('cleared', result.get('removed', 'them'))}")

    with_hub(json, hub, run)


@app.command(epilog=EXIT_CODES)
def status(hub: Hub = None, json: Json = False) -> None:
    """Show how hub, machines, agents and queue are."""

    async def run(client: Any) -> None:
        from .overview import status_text

        found = await state_of(client)
        out(found, json, lambda: status_text(found))

    with_hub(json, hub, run)


@app.command(epilog=EXIT_CODES)
def forget(
    host: Annotated[str, typer.Argument(metavar="HOST", help="The machine's name, as `echodeck status` shows it.")],
    hub: Hub = None,
    json: Json = False,
) -> None:
    """Take a machine that was taken away for good off the list; its jobs and figures stay in the history."""

    async def run(client: Any) -> None:
        out(await client.forget_host(host), json, f"forgot {plain(host)}")

    with_hub(json, hub, run)


@app.command(epilog=EXIT_CODES)
def report(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The HTML file to write.")],
    hub: Hub = None,
    json: Json = False,
) -> None:
    """Write what was done today into one HTML file that opens without a network."""
    from .reporting import write

    async def run(client: Any) -> None:
        found = await write(client, output)
        out(found, json, f"wrote {found['path']} ({found['jobs']} job{'' if found['jobs'] == 1 else 's'})")

    with_hub(json, hub, run)


talking(app)


def main() -> None:
    """The `echodeck` command."""
    try:
        code = app(prog_name="echodeck", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last resort of a command: one line, no traceback
        code = _misuse(error) or _fault(error)
    sys.exit(code if isinstance(code, int) else 0)


def _misuse(error: Exception) -> int:
    """Shows wrong usage and returns its exit code; 0 when it is something else.

    Some versions of Typer bring their own Click, so its exceptions are known by what they can do.
    """
    show, message = getattr(error, "show", None), getattr(error, "format_message", None)
    if show is None or message is None:
        return 0
    if "--json" in sys.argv:
        typer.echo(dumps({"error": {"code": "bad_usage", "message": message(), "field": None}}), err=True)
    else:
        show()
    return int(getattr(error, "exit_code", BAD_INPUT))


def _fault(error: Exception) -> int:
    """A fault of ours: still one line, unless somebody looks for it."""
    if os.environ.get("ECHODECK_DEBUG"):
        raise error
    what = f"{type(error).__name__}: {plain(str(error))}"
    typer.echo(f"echodeck: an unexpected error: {what} (ECHODECK_DEBUG=1 shows where)", err=True)
    return FAILED
