"""A server with AUTOMATIC1111's interface over REST, and what is known of it. Every call has a time limit."""

from __future__ import annotations

from typing import Any

from ..web import Refusal, Unreachable, Web
from .parse import Made, Progress, Task, parse_made, parse_names, parse_options, parse_progress, parse_task

GENERATE_S = 6 * 3600.0
"""A generation answers when it is done."""


class Server:
    """`web` reaches it. May be used from several threads."""

    def __init__(self, web: Web) -> None:
        self.web, self.url = web, web.url

    def progress(self, *, picture: bool) -> Progress:
        return parse_progress(self.web.get(f"/sdapi/v1/progress?skip_current_image={str(not picture).lower()}"))

    def task(self, task_id: str) -> Task | None:
        """None where the server has no such route."""
        try:
            return parse_task(self.web.post("/internal/progress", {"id_task": task_id, "live_preview": False}))
        except Refusal as error:
            if error.status in (404, 405, 422):
                return None
            raise

    def generate(self, kind: str, body: dict[str, Any]) -> Made:
        """`kind` is txt2img or img2img. Blocks until it is done."""
        return parse_made(self.web.post(f"/sdapi/v1/{kind}", body, timeout_s=GENERATE_S))

    def interrupt(self) -> None:
        self.web.post("/sdapi/v1/interrupt")

    def skip(self) -> None:
        self.web.post("/sdapi/v1/skip")

    def free(self) -> None:
        self.web.post("/sdapi/v1/unload-checkpoint")

    def models(self) -> tuple[str, ...]:
        return parse_names(self.web.get("/sdapi/v1/sd-models"), "title", "model_name")

    def samplers(self) -> tuple[str, ...]:
        return parse_names(self.web.get("/sdapi/v1/samplers"), "name")

    def schedulers(self) -> tuple[str, ...]:
        """() where samplers and schedulers are one."""
        try:
            return parse_names(self.web.get("/sdapi/v1/schedulers"), "name", "label")
        except Refusal:
            return ()

    def checkpoint(self) -> str:
        return parse_options(self.web.get("/sdapi/v1/options"))

    def flavour(self) -> str:
        """Which of them it is, by the routes that it has."""
        for route, name in (("/sdapi/v1/status", "SD.Next"), ("/sdapi/v1/sd-modules", "Forge")):
            try:
                self.web.get(route)
            except Refusal:
                continue
            return name
        return "A1111"


def why(error: Refusal | Unreachable) -> str:
    """Why a server cannot be used, in a sentence."""
    if isinstance(error, Unreachable):
        return error.message
    if error.status in (401, 403):
        return "it asks for a user name and password: give them in the address, http://NAME:PASSWORD@HOST:PORT"
    if error.status == 404:
        return "its interface is off: start the server with --api"
    return error.message
