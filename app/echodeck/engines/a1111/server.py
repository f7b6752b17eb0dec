"""A server with AUTOMATIC1111's interface over REST, and what is known of it. Every call has a time limit.

Every method raises Unreachable when nothing answers, Refusal when the server says no, and EngineError ("bad_answer")
for an answer that makes no sense. May be used from several threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..web import Refusal, Unreachable, Web
from .made import Made, parse_made
from .offer import (
    A1111_NAME,
    FORGE,
    SDNEXT,
    Memory,
    Offer,
    parse_checkpoint,
    parse_memory,
    parse_models,
    parse_names,
    parse_version,
)
from .parse import Progress, Task, parse_paused, parse_progress, parse_task

GENERATE_S = 6 * 3600.0
"""A generation answers when it is done."""
ABSENT = frozenset({404, 405, 422})
T = TypeVar("T")


class Server:
    """`web` reaches it."""

    def __init__(self, web: Web) -> None:
        self.web, self.url = web, web.url

    def progress(self, *, picture: bool = False) -> Progress:
        return parse_progress(self.web.get(f"/sdapi/v1/progress?skip_current_image={str(not picture).lower()}"))

    def paused(self) -> bool:
        """Whether somebody holds what runs. SD.Next alone can, and says so."""
        return parse_paused(self.web.get("/sdapi/v1/status"))

    def task(self, task_id: str) -> Task | None:
        """None where the server has no such route."""
        try:
            return parse_task(self.web.post("/internal/progress", {"id_task": task_id, "live_preview": False}))
        except Refusal as error:
            if error.status in ABSENT:
                return None
            raise

    def generate(self, kind: str, body: dict[str, Any]) -> Made:
        """`kind` is txt2img or img2img. Blocks until it is done."""
        return parse_made(self.web.post(f"/sdapi/v1/{kind}", body, timeout_s=GENERATE_S))

    def interrupt(self) -> None:
        """Whatever runs: there is no route that names what is meant."""
        self.web.post("/sdapi/v1/interrupt")

    def skip(self) -> None:
        """The picture in hand."""
        self.web.post("/sdapi/v1/skip")

    def free(self) -> None:
        """Lets go of the model. Not to be asked for while one runs with it."""
        self.web.post("/sdapi/v1/unload-checkpoint")

    def checkpoint(self) -> str:
        """The title of the model in use."""
        return parse_checkpoint(self.web.get("/sdapi/v1/options"))

    def memory(self) -> Memory:
        """Nothing but zeros where the server does not say."""
        return self._or("/sdapi/v1/memory", parse_memory, Memory())

    def offer(self) -> Offer:
        models = parse_models(self.web.get("/sdapi/v1/sd-models"))
        samplers = parse_names(self.web.get("/sdapi/v1/samplers"), "name")
        flavour = self._flavour()
        version = self._or("/sdapi/v1/version", parse_version, "") if flavour == SDNEXT else ""
        # Of its own accord SD.Next upscales nothing.
        upscalers = self._names("/sdapi/v1/upscalers", "name") if flavour == SDNEXT else ()
        upscaler = next((name for name in upscalers if name.lower().startswith("latent")), "")
        return Offer(flavour, version, models, samplers, self._names("/sdapi/v1/schedulers", "label"), upscaler)

    def _flavour(self) -> str:
        """Which of them it is, by the routes that it has. What has neither may be another descendant too."""
        for route, name in (("/sdapi/v1/status", SDNEXT), ("/sdapi/v1/sd-modules", FORGE)):
            if self._or(route, lambda body: body is not None, False):
                return name
        return A1111_NAME

    def _names(self, path: str, key: str) -> tuple[str, ...]:
        """() where there is no such list: in SD.Next samplers and schedulers are one."""
        return self._or(path, lambda body: parse_names(body, key), ())

    def _or(self, path: str, read: Callable[[Any], T], otherwise: T) -> T:
        try:
            return read(self.web.get(path))
        except Refusal as error:
            if error.status not in ABSENT and error.status < 500:
                raise
            return otherwise


def why(error: Exception) -> str:
    """Why a server cannot be used, in a sentence."""
    if isinstance(error, Refusal) and error.status in (401, 403):
        return "it asks for a user name and password: give them in the address, http://NAME:PASSWORD@HOST:PORT"
    if isinstance(error, Refusal) and error.status == 404:
        return "its interface is off: start the server with --api"
    return error.message if isinstance(error, Unreachable | Refusal) else str(error)
