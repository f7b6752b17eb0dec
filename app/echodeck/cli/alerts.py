"""`echodeck alerts`: what is wrong, and to say that it was seen, is to be silent for a time, or is wrong no more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from .ask import EXIT_CODES, exits, out, with_hub
from .plain import plain

alerts = typer.Typer(name="alerts", invoke_without_command=True, rich_markup_mode=None,
                     help="Show what is wrong; say that it was seen, or silence it for a time.",
                     context_settings={"help_option_names": ["-h", "--help"]})

Hub = Annotated[str | None, typer.Option("--hub", metavar="URL", help="The hub's address (ECHODECK_HUB).")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of words, errors too.")]
AlertArg = Annotated[str, typer.Argument(metavar="ALERT", help="An alert's id or the beginning of one, or its cause.")]
MOST_IDS = 3


@alerts.callback(epilog=EXIT_CODES)
def show(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Those that are resolved as well.")] = False,
    hub: Hub = None,
    json: Json = False,
) -> None:
    """Show the open alerts, newest first."""
    if context.invoked_subcommand is not None:
        return

    async def run(client: Any) -> None:
        found = sorted((alert for alert in client.board.all("alerts").values() if every or not alert["resolvedAt"]),
                       key=lambda alert: alert["at"] or "", reverse=True)
        out({"alerts": found}, json, lambda: "\n".join(map(_line, found)) or "all is well")

    with_hub(json, hub, run)


@alerts.command(epilog=EXIT_CODES)
def ack(alert: AlertArg, hub: Hub = None, json: Json = False) -> None:
    """Say that you have seen an alert."""

    async def run(client: Any) -> None:
        result = await client.acknowledge(_find(client, alert))
        out(result, json, f"seen: {plain(result['alert']['title'])}")

    with_hub(json, hub, run)


@alerts.command(epilog=EXIT_CODES)
def silence(
    alert: AlertArg,
    span: Annotated[str, typer.Option("--for", metavar="DURATION", help="30 min, 1 h, 1 day; 0 s ends it.")] = "1 h",
    hub: Hub = None,
    json: Json = False,
) -> None:
    """Let an alert call nobody for a time, also when it comes again."""
    with exits(json):
        seconds = _seconds(span)

    async def run(client: Any) -> None:
        from .show import clock

        result = await client.silence(_find(client, alert), seconds)
        known = result["alert"]
        until = f"silent until {clock(known['silencedUntil'])}" if known["silencedUntil"] else "calls again"
        out(result, json, f"{until}: {plain(known['title'])}")

    with_hub(json, hub, run)


@alerts.command(epilog=EXIT_CODES)
def forget(
    host: Annotated[str, typer.Argument(metavar="HOST", help="The machine's name.")],
    gpu: Annotated[int, typer.Argument(metavar="GPU", help="The number of the GPU that is lost.")],
    hub: Hub = None,
    json: Json = False,
) -> None:
    """Miss a GPU no more that was taken out of its machine."""

    async def run(client: Any) -> None:
        await client.forget_gpu(host, gpu)
        out({"host": host, "gpu": gpu}, json, f"forgotten: GPU {gpu} of {plain(host)}")

    with_hub(json, hub, run)


def _seconds(text: str) -> float:
    from ..brain.watch.quantity import seconds
    from ..errors import BadField

    try:
        return seconds(text)
    except ValueError as error:
        raise BadField("--for", str(error)) from error


def _find(client: Any, named: str) -> str:
    """The id of the alert that has this cause, or whose id begins so; what none does is left for the hub to judge."""
    from ..errors import BadField

    known = client.board.all("alerts")
    found = [id_ for id_, alert in known.items() if alert["cause"] == named or (named and id_.startswith(named))]
    if len(found) > 1:
        raise BadField("ALERT", f"{named!r} begins {len(found)} ids; give more of it")
    return found[0] if found else named


def _line(alert: dict[str, Any]) -> str:
    from .show import clock

    jobs = alert.get("jobs") or []
    times = f" ({alert['count']} times)" if alert["count"] > 1 and not jobs else ""
    seen = f", seen by {alert['acknowledgedBy']}" if alert["acknowledgedBy"] else ""
    silent = f", silent until {clock(alert['silencedUntil'])}" if _silent(alert) else ""
    ended = f", resolved at {clock(alert['resolvedAt'])}" if alert["resolvedAt"] else ""
    return plain(f"{alert['id'][:8]}  {clock(alert['at'])}  {alert['level']:<8} {alert['title']}: "
                 f"{alert['message']}{times}{_jobs(jobs)}{seen}{silent}{ended}")


def _jobs(ids: list[str]) -> str:
    """The latest of them, so that they can be looked at or tried again."""
    from .show import short

    if not ids:
        return ""
    more = f" and {len(ids) - MOST_IDS} more" if len(ids) > MOST_IDS else ""
    return f" ({'job' if len(ids) == 1 else 'jobs'} {', '.join(short(one) for one in ids[:-MOST_IDS - 1:-1])}{more})"


def _silent(alert: dict[str, Any]) -> bool:
    until = alert.get("silencedUntil")
    return until is not None and datetime.fromisoformat(until) > datetime.now(UTC)
