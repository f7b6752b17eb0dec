"""Commands on several jobs at once, or on all that they apply to."""

from __future__ import annotations

import sys
from typing import Any

import typer

from ..errors import BadField, EchodeckError, InputError
from .ask import exit_code, exits, fail, find, out, with_hub
from .plain import plain
from .show import ENDED, in_order, short
from .words import in_words

APPLIES = {
    "pause": frozenset({"pending", "running"}), "resume": frozenset({"paused"}),
    "cancel": frozenset({"pending", "running", "paused"}), "retry": frozenset({"failed", "cancelled"}),
    "remove": ENDED,
}
"""The states of the jobs that `--all` means. A job that has not ended is only removed when it is named."""


def steer(verb: str, done: str, jobs: list[str], hub: str | None, json: bool, *, every: bool = False,
          yes: bool = True) -> None:
    """Does `verb` with each job; one that is refused does not keep the others from it, but fails the command."""
    with exits(json):
        if bool(jobs) == every:
            raise BadField("JOB", "name one job or several, or say --all")
    if every:
        jobs = with_hub(json, hub, lambda client: _all(client, verb))
        with exits(json):
            if jobs and not yes:
                _confirm(verb, len(jobs))

    async def run(client: Any) -> tuple[list[dict[str, Any]], list[tuple[str, EchodeckError]]]:
        return await _each(client, verb, [find(client, job) for job in jobs])

    answers, refused = with_hub(json, hub, run)
    if len(jobs) == 1 and refused:
        fail(refused[0][1], json)
    if len(jobs) == 1 and not every:
        out(answers[0], json, f"{done} {short(answers[0]['jobId'])}")
    else:
        _report(done, answers, refused, json, named=not every)
    if refused:
        raise typer.Exit(exit_code(refused[0][1]))


async def _all(client: Any, verb: str) -> list[str]:
    found = [job["jobId"] for job in in_order(client, ended=True)
             if job["status"] in APPLIES[verb] and job.get("request") != verb]
    # From the back, so that none begins because the one before it has just been taken away.
    return found if verb in ("retry", "resume") else found[::-1]


def _confirm(verb: str, count: int) -> None:
    what = _jobs(count)
    if not sys.stdin.isatty():
        raise BadField("--yes", f"this would {verb} {what}; say --yes as well to have it done without being asked")
    typer.confirm(f"{verb} {what}?", abort=True, err=True)


async def _each(client: Any, verb: str,
                ids: list[str]) -> tuple[list[dict[str, Any]], list[tuple[str, EchodeckError]]]:
    answers: list[dict[str, Any]] = []
    refused: list[tuple[str, EchodeckError]] = []
    for job_id in dict.fromkeys(ids):
        try:
            answers.append({"jobId": job_id, **await getattr(client, verb)(job_id)})
        except InputError as error:
            refused.append((job_id, error))
    return answers, refused


def _report(done: str, answers: list[dict[str, Any]], refused: list[tuple[str, EchodeckError]], json: bool, *,
            named: bool) -> None:
    failures = [{"jobId": job_id, **error.as_dict()} for job_id, error in refused]
    lines = [f"{done} {short(answer['jobId'])}" for answer in answers] if named else []
    if not named:
        lines = [f"{done} {_jobs(len(answers))}"]
    if json or lines:
        out({"jobs": answers, "refused": failures}, json, "\n".join(lines))
    if not json:
        for job_id, error in refused:
            typer.echo(f"echodeck: {short(job_id)}: {plain(in_words(error, {}))}", err=True)


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count or 'no'} jobs"
