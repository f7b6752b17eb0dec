"""The scripted hub of the client's tests in a thread, and the command as somebody types it."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from echodeck import cli


def _scripted() -> Any:
    path = Path(__file__).parent.parent / "client" / "conftest.py"
    spec = importlib.util.spec_from_file_location("scripted_hub", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


scripted = _scripted()


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        return json.loads(self.err)["error"]


@pytest.fixture
def hub() -> Iterator[Any]:
    """A scripted hub with a helper: `hub.do(coroutine)` runs in its loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    made = scripted.ScriptedHub()
    made.do = lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)
    made.do(made.start())
    yield made
    made.do(made.stop())
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def say() -> Any:
    return scripted


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs `echodeck ARGUMENTS` and returns its exit code and what it wrote."""

    def run(*arguments: str) -> Done:
        monkeypatch.setattr("sys.argv", ["echodeck", *arguments])
        monkeypatch.delenv("ECHODECK_DEBUG", raising=False)
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main()
        written = capsys.readouterr()
        return Done(int(left.value.code or 0), written.out, written.err)

    return run
