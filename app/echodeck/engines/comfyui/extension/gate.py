"""A running prompt can be held, on the thread that executes it, at a step of its progress; its memory stays as it is.

ComfyUI loads its extensions before it sets the hook that every step calls, so it is the setter that is wrapped. A node
that makes no steps runs on to its end; the hold then waits at the next step of the same prompt.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from .picture import running_node
from .relay import Relay

CHECK_S = 0.05
"""Between two looks whether a prompt that stands was interrupted."""
ALONE_S = 600.0
"""A prompt that stands goes on when nobody who could release it has been connected for so long."""

log = logging.getLogger("echodeck")


class Gate:
    """`running` gives the id of the prompt that runs ("" for none), `check` raises when it is interrupted."""

    def __init__(self, relay: Relay, running: Callable[[], str], check: Callable[[], None]) -> None:
        self._relay, self.running, self._check = relay, running, check
        self._changed = threading.Condition()
        self.held, self.holding, self.hooked = "", False, False

    def hold(self, prompt_id: str, on: bool) -> str:
        """Why it cannot be, "" when it is so."""
        with self._changed:
            if on and prompt_id != self.running():
                return "that prompt does not run"
            if on:
                self.held = prompt_id
            elif self.held == prompt_id:
                self.held = ""
            self._changed.notify_all()
        return ""

    def ended(self) -> None:
        """A prompt has ended: a hold of it must not wait for another with the same id."""
        with self._changed:
            if self.held and self.held != self.running():
                self.held = ""
                self._changed.notify_all()

    def after(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        """A progress hook that holds when it has told of a step."""
        self.hooked = True

        def told(*values: Any, **named: Any) -> Any:
            result = hook(*values, **named)
            if self.held:
                self._stand(named.get("node_id") or running_node()[1])
            return result

        return told

    def _stand(self, node: Any) -> None:
        """Returns when it is released; raises ComfyUI's own exception when it is interrupted."""
        prompt_id = self.held
        if not prompt_id or prompt_id != self.running():
            return
        about = {"prompt_id": prompt_id, "node": node}
        self.holding = True
        self._relay.tell("echodeck.held", about)
        try:
            self._wait(prompt_id)
        finally:
            self.holding = False
            self._relay.tell("echodeck.released", about)

    def _wait(self, prompt_id: str) -> None:
        seen_s = time.monotonic()
        while self.held == prompt_id:
            self._check()
            if self._relay.monitors():
                seen_s = time.monotonic()
            elif time.monotonic() - seen_s > ALONE_S:
                log.warning("echodeck: nobody has been there for %.0f s to release a held prompt; it goes on", ALONE_S)
                self.hold(prompt_id, False)
            with self._changed:
                if self.held == prompt_id:
                    self._changed.wait(CHECK_S)


def install(relay: Relay, server: Any, reasons: dict[str, str]) -> Gate | None:
    """Puts a gate into ComfyUI; None, with the reason as `reasons["pause"]`, where nothing can be held."""
    try:
        import comfy.model_management as management
        import comfy.utils as utils

        set_hook, task_done = utils.set_progress_bar_global_hook, server.prompt_queue.task_done
        gate = Gate(relay, _running_of(server), management.throw_exception_if_processing_interrupted)
        gate.running()  # asked for, as everything that is needed
    except (ImportError, AttributeError, TypeError) as error:
        reasons["pause"] = str(error)
        return None

    def set_holding_hook(hook: Any, *more: Any, **named: Any) -> Any:
        return set_hook(hook if hook is None else gate.after(hook), *more, **named)

    def task_done_and_told(*values: Any, **named: Any) -> Any:
        result = task_done(*values, **named)
        gate.ended()
        return result

    utils.set_progress_bar_global_hook = set_holding_hook
    server.prompt_queue.task_done = task_done_and_told
    if getattr(utils, "PROGRESS_BAR_HOOK", None) is not None:
        set_holding_hook(utils.PROGRESS_BAR_HOOK)
    return gate


def _running_of(server: Any) -> Callable[[], str]:
    def running() -> str:
        items = list(server.prompt_queue.currently_running.values())
        return str(items[0][1]) if items else ""

    return running
