"""`echodeck submit`: one job, or many."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import BadField
from .ask import FAILED, exits, with_hub
from .moment import moment

Hub = Annotated[str | None, typer.Option("--hub", metavar="URL", help="The hub's address (ECHODECK_HUB).")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of words, errors too.")]


def submit(
    prompt: Annotated[str, typer.Argument(help="What it should show.")] = "",
    engine: Annotated[str | None, typer.Option(metavar="NAME", help="The engine; default: the hub's.")] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="auto: the hub takes the cheapest that is good "
                                              "enough.")] = None,
    quality: Annotated[str | None, typer.Option(help="With the model auto: draft, standard or final.")] = None,
    deadline: Annotated[str | None, typer.Option(metavar="TIME", help="By when: 18:30, or a date and time.")] = None,
    ladder: Annotated[str | None, typer.Option(metavar="NAME", help="The ladder to choose from; see `echodeck brain "
                                               "ladders`.")] = None,
    allow: Annotated[list[str] | None, typer.Option(help="What may be made smaller when memory is short: batch, tiles, "
                                                    "resolution; steps: with the model auto, more of them may be made "
                                                    "than asked for. May be given several times.")] = None,
    width: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    height: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    steps: Annotated[int | None, typer.Option()] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same picture.")] = None,
    batch: Annotated[int | None, typer.Option(help="Pictures a job.")] = None,
    frames: Annotated[int | None, typer.Option(help="More than 1 makes a video.")] = None,
    sampler: Annotated[str | None, typer.Option(metavar="NAME")] = None,
    scheduler: Annotated[str | None, typer.Option(metavar="NAME")] = None,
    workflow: Annotated[Path | None, typer.Option(metavar="FILE", help="A ComfyUI workflow in API format (.json), or a "
                                                  ".png that has one in it.")] = None,
    values: Annotated[list[str] | None, typer.Option("--set", metavar="NODE.INPUT=VALUE", help="An input of the "
                                                     "workflow; may be given several times.")] = None,
    options: Annotated[list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help="What only this engine "
                                                      "knows; may be given several times.")] = None,
    title: Annotated[str | None, typer.Option()] = None,
    priority: Annotated[str, typer.Option(help="low, normal, high, urgent, or a number.")] = "normal",
    count: Annotated[int, typer.Option(help="So many jobs, the seed grows by one each.")] = 1,
    user: Annotated[str | None, typer.Option(help="Your name as others see it (ECHODECK_USER).")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Stay until all have ended; 1 if one did not succeed.")] = False,
    hub: Hub = None,
    json: Json = False,
) -> None:
    """Queue a job, or many."""
    spec: dict[str, Any] = {
        "prompt": prompt, "engine": engine, "model": model, "width": width, "height": height, "steps": steps,
        "seed": seed, "batch": batch, "frames": frames, "sampler": sampler, "scheduler": scheduler, "title": title,
        "count": count, "quality": quality, "ladder": ladder, "allow": allow or None}
    with exits(json):
        from .workflow import pairs, read

        spec["priority"] = urgency(priority)
        spec["deadline"] = moment(deadline, "--deadline")
        spec["options"] = pairs(options or [], "--option") or None
        if workflow is not None:
            spec |= {"workflow": read(workflow), "prompt": prompt or None, "values": pairs(values or [], "--set")}
        elif values:
            raise BadField("--set", "sets inputs of a workflow; say which with --workflow FILE")

    async def run(client: Any) -> bool:
        from .show import queued

        given = {name: value for name, value in spec.items() if value is not None}
        result = await client.call("submit", given)
        return await queued(client, result["jobIds"], result.get("jobs", []), wait=wait, as_json=json)

    if not with_hub(json, hub, run, user):
        raise typer.Exit(FAILED)


def urgency(text: str) -> int | str:
    """A priority by its name or as a number. Raises BadField."""
    from ..wire.say import PRIORITIES

    if text in PRIORITIES:
        return text
    try:
        return int(text)
    except ValueError as error:
        raise BadField("priority", f"expected {', '.join(PRIORITIES)} or a number, got {text[:40]!r}") from error
