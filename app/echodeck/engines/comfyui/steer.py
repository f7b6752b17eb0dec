"""What people want of other clients' prompts: held, cancelled, put elsewhere in ComfyUI's own queue.

ComfyUI's queue has no route to reorder it. A prompt is taken out and queued again with the same id and a number
between its new neighbours; for a moment it is in no list, which who watches must not take for its end.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ...errors import EngineError
from ..web import Refusal, Unreachable
from .field import mapping, text
from .rest import Item, Refused
from .server import Server
from .watch import Seen

TRIES, AGAIN_S = 5, 0.5


def steer(server: Server, seen: Seen, command: str, *, before: str = "", after: str = "") -> None:
    """Raises EngineError with the reason when it cannot be done."""
    if command in ("pause", "resume"):
        _hold(server, seen, command == "pause")
    elif command == "cancel":
        seen.cancelled = True
        server.cancel(seen.item.prompt_id)
    elif command == "move":
        if seen.unmovable:
            raise EngineError(seen.unmovable)
        seen.moving = True
        try:
            move(server, seen.item.prompt_id, before, after)
        finally:
            seen.moving = False
    else:
        raise EngineError(f"ComfyUI has no way to {command}")


def _hold(server: Server, seen: Seen, on: bool) -> None:
    if on and server.why_not_hold:
        raise EngineError(server.why_not_hold)
    try:
        server.hold(seen.item.prompt_id, on)
    except Refusal as error:
        said = text(mapping(error.body).get("error"), 300)
        if on or error.status != 409:
            raise EngineError(said or error.message) from error


def move(server: Server, prompt_id: str, before: str, after: str) -> None:
    """Puts a waiting prompt before or after another one."""
    pending = server.queue().pending
    item = next((one for one in pending if one.prompt_id == prompt_id), None)
    if item is None:
        raise EngineError("it does not wait any more")
    number = between(pending, prompt_id, before, after)
    extra = server.keys(prompt_id)
    server.remove(prompt_id)
    if any(one.prompt_id == prompt_id for one in server.queue().running):
        raise EngineError("it has just begun")
    _again(server, item, extra, number)


def _again(server: Server, item: Item, extra: dict[str, object], number: float) -> None:
    """It must not be lost for an answer that did not come."""
    for attempt in range(TRIES):
        try:
            answer = server.post(item.graph, item.prompt_id, extra, client_id=item.client_id, ends=item.ends,
                                 number=number)
        except Unreachable:
            time.sleep(AGAIN_S * (attempt + 1))
            continue
        if isinstance(answer, Refused):
            raise EngineError(f"ComfyUI refuses to queue it again: {answer.message}")
        return
    raise EngineError("ComfyUI does not answer, and it could not be queued again; retry it from here")


def between(pending: Sequence[Item], prompt_id: str, before: str, after: str) -> float:
    """The number that puts a prompt before or after another in this queue, which is in order. Raises EngineError."""
    others = [one for one in pending if one.prompt_id != prompt_id]
    ids = [one.prompt_id for one in others]
    if (before or after) not in ids:
        raise EngineError("the prompt that it was to stand beside does not wait any more")
    place = ids.index(before) if before else ids.index(after) + 1
    if place == 0:
        return others[0].number - 1.0
    if place == len(others):
        return others[-1].number + 1.0
    low, high = others[place - 1].number, others[place].number
    middle = (low + high) / 2.0
    if not low < middle < high:
        raise EngineError("its neighbours' numbers are too close; move it to the top or the bottom")
    return middle
