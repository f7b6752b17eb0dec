"""The workflows that jobs are made from, each kept once however many jobs share it.

A job names its workflow by the key of its content in `options["workflow"]`; the text goes to the worker with the claim.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from ..model.job import Job
from .ledger import Change

KIND = "graphs"
OPTION = "workflow"


class Graphs:
    """By key; as long as a job on the board needs it."""

    def __init__(self, records: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._texts = {key: str(record["text"]) for key, record in (records or {}).items()}

    def keep(self, graph: Mapping[str, Any], change: Change) -> str:
        """The key of a workflow; it is written with the change, if it is new."""
        text = msgspec.json.encode(graph, order="sorted").decode()
        key = hashlib.sha256(text.encode()).hexdigest()[:24]
        if key not in self._texts:
            self._texts[key] = text
            change.batch.records[KIND, key] = {"text": text}
        return key

    def drop(self, change: Change) -> None:
        """What was kept with a change that is not written: nothing has come of it."""
        for kind, key in change.batch.records:
            if kind == KIND:
                self._texts.pop(key, None)

    def whole(self, job: Job) -> Job:
        """The job as a worker gets it: with the workflow's JSON text in place of its key."""
        text = self._texts.get(str(job.spec.options.get(OPTION, "")))
        return job if text is None else replace(job, spec=replace(job.spec, options={**job.spec.options, OPTION: text}))

    def prune(self, jobs: Iterable[Job], change: Change) -> None:
        """Forgets what none of these jobs needs."""
        needed = {str(job.spec.options[OPTION]) for job in jobs if OPTION in job.spec.options}
        for key in [key for key in self._texts if key not in needed]:
            del self._texts[key]
            change.batch.records[KIND, key] = None
