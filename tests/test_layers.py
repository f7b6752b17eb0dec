"""Which layer may import which, and what `import echodeck` and `echodeck --help` may load.

The table is the house's plan; absolute, relative and function-local imports all count. Two rows differ from the first
plan, for a reason each: `store` decodes jobs with msgspec (it validates while it decodes), and `engines` may use numpy,
Pillow and psutil, which the embedded engine draws, saves and measures free memory with.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

APP = Path(__file__).parent.parent / "app"
PACKAGE = APP / "echodeck"

LAYERS: dict[str, tuple[set[str], set[str]]] = {
    # layer: (our layers it may import besides errors and version, third-party packages)
    "errors": (set(), set()),
    "version": (set(), set()),
    "config": (set(), {"platformdirs"}),
    "webhook": (set(), set()),
    "addresses": (set(), {"psutil"}),
    "model": (set(), set()),
    "brain": ({"model"}, {"numpy", "skimage", "scipy"}),
    "wire": ({"model"}, {"msgspec"}),
    "store": ({"model"}, {"msgspec"}),
    "sources": ({"model"}, {"psutil", "pynvml"}),
    "pipelines": (set(), {"numpy", "torch", "diffusers", "platformdirs"}),
    "engines": ({"model", "pipelines"}, {"numpy", "PIL", "psutil", "httpx", "websockets", "torch", "diffusers",
                                       "transformers", "huggingface_hub"}),
    "client": ({"model", "wire"}, {"websockets", "msgspec"}),
    "tracking": ({"model", "wire", "client", "config", "pipelines"}, {"tqdm", "PIL", "numpy"}),
    "hub": ({"model", "wire", "brain", "store", "config", "webhook"},
            {"apprise", "fastapi", "starlette", "uvicorn", "msgspec", "prometheus_client"}),
    "agent": ({"model", "client", "wire", "brain", "sources", "engines", "config"}, {"numpy", "PIL", "cv2"}),
    "charts": ({"model"}, {"bokeh"}),
    "analysis": ({"model", "charts"}, {"pandas", "bokeh", "panel", "PIL"}),
    "view": ({"model", "client", "wire", "charts", "analysis", "config", "addresses"},
             {"panel", "param", "bokeh", "pandas"}),
    "cli": ({"*"}, {"typer", "rich", "click"}),
    "__main__": ({"cli"}, set()),
    "__init__": ({"client", "tracking", "view", "webhook"}, set()),
}
PANEL_ONLY_IN = {"analysis": "report.py"}


def imports(path: Path, source: str | None = None) -> list[tuple[str, int]]:
    """Every module that a file imports anywhere in it, as an absolute dotted name, with its line."""
    package = ("echodeck", *path.relative_to(PACKAGE).parent.parts)
    found = []
    for node in ast.walk(ast.parse(source or path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = [*base, *((node.module or "").split(".") if node.module else [])]
            if module == ["echodeck"]:
                found += [(f"echodeck.{alias.name}", node.lineno) for alias in node.names]
            else:
                found.append((".".join(module), node.lineno))
    return found


INSIDE_COMFYUI = PACKAGE / "engines" / "comfyui" / "extension"
"""Runs in ComfyUI's process, with what is there: none of our imports, and its own modules and aiohttp."""


def layer_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


FILES = sorted(path for path in PACKAGE.rglob("*.py") if not path.is_relative_to(INSIDE_COMFYUI))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_keep_to_the_table(path: Path) -> None:
    layer = layer_of(path)
    assert layer in LAYERS, f"{layer} is no room of the house: add it to the table with its reason"
    ours, theirs = LAYERS[layer]
    wrong = []
    for name, line in imports(path):
        head, *rest = name.split(".")
        if head == "echodeck":
            target = rest[0] if rest else "__init__"
            if target not in {layer, "errors", "version"} | ours and "*" not in ours:
                wrong.append(f"line {line}: {layer} may not import {target}")
        elif head not in sys.stdlib_module_names and head != "__future__":
            if head not in theirs:
                wrong.append(f"line {line}: {layer} may not import {head}")
            elif head == "panel" and layer in PANEL_ONLY_IN and path.name != PANEL_ONLY_IN[layer]:
                wrong.append(f"line {line}: panel only in {PANEL_ONLY_IN[layer]}")
    assert not wrong, "\n".join(wrong)


def test_the_extension_needs_nothing_but_what_comfyui_has() -> None:
    its_own = "echodeck.engines.comfyui.extension"
    allowed = {"aiohttp", "PIL", "comfy", "comfy_execution", "execution", "server"}
    for path in INSIDE_COMFYUI.rglob("*.py"):
        heads = {name.split(".")[0] for name, _ in imports(path) if not name.startswith(its_own)}
        assert heads - sys.stdlib_module_names - {"__future__"} <= allowed


def test_the_check_sees_every_kind_of_import() -> None:
    source = "import numpy.linalg\nfrom ..hub import app\ndef f():\n from echodeck import store\n from . import job"
    names = [name for name, _ in imports(PACKAGE / "model" / "sample.py", source)]
    assert names == ["numpy.linalg", "echodeck.hub", "echodeck.store", "echodeck.model"]


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys; print('\\n'.join(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60,
                          cwd=APP)
    return {name.split(".")[0] for name in done.stdout.split("\n")[-5000:]}


HEAVY = {"panel", "bokeh", "pandas", "fastapi", "param", "numpy", "starlette", "uvicorn", "websockets", "PIL", "psutil"}


def test_import_echodeck_loads_nothing_heavy() -> None:
    loaded = loaded_by("import echodeck")
    assert "echodeck" in loaded
    assert not loaded & (HEAVY | {"typer", "rich", "msgspec", "asyncio", "platformdirs"})


def test_an_agent_that_only_watches_loads_nothing_that_draws() -> None:
    loaded = loaded_by("import echodeck.agent.agent, echodeck.sources; from pathlib import Path\n"
                       "from echodeck.engines import find; find('sketch')(Path('.')).info()")
    assert "psutil" in loaded
    assert not loaded & {"numpy", "PIL"}


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['echodeck', '--help']\n"
        "from echodeck.cli import main\ntry: main()\nexcept SystemExit: pass"
    )
    loaded = loaded_by(code)
    assert "typer" in loaded
    assert not loaded & HEAVY


def test_no_module_is_too_long() -> None:
    long = {}
    for path in [*FILES, *PACKAGE.rglob("*.js")]:
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > 400 and "over 400 lines because" not in "\n".join(lines[:40]):
            long[str(path.relative_to(PACKAGE))] = len(lines)
    assert not long
