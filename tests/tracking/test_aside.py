"""What takes its time, beside a loop; and a loop that looks names up in threads of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from echodeck.tracking.aside import Aside
from echodeck.tracking.loop import Loop


def exits() -> None:
    raise SystemExit(3)


async def test_things_are_done_in_order_and_their_ends_told_in_the_loop() -> None:
    aside, ended = Aside(), asyncio.Event()
    found: list[tuple[Any, str, bool]] = []
    here = threading.current_thread()

    def then(value: Any, error: BaseException | None) -> None:
        found.append((value, type(error).__name__, threading.current_thread() is here))
        if len(found) == 3:
            ended.set()

    aside.do(lambda: threading.current_thread().name, then)
    aside.do(exits, then)
    aside.do(lambda: next(iter(())), then)
    assert aside.waiting == 3
    async with asyncio.timeout(20):
        await ended.wait()
    assert found == [("echodeck-aside", "NoneType", True), (None, "SystemExit", True), (None, "StopIteration", True)]
    assert aside.waiting == 0
    aside.close()


def test_what_is_done_after_the_loop_has_ended_is_nobodys() -> None:
    go_on = threading.Event()
    threads: list[threading.Thread] = []

    async def work() -> None:
        aside = Aside()
        aside.do(lambda: (threads.append(threading.current_thread()), go_on.wait(20)), lambda *_: None)
        while not threads:  # noqa: ASYNC110 - of another thread
            await asyncio.sleep(0.001)

    asyncio.run(work())
    go_on.set()
    threads[0].join(20)
    assert not threads[0].is_alive()


def look_up(host: str) -> Any:
    with asyncio.Runner(loop_factory=Loop) as runner:
        async def work() -> Any:
            return await asyncio.get_running_loop().getaddrinfo(host, 80, type=socket.SOCK_STREAM)

        return runner.run(work())


def test_names_are_looked_up_by_threads_that_nobody_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[bool] = []

    def look(host: str, port: int, *how: Any) -> list[Any]:
        looked.append(threading.current_thread().daemon)
        return [host, port]

    monkeypatch.setattr(socket, "getaddrinfo", look)
    assert look_up("studio.example") == ["studio.example", 80]
    assert looked == [True]


def test_at_the_end_of_a_process_they_are_looked_up_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert look_up("127.0.0.1")[0][4] == ("127.0.0.1", 80)


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("too long")])
def test_what_is_no_name_is_an_error_of_the_network(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def look(*what: Any) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", look)
    with pytest.raises(OSError, match=r"unknown|too long"):
        look_up("a")
