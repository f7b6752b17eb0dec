"""`echodeck notify`: the channels that messages go out by, and a test of one."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from .ask import EXIT_CODES, FAILED, out, with_hub
from .plain import plain

notify = typer.Typer(name="notify", invoke_without_command=True, rich_markup_mode=None,
                     help="Show the channels that messages go out by ([notify] in echodeck.toml), or test one.",
                     context_settings={"help_option_names": ["-h", "--help"]})

Hub = Annotated[str | None, typer.Option("--hub", metavar="URL", help="The hub's address (ECHODECK_HUB).")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of words, errors too.")]
PATIENCE_S = 60.0


@notify.callback(epilog=EXIT_CODES)
def show(context: typer.Context, hub: Hub = None, json: Json = False) -> None:
    """Show the channels, with their addresses masked, how it went, and what goes to them."""
    if context.invoked_subcommand is not None:
        return

    async def run(client: Any) -> None:
        ways = await client.get("/api/notify")
        out(ways, json, lambda: _text(ways))

    with_hub(json, hub, run)


@notify.command("test", epilog=EXIT_CODES)
def trial(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="A channel, as `echodeck notify` names it.")],
    hub: Hub = None,
    json: Json = False,
) -> None:
    """Send a test message by a channel, and say whether it arrived (1 if it did not)."""

    async def run(client: Any) -> bool:
        view = await _tested(client, channel)
        error = (view["test"] or {}).get("error", "")
        out(view, json, f"{plain(channel)}: {plain(error) if error else 'it has arrived'}")
        return not error

    if not with_hub(json, hub, run):
        raise typer.Exit(FAILED)


@notify.command(epilog=EXIT_CODES)
def secret() -> None:
    """Make a secret for a webhook: for echodeck.toml, and for whoever checks the signatures."""
    from ..webhook import new_secret

    typer.echo(new_secret())


async def _tested(client: Any, channel: str) -> dict[str, Any]:
    """The channel when its test is over."""
    from ..errors import HubUnreachable

    told = asyncio.Event()
    off = client.on("notify_channel", lambda message: told.set())
    try:
        test_id = (await client.call("notify_test", {"channel": channel}))["testId"]
        async with asyncio.timeout(PATIENCE_S):
            while True:
                view: dict[str, Any] = client.board.get("channels", channel) or {}
                found = view.get("test") or {}
                if found.get("id") == test_id and found.get("at"):
                    return view
                await told.wait()
                told.clear()
    except TimeoutError as error:
        raise HubUnreachable(f"it is not known after {PATIENCE_S:.0f} s whether the message arrived") from error
    finally:
        off()


def _text(ways: dict[str, Any]) -> str:
    if not ways["channels"]:
        return "no channel: echodeck.toml has none under [notify.channels]"
    lines = [] if ways["on"] else ["switched off (`echodeck brain on notify` switches it on): nothing is sent"]
    for channel in ways["channels"]:
        lines.append(f"{channel['name']:<12} {channel['address']}  {_state(channel)}")
        lines += [f"    {route['name']}: {_route(route)}" for route in ways["routes"]
                  if channel["name"] in route["to"]]
    return "\n".join(lines)


def _state(channel: dict[str, Any]) -> str:
    from .show import clock

    if channel["trouble"]:
        return plain(channel["trouble"])
    parts = [f"last sent {clock(channel['sentAt'])}" if channel["sentAt"] else "nothing sent yet"]
    if channel["waiting"]:
        parts.append(f"{channel['waiting']} waiting")
    if channel["quiet"]:
        parts.append("quiet hours")
    if channel["error"]:
        parts.append(f"{plain(channel['error'])} ({clock(channel['errorAt'])})")
    return ", ".join(parts)


def _route(route: dict[str, Any]) -> str:
    parts = [*route["levels"], *(f"alerts of {rule}" for rule in route["rules"]),
             *(f"{ending} jobs" for ending in route["endings"])]
    whose = f", only of {' and '.join(route['users'])}" if route["users"] else ""
    return plain(", ".join(parts) + whose)
