"""One job of ours on such a server: one request that blocks until it is done, watched by asking how far it is."""

from __future__ import annotations

import base64
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...errors import EngineError, JobLost, OutOfMemory
from ...model.job import JobSpec, Output
from .. import Control
from ..web import Refusal, Unreachable
from .parse import Made, Progress, decoded, mime_of, out_of_memory, parse_error
from .passes import Passes
from .server import Server

POLL_S = 0.3
PREVIEW_S = 0.6
"""Between two questions with the picture, which costs the server a decode."""
AWAY_S = 20.0
STOP_S = 60.0
WAIT, LOAD, SAVE = "wait for the server", "load", "save"


class Run:
    """`Run(…)()` does it. `ours` is told the time stamp of the request that is ours, `gone` why nothing answers."""

    def __init__(self, server: Server, output_dir: Path, job_id: str, spec: JobSpec, control: Control,
                 ours: Callable[[str], None], gone: Callable[[str], None]) -> None:
        self._server, self._directory = server, output_dir / job_id
        self._spec, self._control, self._ours, self._gone = spec, control, ours, gone
        self._task_id = f"task({uuid.uuid4().hex[:15]})"
        self._made: Made | None = None
        self._error: Exception | None = None
        self._previewed_s = 0.0
        self._stamped, self._skipped = "", False

    def __call__(self) -> None:
        options = self._spec.options
        hires = options.get("hires") is True
        before = self._stamp()
        self._wait()
        told = self._control.told
        told.plan([(LOAD, 0)])
        told.stage(LOAD)
        passes = Passes(lambda stages: told.plan([(LOAD, 0), *stages, (SAVE, 0)]), told.stage, told.step,
                        steps=self._spec.steps, passes=self._spec.batch * (2 if hires else 1), hires=hires,
                        hires_steps=int(options.get("hires_steps") or 0))
        asking = threading.Thread(target=self._ask, name=f"request {self._task_id}", daemon=True)
        asking.start()
        self._watch(asking, passes, before)
        if self._error is not None:
            raise self._failure(self._error) from self._error
        if not self._skipped:
            passes.finish()
        told.stage(SAVE)
        for number, picture in enumerate(self._made.pictures[: self._spec.batch] if self._made else ()):
            self._control.output(self._save(number, picture))

    # --- the request, in a thread of its own ---

    def _ask(self) -> None:
        try:
            body = body_of(self._spec, self._task_id)
            self._made = self._server.generate("img2img" if "init_images" in body else "txt2img", body)
        except Exception as error:  # noqa: BLE001 - looked at where it is waited for
            self._error = error

    # --- watching ---

    def _stamp(self) -> str:
        return self._server.progress(picture=False).stamp

    def _wait(self) -> None:
        """Others' request first: these servers do one after the other, and only say how the present one does."""
        waited = False
        while not self._server.progress(picture=False).idle:
            if not waited:
                self._control.told.plan([(WAIT, 0)])
                self._control.told.stage(WAIT)
                waited = True
            self._control.checkpoint()
            time.sleep(POLL_S)

    def _watch(self, asking: threading.Thread, passes: Passes, before: str) -> None:
        heard_s = time.monotonic()
        while asking.is_alive():
            asking.join(POLL_S)
            wanted = self._control.wanted
            if wanted not in ("run", "pause"):
                self._stop(asking)
            if wanted == "pause":
                self._control.refused("pause", CANNOT_PAUSE)
            try:
                if self._control.skipping():
                    self._skipped = True
                    self._server.skip()
                now = self._server.progress(picture=time.monotonic() - self._previewed_s >= PREVIEW_S)
                heard_s = time.monotonic()
                if self._is_ours(now, before):
                    passes.take(now)
                    self._show(now)
            except Unreachable as error:
                self._gone(error.message)
                if time.monotonic() - heard_s > AWAY_S:
                    raise JobLost(f"the server is gone: {error.message}") from error

    def _is_ours(self, now: Progress, before: str) -> bool:
        """Whether what the server does now is this request, and not another client's that came first."""
        if not self._stamped and now.stamp != before and not now.idle:
            task = self._server.task(self._task_id)
            if task is None or task.active:
                self._stamped = now.stamp
                self._ours(now.stamp)
        return bool(self._stamped) and now.stamp == self._stamped

    def _show(self, now: Progress) -> None:
        if now.image and now.step:
            self._previewed_s = time.monotonic()
            picture = decoded(now.image)
            self._control.preview(now.step, lambda: (mime_of(picture), picture))

    def _stop(self, asking: threading.Thread) -> None:
        """Interrupts it, and waits until the server is free again."""
        deadline = time.monotonic() + STOP_S
        while asking.is_alive() and time.monotonic() < deadline:
            try:
                self._server.interrupt()
            except (Unreachable, Refusal):
                break
            asking.join(4 * POLL_S)
        self._control.checkpoint()

    # --- how it ended ---

    def _failure(self, error: Exception) -> EngineError:
        if isinstance(error, Unreachable):
            self._gone(error.message)
            return JobLost(f"the server broke off: {error.message}")
        if isinstance(error, Refusal):
            said = parse_error(error.body) or error.message
            if out_of_memory(said):
                return OutOfMemory(f"out of memory: {said}", detail=said)
            return EngineError(said, code="refused" if error.status < 500 else "server_error",
                               retryable=error.status >= 500)
        return error if isinstance(error, EngineError) else EngineError(str(error), code="server_error")

    def _save(self, number: int, picture: bytes) -> Output:
        kind = mime_of(picture)
        path = self._directory / f"{number:02}.{kind.rpartition('/')[2]}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(picture)
            part.replace(path)
        except OSError as error:
            raise EngineError(f"{path} cannot be written: {error.strerror or error}", code="cannot_write") from error
        return Output(str(path), kind, self._spec.width, self._spec.height, len(picture))


CANNOT_PAUSE = ("A1111-style servers have no way to hold a running job; it can be paused while it waits in echodeck's "
                "queue")


def body_of(spec: JobSpec, task_id: str) -> dict[str, Any]:
    """The request. Every picture is a pass of its own, so that each can be skipped. Raises EngineError."""
    options = spec.options
    body: dict[str, Any] = {
        "prompt": spec.prompt, "negative_prompt": options.get("negative_prompt", ""), "width": spec.width,
        "height": spec.height, "steps": spec.steps, "seed": spec.seed, "n_iter": spec.batch, "batch_size": 1,
        "cfg_scale": options.get("cfg_scale", 7.0), "sampler_name": spec.sampler, "force_task_id": task_id,
        "override_settings": {"sd_model_checkpoint": spec.model} if spec.model else {}, "send_images": True,
    }
    if spec.scheduler:
        body["scheduler"] = spec.scheduler
    if options.get("hires") is True:
        body |= {"enable_hr": True, "hr_scale": options.get("hires_scale", 2.0),
                 "hr_second_pass_steps": int(options.get("hires_steps", 0)),
                 "denoising_strength": options.get("denoising_strength", 0.6)}
    if image := str(options.get("init_image", "")):
        body |= {"init_images": [_image(image)], "denoising_strength": options.get("denoising_strength", 0.6)}
    return body


def _image(given: str) -> str:
    """A picture as base64: of a data URL, or of a file on this machine."""
    if given.startswith("data:"):
        return given
    try:
        return base64.b64encode(Path(given).expanduser().read_bytes()).decode("ascii")
    except OSError as error:
        raise EngineError(f"options.init_image: {given[:200]} cannot be read: {error.strerror or error}",
                          code="bad_field") from error
