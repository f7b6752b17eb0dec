"""How prompts ended, as ComfyUI remembers it in its history, and whether a cancel found its prompt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .failure import Failure, parse_failure
from .field import bad_answer, listed, mapping, seconds, text, texts
from .media import File, parse_outputs
from .rest import Item, is_item, parse_item


class Outcome(StrEnum):
    SUCCESS = "success"
    ERROR = "error"
    OUT_OF_MEMORY = "out_of_memory"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Past:
    """A prompt that has ended. The times are the server's own; None where it kept none."""

    item: Item
    outcome: Outcome
    failure: Failure | None = None
    started_s: float | None = None
    ended_s: float | None = None
    cached: tuple[str, ...] = ()
    files: tuple[File, ...] = ()


def parse_history(body: Any) -> dict[str, Past]:
    """Prompts that have ended by id, in the order in which they ended: the body of GET /history, or of one id of it."""
    if not isinstance(body, dict):
        raise bad_answer("GET /history", "it is no JSON object")
    return {prompt_id: _past(prompt_id, entry) for prompt_id, entry in body.items() if isinstance(entry, dict)}


def _past(prompt_id: str, entry: dict[str, Any]) -> Past:
    item = parse_item(entry["prompt"]) if is_item(entry.get("prompt")) else Item(prompt_id)
    status = mapping(entry.get("status"))
    messages = _messages(status)
    files = parse_outputs(entry.get("outputs"))
    ending = next((name for name in ("execution_interrupted", "execution_error", "execution_success")
                   if name in messages), "")
    failure = None
    if ending == "execution_error":
        failure = parse_failure(messages[ending])
        outcome = Outcome.OUT_OF_MEMORY if failure.out_of_memory else Outcome.ERROR
    elif ending == "execution_interrupted":
        outcome = Outcome.INTERRUPTED
    elif ending or status.get("status_str") == "success" or (not status and files):
        outcome = Outcome.SUCCESS
    else:
        outcome, failure = Outcome.ERROR, Failure("", "", "", "ComfyUI does not say why it failed")
    return Past(item, outcome, failure, seconds(messages.get("execution_start", {}).get("timestamp")),
                seconds(messages.get(ending, {}).get("timestamp")),
                texts(messages.get("execution_cached", {}).get("nodes")), files)


def _messages(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The events that the server kept, by type: [[type, data], …]."""
    return {text(event[0]): mapping(event[1]) for event in listed(status.get("messages"))
            if isinstance(event, list) and len(event) == 2}


def parse_cancelled(body: Any) -> bool:
    """Whether a cancel found its job: the body of POST /api/jobs/{id}/cancel."""
    return mapping(body).get("cancelled") is True
