"""A ComfyUI over REST: one method a thing to do, whichever version it is. What an old one lacks is found out by asking.

Every method raises Unreachable when nothing answers, Refusal when the server says no, and EngineError ("bad_answer")
for an answer that makes no sense. May be used from several threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...model.workflow import Graph
from ..web import Refusal, Web
from .field import mapping, text
from .media import File, view_path
from .past import Past, parse_cancelled, parse_history
from .rest import (
    MARK,
    Accepted,
    Item,
    Queue,
    Refused,
    SystemStats,
    parse_object_info,
    parse_prompt_answer,
    parse_queue,
    parse_system_stats,
)

HISTORY_ITEMS = 64
OBJECT_INFO_S = 60.0
"""A server with many custom nodes takes long to list them."""


class Server:
    """`web` reaches it. `extension`: what our extension in it says of itself, {} if it is not there."""

    def __init__(self, web: Web) -> None:
        self.web, self.url = web, web.url
        self.extension: Mapping[str, Any] = {}
        self._partners: frozenset[str] | None = None
        self._cancels = True

    def stats(self) -> SystemStats:
        return parse_system_stats(self.web.get("/system_stats"))

    def queue(self) -> Queue:
        return parse_queue(self.web.get("/queue"))

    def keys(self, prompt_id: str) -> dict[str, Any]:
        """The whole `extra_data` of a waiting prompt, for queueing it again: secrets too, so never to be kept."""
        for value in mapping(self.web.get("/queue")).get("queue_pending") or ():
            if isinstance(value, list) and len(value) > 3 and value[1] == prompt_id:
                return dict(mapping(value[3]))
        return {}

    def past(self, prompt_id: str) -> Past | None:
        """How a prompt ended; None while it has not, or when the server knows nothing of it."""
        return parse_history(self.web.get(f"/history/{prompt_id}")).get(prompt_id)

    def history(self, most: int = HISTORY_ITEMS) -> dict[str, Past]:
        """The latest that have ended, by id."""
        return parse_history(self.web.get(f"/history?max_items={most}"))

    def post(self, graph: Graph, prompt_id: str, extra: Mapping[str, Any], *, client_id: str = "",
             ends: tuple[str, ...] = (), number: float | None = None, front: bool = False) -> Accepted | Refused:
        """Queues a prompt."""
        body: dict[str, Any] = {"prompt": graph, "prompt_id": prompt_id, "extra_data": dict(extra)}
        if client_id:
            body["client_id"] = client_id
        if ends:
            body["partial_execution_targets"] = list(ends)
        if number is not None:
            body["number"] = number
        elif front:
            body["front"] = True
        try:
            return parse_prompt_answer(self.web.post("/prompt", body), graph)
        except Refusal as error:
            if error.status != 400:
                raise
            return parse_prompt_answer(error.body, graph)

    def cancel(self, prompt_id: str) -> None:
        """Takes it out of the queue, or interrupts it if it runs; another that runs is not touched."""
        if self._cancels:
            try:
                if parse_cancelled(self.web.post(f"/api/jobs/{prompt_id}/cancel")):
                    return
            except Refusal as error:
                if error.status not in (404, 405):
                    raise
                self._cancels = False
        # In this order: one that begins between the two is interrupted.
        self.remove(prompt_id)
        self.web.post("/interrupt", {"prompt_id": prompt_id})

    def remove(self, prompt_id: str) -> None:
        """Takes it out of the queue; one that runs goes on."""
        self.web.post("/queue", {"delete": [prompt_id]})

    def free(self) -> None:
        """Between two prompts it lets go of its models."""
        self.web.post("/free", {"unload_models": True, "free_memory": True})

    def file(self, file: File, most: int) -> bytes:
        return self.web.bytes(view_path(file), most=most)

    def partners(self) -> frozenset[str]:
        """The classes of nodes that call a service which somebody pays for; asked for once a connection."""
        if self._partners is None:
            classes = parse_object_info(self.web.get("/object_info", timeout_s=OBJECT_INFO_S))
            self._partners = frozenset(name for name, one in classes.items() if one.partner)
        return self._partners

    def again(self) -> None:
        """Another process answers at the address: what was found out may not hold any more."""
        self._partners, self._cancels = None, True
        self.extension = self._look()

    def _look(self) -> Mapping[str, Any]:
        try:
            return mapping(self.web.get("/echodeck/state"))
        except Refusal as error:
            if error.status in (404, 405):
                return {}
            raise

    @property
    def tells(self) -> bool:
        """Whether we are sent what is meant for other clients."""
        return mapping(self.extension.get("features")).get("events") is True

    @property
    def can_hold(self) -> bool:
        return mapping(self.extension.get("features")).get("pause") is True

    @property
    def why_not_hold(self) -> str:
        """Why a running prompt cannot be paused; "" when it can."""
        if self.can_hold:
            return ""
        if not self.extension:
            return ("the echodeck extension is not in this ComfyUI: run `echodeck comfyui install PATH` with its "
                    "folder, and restart it")
        said = mapping(mapping(self.extension.get("features")).get("reasons")).get("pause")
        return f"this version of ComfyUI gives no way to: {text(said, 200) or 'unknown'}"

    def hold(self, prompt_id: str, on: bool) -> None:
        """Asks the extension to hold a running prompt at its next step, or to let it go on."""
        self.web.post("/echodeck/hold", {"prompt_id": prompt_id, "hold": on})


def mark_of(item: Item, deck: str) -> str:
    """The job that this prompt was made for, if this deck made it; "" for others'."""
    mark = mapping(item.mark)
    return text(mark.get("job"), 200) if mark.get("deck") == deck else ""


def marked(job_id: str, deck: str) -> dict[str, Any]:
    """The `extra_data` of a prompt of ours. Previews are off in a ComfyUI that is not told otherwise."""
    return {MARK: {"job": job_id, "deck": deck}, "preview_method": "latent2rgb"}
