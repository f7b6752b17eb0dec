"""An event loop that can work until the very end of a process."""

from __future__ import annotations

import asyncio
import socket
import threading
from functools import partial
from typing import Any


class Loop(asyncio.SelectorEventLoop):
    """Names are looked up in threads of their own. Those of the usual executor are waited for when a process ends,
    however long a look-up takes, and refuse to begin one from then on."""

    async def getaddrinfo(self, host: Any, port: Any, *, family: int = 0, type: int = 0,  # noqa: A002 - as the base
                          proto: int = 0, flags: int = 0) -> Any:
        look = partial(socket.getaddrinfo, host, port, family, type, proto, flags)
        found: asyncio.Future[Any] = self.create_future()
        try:
            threading.Thread(target=self._look, args=(look, found), name="echodeck-name", daemon=True).start()
        except RuntimeError:  # the process ends: no thread can be started, and nothing else is to be done meanwhile
            return look()
        return await found

    def _look(self, look: Any, found: asyncio.Future[Any]) -> None:
        answer: Any = None
        try:
            answer = look()
        except OSError as error:
            answer = error
        except UnicodeError as error:
            answer = OSError(f"no host's name: {error}")
        if not self.is_closed():
            self.call_soon_threadsafe(_settle, found, answer)


def _settle(found: asyncio.Future[Any], answer: Any) -> None:
    if found.done():  # nobody waits for it any more
        return
    if isinstance(answer, OSError):
        found.set_exception(answer)
    else:
        found.set_result(answer)
