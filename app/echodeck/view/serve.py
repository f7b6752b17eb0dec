"""The dashboard's server: composition root of the pages."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import panel as pn

from ..addresses import ANYWHERE, of_this_machine
from ..config import Settings, load
from ..errors import ConfigError
from .pages import PAGES, TITLE, Page, extend

LOCAL = "static/extensions/panel/"
"""Where this server has Panel's own files, relative to a page."""
FORGET_MS = 30_000
"""A session whose browser has gone is forgotten after this long."""


def main(settings: Settings) -> None:
    """Serves the pages until SIGTERM or Ctrl-C. Raises ConfigError when the address cannot be used."""
    # A browser that leaves while its page is being sent is no news.
    logging.getLogger("bokeh.server.views.ws").setLevel(logging.ERROR)
    # Said for every model of a page that comes back after a restart; it finds its way by itself.
    warnings.filterwarnings("ignore", message="reference already known")
    server = make(settings)
    loop = server.io_loop
    for name in ("SIGTERM", "SIGINT"):
        signal.signal(getattr(signal, name), lambda *_: loop.add_callback_from_signal(loop.stop))
    if os.environ.get("ECHODECK_SUPERVISED"):
        threading.Thread(target=_until_stdin_ends, args=(loop,), daemon=True).start()
    sys.stdout.write(f"Dashboard on {url(settings, server.port)}\n")
    sys.stdout.flush()
    loop.start()
    server.stop(wait=False)


def make(settings: Settings) -> Any:
    """A Bokeh server with every page, bound to its port and not yet started (`io_loop`, `port`, `stop`)."""
    port = settings.dash_port or _free_port(settings.dash_host)
    _check_free(settings.dash_host, port)
    panels = {f"/{path}": _for_sessions(page, settings) for path, page in PAGES.items()}
    return pn.io.server.get_server(
        panels, port=port, address=settings.dash_host, websocket_origin=origins(settings, port), title=TITLE,
        start=False, show=False, verbose=False, check_unused_sessions_milliseconds=10_000,
        unused_session_lifetime_milliseconds=FORGET_MS, session_token_expiration=86_400,
    )


def _for_sessions(page: Page, settings: Settings) -> Callable[[], Any]:
    # Panel takes only plain functions for pages.
    def make_one() -> Any:
        return session(page, settings)

    return make_one


def session(page: Page, settings: Settings) -> Any:
    """What a session of a page is shown."""
    # A browser that comes back after a restart of this server brings a session without a page having been rendered,
    # and then Panel would point its stylesheets at a CDN.
    document = pn.state.curdoc
    if document is not None:
        document.template_variables.setdefault("dist_url", LOCAL)
    extend()
    return page.make(settings)


def serve_here() -> None:
    """The page for `panel serve app`, with the settings in force where that was started."""
    session(PAGES[""], load()).servable()


def url(settings: Settings, port: int) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.dash_host, settings.dash_host)
    return f"http://{host}:{port}/"


def origins(settings: Settings, port: int) -> list[str]:
    """The hosts a page may be opened under: this machine by any of its names, and what the settings add."""
    own = {"localhost", "127.0.0.1", socket.gethostname().lower(), settings.dash_host}
    if settings.dash_host in ANYWHERE:
        own |= set(of_this_machine())
    added = {name.strip() for name in settings.allow_host.split(",") if name.strip()}
    further = {name.strip().split("://")[-1].rstrip("/") for name in settings.allow_origin.split(",") if name.strip()}
    # Bokeh's list knows no IPv6 literals.
    return sorted({f"{host}:{port}" for host in own | added if ":" not in host} | further)


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _check_free(host: str, port: int) -> None:
    """Bind once, to refuse in words: Bokeh's own attempt ends in a traceback."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(f"the dashboard cannot use {host}:{port} ({error.strerror}); choose another port with "
                              "--dash-port or ECHODECK_DASH_PORT") from error


def _until_stdin_ends(loop: Any) -> None:
    """Under a supervisor: its end of our stdin closes when it dies, however it dies."""
    # Not through sys.stdin, whose lock this thread would hold while the interpreter ends.
    while os.read(0, 4096):
        pass
    loop.add_callback(loop.stop)
