"""The measuring process as the agent has it: started when there is something to measure, ended when there is not."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

LONGEST_S = 60.0
IDLE_S = 20.0
END_S = 2.0
ROOT = Path(__file__).resolve().parents[2]
"""Where the package lies: the process finds it whether or not it is installed."""
COMMAND = (sys.executable, "-m", "echodeck.agent.measuring")


class MeasuringFailed(Exception):
    """The process ended, or took too long; the message says which."""


class Measurer:
    """`measure` one at a time, from one event loop. `close` when nothing more is to be measured."""

    def __init__(self, command: Sequence[str] = COMMAND, *, longest_s: float = LONGEST_S) -> None:
        self._command, self._longest_s = command, longest_s
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def measure(self, path: str, link: str, kind: str) -> Mapping[str, Any]:
        """What `measuring.answer` says of a file. Raises MeasuringFailed; the next call has a new process."""
        try:
            async with asyncio.timeout(self._longest_s):
                return await self._ask(json.dumps({"path": path, "link": link, "kind": kind}))
        except TimeoutError:
            await self.close()
            raise MeasuringFailed(f"it took longer than {self._longest_s:g} s") from None
        except (OSError, ValueError) as error:
            await self.close()
            raise MeasuringFailed(str(error) or type(error).__name__) from error
        except asyncio.CancelledError:
            await self.close()
            raise

    async def _ask(self, line: str) -> Mapping[str, Any]:
        if self._process is None or self._process.returncode is not None:
            self._process = await self._start()
        reader, writer = self._process.stdout, self._process.stdin
        assert reader is not None
        assert writer is not None
        writer.write(line.encode() + b"\n")
        await writer.drain()
        said = await reader.readline()
        if not said:
            raise OSError(f"its process ended with {await self._process.wait()}")
        answer: Mapping[str, Any] = json.loads(said)
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)})

    async def close(self) -> None:
        """Ends the process, if there is one: its input ends, and if it does not heed it is killed."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        # A process that died may have left its pipe half written.
        with suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()
        await process.wait()
