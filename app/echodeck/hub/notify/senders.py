"""Messages leave: a signed POST of our own, or whatever Apprise knows. Blocking calls, each in a thread of its own.

What is said of a failure never has an address in it: in many services it is the secret.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from importlib.util import find_spec
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit

from ...brain.notices.channels import Channel
from ...errors import NotDelivered
from ...version import __version__
from ...webhook import sign
from .letters import Letter

TIMEOUT_S = 15.0
MISSING = "Apprise is not installed: pip install 'echodeck[notify]'"
_LATER = frozenset({404, 408, 409, 421, 423, 425, 429})
"""What a receiver that is being put in order may answer; any other 4xx will be the same next time."""


def trouble(channel: Channel) -> str:
    """Why the channel cannot be used at all; "" if it can, as far as can be seen from here."""
    return MISSING if channel.apprise and find_spec("apprise") is None else ""


def unusable(channel: Channel) -> str:
    """Why Apprise cannot take the channel's address; "" if it can, or if it is not there. Blocks: the first time it
    loads all that Apprise has."""
    if not channel.apprise or trouble(channel):
        return ""
    from apprise import Apprise

    with _heard_alone, _Heard():  # what it says of an address has the address in it
        known = Apprise().add(channel.apprise)
    return "" if known else (f"Apprise knows no such address ({channel.masked}): mend notify.channels.{channel.name}."
                             "apprise, as https://github.com/caronc/apprise/wiki shows")


def send(channel: Channel, letter: Letter) -> None:
    """Blocks. Raises NotDelivered."""
    if channel.webhook:
        _post(channel, letter)
    else:
        _apprise(channel, letter)


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect would lose the body, or take it to somebody else."""

    def redirect_request(self, *args: Any) -> None:
        return None


_opener = urllib.request.build_opener(_Stay)


def _post(channel: Channel, letter: Letter) -> None:
    parts = urlsplit(channel.webhook)
    login, _, place = parts.netloc.rpartition("@")
    headers = {"Content-Type": "application/json", "User-Agent": f"echodeck/{__version__}",
               **sign(letter.body, letter.id, time.time(), channel.secret)}
    if login:
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    request = urllib.request.Request(urlunsplit(parts._replace(netloc=place)), letter.body, headers, method="POST")
    try:
        with _opener.open(request, timeout=TIMEOUT_S) as answer:
            answer.read(1024)
    except HTTPError as error:
        with error:
            raise _refused(error) from None
    except URLError as error:
        raise NotDelivered(f"it cannot be reached: {_reason(error.reason)}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise NotDelivered(f"it cannot be reached: {_reason(error)}") from None


def _reason(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return f"no answer within {TIMEOUT_S:.0f} s"
    return str(getattr(reason, "strerror", None) or type(reason).__name__)


def _refused(error: HTTPError) -> NotDelivered:
    code = error.code
    if code < 400:
        return NotDelivered(f"it answered {code}: it has moved, and a webhook does not follow", final=True)
    after = error.headers.get("Retry-After", "")
    return NotDelivered(f"it answered {code}", final=code < 500 and code not in _LATER,
                        after_s=float(after) if re.fullmatch(r"\d{1,6}", after) else 0.0)


_TYPES = {"error": "failure", "warning": "warning", "success": "success"}


def _apprise(channel: Channel, letter: Letter) -> None:
    from apprise import Apprise

    way = Apprise()
    with _heard_alone, _Heard() as heard:
        known = way.add(channel.apprise)
        good = known and way.notify(title=letter.title, body=letter.text or letter.title,
                                    notify_type=_TYPES.get(letter.level, "info"), body_format="text")
    said = re.search(r"error=(\d{3})\b", heard.text)
    if not known:
        raise NotDelivered(f"Apprise knows no such address ({channel.service}://…)", final=True)
    if not good:
        raise NotDelivered(f"{channel.service} answered {said[1]}" if said else
                           f"{channel.service} could not be reached, or did not take it")


_heard_alone = threading.Lock()
"""Apprise has one log and threads of its own: what it says is known to be of one message only while there is one."""


class _Heard(logging.Handler):
    """What Apprise logs meanwhile. It goes nowhere else: there may be addresses in it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""
        self._logger = logging.getLogger("apprise")

    def emit(self, record: logging.LogRecord) -> None:
        self.text += f"{record.getMessage()}\n"

    def __enter__(self) -> _Heard:
        self._logger.propagate = False
        self._logger.addHandler(self)
        return self

    def __exit__(self, *exc: object) -> None:
        self._logger.removeHandler(self)


def in_thread(call: Callable[[], None]) -> asyncio.Future[None]:
    """Runs it in a thread that the end of the process does not wait for, as it would for an executor's."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        found: BaseException | None = None
        try:
            call()
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            found = error
        with suppress(RuntimeError):  # the loop has ended meanwhile: nobody waits any more
            loop.call_soon_threadsafe(settle, found)

    threading.Thread(target=run, name="echodeck-notify", daemon=True).start()
    return done
