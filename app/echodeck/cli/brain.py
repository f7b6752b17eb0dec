"""`echodeck brain`: what the hub decides by itself, and which parts of it do."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .ask import EXIT_CODES, out, with_hub
from .plain import plain

brain = typer.Typer(name="brain", invoke_without_command=True, rich_markup_mode=None,
                    help="Show what the hub decided by itself and why, or switch a part of it on or off.",
                    context_settings={"help_option_names": ["-h", "--help"]})

Hub = Annotated[str | None, typer.Option("--hub", metavar="URL", help="The hub's address (ECHODECK_HUB).")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of words, errors too.")]
Part = Annotated[str, typer.Argument(metavar="PART", help="A part, as `echodeck brain` names it.")]
LATEST = 10


@brain.callback(epilog=EXIT_CODES)
def show(context: typer.Context, hub: Hub = None, json: Json = False) -> None:
    """Show the parts, and the latest decisions."""
    if context.invoked_subcommand is not None:
        return

    async def run(client: Any) -> None:
        parts = list(client.board.all("parts").values())
        decisions = sorted(client.board.all("decisions").values(), key=lambda one: one["at"] or "")
        out({"parts": parts, "decisions": decisions}, json, lambda: _text(parts, decisions[-LATEST:]))

    with_hub(json, hub, run)


@brain.command(epilog=EXIT_CODES)
def on(part: Part, hub: Hub = None, json: Json = False) -> None:
    """Switch a part on again."""
    _switch(part, True, hub, json)


@brain.command(epilog=EXIT_CODES)
def off(part: Part, hub: Hub = None, json: Json = False) -> None:
    """Switch a part off: everything goes on as if it did not exist."""
    _switch(part, False, hub, json)


@brain.command(epilog=EXIT_CODES)
def ladders(hub: Hub = None, json: Json = False) -> None:
    """Show the ladders that `--model auto` chooses from, and what is believed of their rungs."""
    async def run(client: Any) -> None:
        found = await client.get("/api/brain/ladders")
        out(found, json, lambda: in_words(found))

    with_hub(json, hub, run)


def in_words(found: dict[str, Any]) -> str:
    from ..brain.words import many

    lines = ["off: no model is chosen"] if not found["on"] else []
    for ladder in found["ladders"]:
        lines.append(f"{plain(ladder['name'])} ({plain(ladder['engine'])}"
                     f"{', learnt' if ladder['learnt'] else ''}), cheapest first")
        if problem := ladder.get("problem"):
            lines.append(f"  cannot be used: {plain(problem)}")
        for rung in ladder["rungs"]:
            left_out = f"  (left out: {plain(rung['leftOut'])})" if rung["leftOut"] else ""
            lines.append(f"  {plain(rung['name'])}" + ("" if rung["usable"] else "  (not there)") + left_out)
            lines += [f"    {_kind(kind)}" for kind in rung["kinds"]]
        if ladder["more"]:
            lines.append(f"  and {many(ladder['more'], 'model')} more, which found no place on it")
    return "\n".join(lines) or "there is no ladder: no engine has announced its models"


def _kind(kind: dict[str, Any]) -> str:
    """What is believed of a rung for one kind of job."""
    from ..brain.words import many, percent

    chances = ", ".join(f"{quality} {percent(likely)}" for quality, likely in kind["likely"].items())
    count = many(max(1, round(kind["seen"])), "verdict")
    return f"{plain(kind['kind'])}: {chances}; mean score {kind['score']:.0f} from {count}"


def _switch(part: str, wanted: bool, hub: str | None, json: bool) -> None:
    async def run(client: Any) -> None:
        result = await client.call("brain_switch", {"part": part, "on": wanted})
        out(result, json, f"{plain(part)} is {'on' if wanted else 'off'}")

    with_hub(json, hub, run)


def _text(parts: list[dict[str, Any]], decisions: list[dict[str, Any]]) -> str:
    from .show import clock

    lines = [f"{'on ' if part['on'] else 'off'}  {part['name']:<10} {part['label']}"
             + (f" (switched by {plain(part['by'])})" if part["by"] else "") for part in parts]
    lines += ["", *(f"{clock(one['at'])}  {one['part']:<10} {plain(one['title'])}: {plain(one['reason'])}"
                    for one in decisions)]
    return "\n".join(lines if decisions else lines[:-1])
