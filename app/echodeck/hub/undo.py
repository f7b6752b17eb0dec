"""How a person takes back what was decided: a command that they could have given themselves, told with the decision."""

from __future__ import annotations

from typing import Any, Literal


def by_command(label: str, job_id: str, command: Literal["resume", "cancel"]) -> dict[str, Any]:
    """For a decision's `data`. Whether it still makes sense is to be seen from the job: a held one can go on, one that
    has not ended can be cancelled."""
    payload = {"jobId": job_id, "command": command}
    return {"undo": {"label": label, "type": "generation_command", "payload": payload}}
