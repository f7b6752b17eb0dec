"""Every page of the table, headless, with two sessions."""

from __future__ import annotations

from typing import Any

import pytest
from bokeh.core.json_encoder import serialize_json
from bokeh.document import Document
from panel.io.state import set_curdoc

from echodeck.config import Settings
from echodeck.view import pages, serve
from echodeck.view.components import elements, module, shared, style_elsewhere


def session(path: str, settings: Settings) -> Document:
    doc = Document()
    with set_curdoc(doc):
        made = serve.session(pages.PAGES[path], settings)
        made.server_doc(doc=doc, title=pages.TITLE)
    return doc


def text_of(doc: Document) -> str:
    """The document as a browser is sent it."""
    return serialize_json(doc.to_json(deferred=False))


def names(doc: Document) -> set[str]:
    return {root.class_name for root in doc.roots if hasattr(root, "class_name")}


@pytest.mark.parametrize("path", pages.PAGES, ids=lambda path: path or "root")
def test_two_sessions_share_nothing(path: str) -> None:
    first, second = (session(path, Settings()) for _ in range(2))
    assert names(first) == names(second)
    assert {"Channel", "Generations", "Queue", "Machines", "Engines", "Alerts", "Logs", "SubmitForm", "Decisions",
            "Parts", "Ladders", "Toasts", "Channels"} <= names(first)
    assert not {id(model) for model in first.models} & {id(model) for model in second.models}
    assert len(text_of(first)) > 10_000


def test_a_session_can_end_while_another_lives() -> None:
    first, second = (session("", Settings()) for _ in range(2))
    first.clear()
    assert {"Channel", "Queue"} <= names(second)


@pytest.mark.parametrize(("settings", "wanted"), [
    (Settings(), {"address": "port", "port": 8309}),
    (Settings(port=9000), {"address": "port", "port": 9000}),
    (Settings(host="0.0.0.0", port=9000), {"address": "port", "port": 9000}),
    (Settings(hub="http://localhost:8400"), {"address": "port", "port": 8400}),
    (Settings(hub="https://render-2:8309/"), {"address": "https://render-2:8309"}),
    (Settings(browser_hub="same-origin"), {"address": "same-origin", "prefix": "/"}),
    (Settings(browser_hub="https://deck.example/hub"), {"address": "https://deck.example/hub"}),
])
def test_how_a_browser_finds_the_hub(settings: Settings, wanted: dict[str, Any]) -> None:
    assert pages.address(settings) == wanted


def test_modules_get_every_shared_name() -> None:
    source, defined = shared()
    assert {"Feed", "SocketLink", "h", "span", "plot"} <= set(defined)
    assert len(defined) == len(set(defined)), "two shared files define the same name"
    assert "innerHTML =" not in source
    assert module("queue").startswith("window.echodeckLibrary")


def test_no_component_writes_markup() -> None:
    for name in ("alerts", "answers", "ask", "bell", "channels", "chart", "counts", "decisions", "estimates",
                 "generations", "hostcharts", "ladders", "logs", "machines", "messages", "nav", "news", "parts",
                 "queue", "recent", "sensors", "series", "submit", "toasts", "took", "top"):
        own = module(name)
        assert "innerHTML" not in own
        assert "insertAdjacentHTML" not in own


def test_away_from_our_page_components_bring_the_colours() -> None:
    assert ":root" not in style_elsewhere()
    assert "--running" in elements.channel("notebook").style_text
    assert elements.channel("served").style_text == ""
