"""Talking HTTP with a server that an engine drives: JSON in and out, every call with a time limit, errors in words."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx

from ..errors import EngineError

TIMEOUT_S = 10.0
LARGEST_BYTES = 512 << 20
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Unreachable(EngineError):
    """The server does not answer, or not in time; later it may."""

    code = "unreachable"

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class Refusal(EngineError):
    """The server answered with an error: `status`, and the decoded `body` (None if it is no JSON)."""

    code = "refused"

    def __init__(self, message: str, status: int, body: Any = None) -> None:
        super().__init__(message)
        self.status, self.body = status, body


def without_password(url: str) -> str:
    """The address as it can be shown."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))


class Web:
    """One server. A user name and password may stand in the address, or be given as `auth`, "user:password". May be
    used from several threads."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S, auth: str = "") -> None:
        parts = urlsplit(url)
        self.url = without_password(url)
        self.headers: dict[str, str] = {}
        """What every request needs, for who talks to the server in another way."""
        given = auth or (f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else "")
        if given:
            self.headers["Authorization"] = f"Basic {base64.b64encode(given.encode()).decode()}"
        # A proxy cannot reach this machine's loopback, whatever the environment says.
        self._client = httpx.Client(base_url=self.url, timeout=timeout_s, headers=self.headers,
                                    trust_env=(parts.hostname or "") not in LOOPBACK)

    def get(self, path: str, *, timeout_s: float | None = None) -> Any:
        """The decoded body. Raises Unreachable, Refusal."""
        return _json(self._ask("GET", path, timeout_s=timeout_s))

    def post(self, path: str, body: Any = None, *, timeout_s: float | None = None) -> Any:
        """The decoded body, None if there is none. Raises Unreachable, Refusal."""
        return _json(self._ask("POST", path, body={} if body is None else body, timeout_s=timeout_s))

    def bytes(self, path: str, *, most: int = LARGEST_BYTES) -> bytes:
        """A file. Raises Unreachable, Refusal; a file of more than `most` bytes is refused."""
        content = b""
        try:
            with self._client.stream("GET", path) as answer:
                if answer.status_code >= 400:
                    raise Refusal(f"{self.url} answered {answer.status_code} to GET {path[:80]}", answer.status_code)
                for chunk in answer.iter_bytes():
                    content += chunk
                    if len(content) > most:
                        raise Refusal(f"the file has more than {most:,} bytes", 413)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._silent(error) from error
        return content

    def close(self) -> None:
        self._client.close()

    def _ask(self, method: str, path: str, *, body: Any = None, timeout_s: float | None = None) -> httpx.Response:
        given: dict[str, Any] = {} if method == "GET" else {"json": body}
        if timeout_s is not None:  # for the answer; whether anybody is there shows sooner
            given["timeout"] = httpx.Timeout(timeout_s, connect=min(timeout_s, TIMEOUT_S))
        try:
            answer = self._client.request(method, path, **given)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._silent(error) from error
        if answer.status_code >= 400:
            said = f"{self.url} answered {answer.status_code} to {method} {path[:80]}"
            raise Refusal(said, answer.status_code, _body(answer))
        return answer

    def _silent(self, error: Exception) -> Unreachable:
        said = re.sub(r"\[Errno -?\d+\] ", "", str(error)).lower() or type(error).__name__
        why = "no answer in time" if isinstance(error, httpx.TimeoutException) else said
        return Unreachable(f"nothing answers at {self.url} ({why[:200]})")


def _body(answer: httpx.Response) -> Any:
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError):
        return None


def _json(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        raise Refusal(f"what answers at {answer.url.host} is something else: no JSON", answer.status_code) from error
