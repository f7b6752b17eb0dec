"""The pages, and the table of them, which is also the site map and what the tests walk through."""

from __future__ import annotations

import base64
import ipaddress
import socket
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import panel as pn

from ..config import Settings
from . import components
from .components import elements

HERE = Path(__file__).parent
TITLE = "echodeck"
SAME_ORIGIN = "same-origin"


class Page(NamedTuple):
    """One page: its title and what makes it for a session."""

    title: str
    make: Callable[[Settings], pn.Template]


def extend() -> None:
    """Load what the pages need of Panel, once a session. That the server is away is said by the channel in our look."""
    pn.extension(reconnect=True, sizing_mode="stretch_width")


def live(settings: Settings) -> pn.Template:
    """The control room: what runs, what comes next, the machines, what the hub decides, alerts and log: one page
    in five views."""
    items = {
        "channel": elements.channel("served", user=settings.user, **address(settings)),
        "nav": elements.Nav(), "top": elements.Top(), "counts": elements.Counts(),
        "generations": elements.Generations(), "queue": elements.Queue(), "recent": elements.Recent(),
        "machines": elements.Machines(), "engines": elements.Engines(), "plots": elements.HostCharts.of(),
        "series": elements.Series.of(),
        "alerts": elements.Alerts(), "logs": elements.Logs(), "submit": elements.SubmitForm(),
        "decisions": elements.Decisions(), "parts": elements.Parts(),
        "ladders": elements.Ladders(),
        "ask": elements.Ask(), "messages": elements.Messages(),
        "channels": elements.Channels(), "toasts": elements.Toasts(),
        "estimates": elements.Estimates(),
    }
    template = pn.Template((HERE / "template.html").read_text(encoding="utf-8"), items=items)
    variables = {"favicon": favicon(), "page_style": page_style(), "component_style": components.style(),
                 "app_favicon": "", "apple_icon": ""}
    for name, value in variables.items():
        template.add_variable(name, value)
    template.title = TITLE
    return template


PAGES: dict[str, Page] = {"": Page("Now", live)}
"""Each page by its path."""


def address(settings: Settings) -> dict[str, Any]:
    """How a browser finds the hub. A hub on this machine is on the page's own host, whatever name that was reached by;
    behind a proxy that gives both one origin, `browser_hub` is "same-origin"; another one has its own address."""
    if settings.browser_hub == SAME_ORIGIN:
        return {"address": SAME_ORIGIN, "prefix": "/"}
    url = urlsplit(settings.browser_hub or settings.hub_url)
    if not settings.browser_hub and _here(url.hostname or ""):
        return {"address": "port", "port": url.port or (443 if url.scheme == "https" else 80)}
    return {"address": settings.browser_hub or settings.hub_url}


def _here(host: str) -> bool:
    if host.lower() in ("localhost", socket.gethostname().lower()):
        return True
    try:
        found = ipaddress.ip_address(host)
    except ValueError:  # a name, of some other machine
        return False
    return found.is_loopback or found.is_unspecified


@cache
def page_style() -> str:
    return components.tokens() + (HERE / "page.css").read_text(encoding="utf-8")


@cache
def favicon() -> str:
    """The logo as a data URL."""
    return "data:image/svg+xml;base64," + base64.b64encode((HERE / "logo.svg").read_bytes()).decode()
