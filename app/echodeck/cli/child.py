"""One supervised process: started, listened to, started again, ended."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from logging import Formatter, LogRecord, makeLogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from ..client import Backoff
from .leash import SUPERVISED

HEALTHY_S = 30.0
LOG_BYTES, LOG_FILES = 1_000_000, 3
LONGEST_LINE = 64 << 10


class LogFile(RotatingFileHandler):
    """A child's output on disk, with times. The first failure to write is told once, and ends the file."""

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        super().__init__(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True)
        self.setFormatter(Formatter("%(asctime)s %(message)s"))
        self._tell, self._broken = tell, False

    def write(self, text: str) -> None:
        if not self._broken:
            self.handle(makeLogRecord({"msg": "%s", "args": (text,)}))

    def handleError(self, record: LogRecord) -> None:  # noqa: N802 - logging's name
        self._broken = True
        self._tell(f"{self.baseFilename} cannot be written ({sys.exc_info()[1]}); going on without")


class Child:
    """A process that is kept running. `say` gets its lines; `ended(child, code)` says whether to give it up."""

    def __init__(self, name: str, command: tuple[str, ...], say: Callable[[str], None], log: Path,
                 ended: Callable[[Child, int], bool], backoff: Backoff | None = None,
                 environ: Mapping[str, str] | None = None) -> None:
        self.name, self.command, self.was_healthy, self.restarts = name, command, False, 0
        self.refusals = 0
        """How often in a row it has refused to start, as its supervisor counts."""
        self._say, self._ended, self._environ = say, ended, environ or {}
        self._log = _log_file(log, say)
        # Nobody else starts this child, so there is nothing to spread by chance.
        self._backoff = backoff or Backoff(0.5, 10.0, steady=0, chance=lambda: 0.0)
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            began = time.monotonic()
            code = await self._once()
            lived_s = time.monotonic() - began
            self.was_healthy = self.was_healthy or lived_s >= HEALTHY_S
            if lived_s >= HEALTHY_S:
                self.refusals = 0
                self._backoff.reset()
            if self._stopping or self._ended(self, code):
                return
            wait_s = self._backoff.next_s()
            self._tell(f"ended ({_how(code)}); starting it again in {wait_s:g} s")
            await asyncio.sleep(wait_s)
            self.restarts += 1

    async def _once(self) -> int:
        ours = {SUPERVISED: "1", "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
        self._process = await asyncio.create_subprocess_exec(
            *self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **self._environ, **ours}, **_own_group())
        assert self._process.stdout is not None
        try:
            await self._listen(self._process.stdout)
        finally:
            self._log_flush()
        return await self._process.wait()

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await stream.read(1 << 16):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._tell(line.decode("utf-8", "replace").rstrip("\r"))
        if rest:
            self._tell(rest.decode("utf-8", "replace"))

    def _tell(self, text: str) -> None:
        self._say(text)
        if self._log is not None:
            self._log.write(text)

    def _log_flush(self) -> None:
        if self._log is not None:
            self._log.flush()

    async def stop(self, within_s: float) -> None:
        """Asks it to end, and makes it when it does not within `within_s`."""
        process, self._stopping = self._process, True
        if process is not None and process.returncode is None:
            if process.stdin is not None:
                process.stdin.close()  # the leash: works on every system
            if os.name == "posix":
                _signal(process, signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), within_s)
            except TimeoutError:
                self._tell(f"did not end within {within_s:g} s and was killed")
                self.kill()
                await process.wait()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._log is not None:
            self._log.close()

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            _signal(self._process, None)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals | None) -> None:
    try:
        process.kill() if number is None else process.send_signal(number)
    except ProcessLookupError:
        return  # it ended meanwhile


def _own_group() -> dict[str, Any]:
    """Ctrl-C in the terminal is for the supervisor, which then ends its children in order."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}


def _log_file(path: Path, tell: Callable[[str], None]) -> LogFile | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        tell(f"{path.parent} cannot be made ({error.strerror}); going on without a log file")
        return None
    return LogFile(path, tell)


def _how(code: int) -> str:
    if code < 0:
        try:
            return f"killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"killed by signal {-code}"
    return f"exit code {code}"
