"""Ports, looked at before anything is started."""

from __future__ import annotations

import errno
import os
import socket
import urllib.request

from ..errors import ConfigError
from .ask import PORT_TAKEN

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def answers(url: str, timeout_s: float = 2.0) -> bool:
    """Something answers an HTTP GET there with success."""
    try:
        with _DIRECT.open(url, timeout=timeout_s) as answer:
            return bool(answer.status < 400)
    except (OSError, ValueError):  # URLError is an OSError
        return False


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def free_port(host: str, flag: str, who: str, *, other_than: int = 0) -> int:
    """A port that nobody listens at just now. Raises ConfigError when this machine has no such address."""
    while True:
        with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
            try:
                probe.bind((host, 0))
            except OSError as error:
                raise _problem(error, host, 0, flag, who) from error
            port = int(probe.getsockname()[1])
        if port != other_than:
            return port


def check_free(host: str, port: int, flag: str, who: str) -> None:
    """Raises ConfigError, naming port, flag and mend, when the port cannot be listened at."""
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what a server that just ended left is free
        try:
            probe.bind((host, port))
        except OSError as error:
            raise _problem(error, host, port, flag, who) from error


def _problem(error: OSError, host: str, port: int, flag: str, who: str) -> ConfigError:
    mend = f"choose another with --{flag} (0: any free one)"
    if error.errno == errno.EADDRINUSE:
        url = f"http://{'127.0.0.1' if host in ('0.0.0.0', '') else host}:{port}"
        if who == "hub" and answers(f"{url}/api/echo/health"):
            return ConfigError(f"port {port} is taken: a hub is running at {url} already; use it, stop it, or {mend}",
                               code=PORT_TAKEN, field=flag)
        return ConfigError(f"port {port}, for the {who}, is taken by another program; stop that, or {mend}",
                           code=PORT_TAKEN, field=flag)
    return ConfigError(f"the {who} cannot listen at {host} port {port} ({error.strerror or error}); {mend}",
                       code=PORT_TAKEN, field=flag)
