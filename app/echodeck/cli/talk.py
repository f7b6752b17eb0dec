"""`echodeck ask`, `say`, `messages` and `workflow`: what is said to the hub besides single jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .ask import EXIT_CODES, FAILED, exits, find, out, with_hub
from .plain import plain
from .question import QUESTIONS, fitting, flow, score
from .words import ASKING

Hub = Annotated[str | None, typer.Option("--hub", metavar="URL", help="The hub's address (ECHODECK_HUB).")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of words, errors too.")]
User = Annotated[str | None, typer.Option(help="Your name as others see it (ECHODECK_USER).")]


def register(app: typer.Typer) -> None:
    for command in (ask, say, messages, workflow):
        app.command(epilog=EXIT_CODES)(command)


def ask(
    what: Annotated[str, typer.Argument(metavar="WHAT", help=f"{', '.join(QUESTIONS[:-1])} or {QUESTIONS[-1]}.")],
    about: Annotated[list[str] | None, typer.Argument(metavar="[JOB | MODEL...]", help="A job (estimate, why), or "
                                                      "models (recommend, compare).")] = None,
    add: Annotated[int | None, typer.Option(help="plan: what if so many such jobs were added?")] = None,
    count: Annotated[int | None, typer.Option(help="recommend: for so many jobs.")] = None,
    by: Annotated[str | None, typer.Option(metavar="TIME", help="recommend: to be done by then, as 18:00 or "
                                           "2026-05-01T18:00.")] = None,
    quality: Annotated[str | None, typer.Option(help="recommend: draft, standard, final, or a score to 100.")] = None,
    engine: Annotated[str | None, typer.Option(metavar="NAME")] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME")] = None,
    width: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    height: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    steps: Annotated[int | None, typer.Option()] = None,
    hub: Hub = None,
    json: Json = False,
) -> None:
    """Ask why a job waits, what if more were added, which model by six o'clock, how models compare."""
    spec = {"engine": engine, "model": model, "width": width, "height": height, "steps": steps}
    job = {name: value for name, value in spec.items() if value is not None}
    names = about or []
    with exits(json):
        fitting(what, names, {"add": add, "count": count, "by": by, "quality": quality, **spec})

    async def run(client: Any) -> None:
        answer = await client.query(what, **_question(client, names))
        out(answer, json, lambda: "\n".join(map(plain, answer["text"])))

    def _question(client: Any, names: list[str]) -> dict[str, Any]:
        from .moment import moment

        fields: dict[str, Any] = {"job": job or None}
        if what in ("estimate", "why") and names:
            fields = {"job_id": find(client, names[0])}
        elif what == "estimate":
            fields = {"job": job}
        elif what == "plan":
            count_ = 1 if add is None else add
            fields = {"add": [{**job, "count": count_}] if add is not None or job else None}
        elif what in ("recommend", "compare"):
            fields |= {"models": names or None, "count": count or 1, "quality": score(quality),
                       "deadline": moment(by, "--by")}
        return fields

    with_hub(json, hub, run, named=ASKING)


def say(
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    to: Annotated[str, typer.Option(metavar="NAME", help="An agent's id, a machine's name, or a person.")] = "",
    job: Annotated[str | None, typer.Option(metavar="JOB", help="Who works on this job; a script reads it with "
                                            "job.messages().")] = None,
    level: Annotated[str, typer.Option(help="info, success, warning or error.")] = "info",
    user: User = None,
    hub: Hub = None,
    json: Json = False,
) -> None:
    """Say something: to everybody, to one, or to whoever works on a job."""

    async def run(client: Any) -> None:
        found = await client.communicate(text, level, to=to, job_id=find(client, job) if job else "")
        out(found, json, _said(found, to))

    with_hub(json, hub, run, user)


def _said(found: dict[str, Any], to: str) -> str:
    """What became of a message."""
    if found.get("names"):
        known = ", ".join(map(plain, found["names"]))
        kept = ": it is kept until somebody of that name is here" if found.get("held") else ""
        return f"said, but nobody is known as {plain(to)!r}{kept} (known: {known})"
    brought = f", brought to {found['delivered']}" if found.get("delivered") else ""
    return f"said{brought}{', kept until it is back' if found.get('held') else ''}"


def messages(
    words: Annotated[list[str] | None, typer.Argument(metavar="[WORD...]", help="All of them must be in it.")] = None,
    to: Annotated[str, typer.Option(metavar="NAME", help="Only those to this one.")] = "",
    job: Annotated[str | None, typer.Option(metavar="JOB", help="Only those about this job.")] = None,
    level: Annotated[str, typer.Option(help="Only of this level, or several (with commas).")] = "",
    limit: Annotated[int, typer.Option(help="So many, the newest.")] = 50,
    hub: Hub = None,
    json: Json = False,
) -> None:
    """Show what was said, the newest at the foot."""

    async def run(client: Any) -> None:
        found = await client.messages(to=to, job_id=find(client, job) if job else "", words=" ".join(words or []),
                                      level=level, limit=limit)
        out({"messages": found}, json, lambda: "\n".join(map(_line, found)) or "no messages")

    with_hub(json, hub, run)


def _line(message: dict[str, Any]) -> str:
    from .overview import since
    from .show import short

    about = f" → {message['to']}" if message.get("to") else ""
    about += f" (job {short(message['jobId'])})" if message.get("jobId") else ""
    mark = "" if message["level"] == "info" else f"{message['level']}: "
    return plain(f"{since(message.get('at'))}  {message['source']}{about}: {mark}{message['message']}")


def workflow(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Jobs as JSON or TOML: a list, or `jobs` with a name; "
                                         "each may say `name` and `after`.")],
    wait: Annotated[bool, typer.Option("--wait", help="Stay until all have ended; 1 if one did not succeed.")] = False,
    user: User = None,
    hub: Hub = None,
    json: Json = False,
) -> None:
    """Queue several jobs, some of them after others."""
    with exits(json):
        given = flow(file)

    async def run(client: Any) -> bool:
        from .show import queued

        ids = await client.workflow(given["jobs"], given.get("name", ""),
                                    on_failure=given.get("on_failure", "cancel"))
        return await queued(client, ids, [], wait=wait, as_json=json)

    if not with_hub(json, hub, run, user):
        raise typer.Exit(FAILED)
