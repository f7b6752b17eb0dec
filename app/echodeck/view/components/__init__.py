"""The components: small Panel elements drawn in the browser, whose live values come over the page's feed.

Each has its JavaScript beside this file, in one file or several. What they share (the feed, the links, helpers) is
sent once, with the `Channel`, and handed to the others as names, so the same elements work on a page, in a notebook and
in a report that has no network. A component finds its feed by name; it draws nothing until a `Channel` of its page has
arrived.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
SHARED = (HERE.parent / "feed.js", HERE.parent / "link.js",
          *(HERE / f"{name}.js" for name in ("dom", "commands", "format", "places", "spark", "plot")))
STYLE = HERE.parent / "style.css"
TOKENS = HERE.parent / "tokens.css"

_TOP_LEVEL = re.compile(r"^(?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)
_WAIT = """\
window.echodeckLibrary ??= (() => {
  let arrive;
  const promise = new Promise((resolve) => { arrive = resolve; });
  promise.arrive = arrive;
  return promise;
})();
"""


@cache
def style() -> str:
    """The style of all components, as CSS; the colours come from the page around."""
    return STYLE.read_text(encoding="utf-8")


@cache
def tokens() -> str:
    """The colours and measures, as variables on a page's root."""
    return TOKENS.read_text(encoding="utf-8")


def style_elsewhere() -> str:
    """The style for a place that is not our page: each component brings the colours itself."""
    return tokens().replace(":root", ":host") + style()


@cache
def shared() -> tuple[str, tuple[str, ...]]:
    """The shared JavaScript and the names it defines."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in SHARED)
    return source, tuple(_TOP_LEVEL.findall(source))


def module(*names: str) -> str:
    """The ES module of a component: the files that only it has, the last of which draws it, run when the shared names
    have arrived."""
    own = "\n".join((HERE / f"{name}.js").read_text(encoding="utf-8") for name in names)
    own = own.replace("export function", "function")
    given = ", ".join(shared()[1])
    return (f"{_WAIT}const make = ({{ {given} }}) => {{\n{own}\nreturn render;\n}};\n"
            "export function render(props) { window.echodeckLibrary.then((lib) => make(lib)(props)); }\n")


def carrier(name: str) -> str:
    """The ES module of the component that brings the shared code."""
    source, names = shared()
    own = (HERE / f"{name}.js").read_text(encoding="utf-8").replace("export function render", "function draw")
    return (f"{source}\n{_WAIT}window.echodeckLibrary.arrive({{ {', '.join(names)} }});\n{own}\n"
            "export function render(props) { draw(props); }\n")
