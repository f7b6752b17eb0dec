"""Putting the extension into a ComfyUI, and taking it out again. Only a folder that is ours is ever touched."""

from __future__ import annotations

import re
import shutil
import tempfile
from importlib.resources import files as resources
from pathlib import Path

from ...errors import ConfigError

FOLDER = "echodeck"
MARK = ".echodeck"
"""A file in the folder that says that it is ours."""
MARKED = "put here by echodeck; `echodeck comfyui uninstall` takes it out\n"


def files() -> dict[str, str]:
    """The extension: texts by name."""
    folder = resources(__package__).joinpath("extension")
    return {one.name: one.read_text("utf-8") for one in folder.iterdir() if one.name.endswith(".py")}


def version(text: str) -> str:
    """The version that an extension's text states, "" if none."""
    found = re.search(r'^VERSION = "([^"]*)"', text, re.M)
    return found.group(1) if found else ""


def installed(path: Path) -> str | None:
    """The version that is in a ComfyUI; None if it is not there. Raises ConfigError."""
    folder = _nodes(path) / FOLDER
    file = folder / "__init__.py"
    return version(file.read_text("utf-8")) if (folder / MARK).exists() and file.exists() else None


def install(path: Path) -> Path:
    """Puts the extension, or this version of it, into the ComfyUI at `path`; returns its folder. Raises ConfigError."""
    nodes = _nodes(path)
    folder = nodes / FOLDER
    _check_ours(folder)
    try:
        # ComfyUI loads no folder with this suffix, should one of these be left by a kill.
        room = Path(tempfile.mkdtemp(prefix=".echodeck-", suffix=".disabled", dir=nodes))
        try:
            made = room / "new"
            made.mkdir()
            for name, text in {**files(), MARK: MARKED}.items():
                (made / name).write_text(text, encoding="utf-8")
            if folder.exists():
                folder.rename(room / "old")
            made.rename(folder)
        finally:
            shutil.rmtree(room, ignore_errors=True)
    except OSError as error:
        raise ConfigError(f"PATH: {folder} cannot be written: {error.strerror or error}", field="path") from error
    return folder


def uninstall(path: Path) -> Path:
    """Takes the extension out again; returns the folder that is gone. Raises ConfigError."""
    folder = _nodes(path) / FOLDER
    if not folder.exists():
        raise ConfigError(f"PATH: there is no {folder}, so nothing to take out", field="path")
    _check_ours(folder)
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise ConfigError(f"PATH: {folder} cannot be removed: {error.strerror or error}", field="path") from error
    return folder


def _check_ours(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not (folder / MARK).exists()):
        raise ConfigError(f"PATH: {folder} is there already and is not echodeck's; move it away first", field="path")


def _nodes(path: Path) -> Path:
    """The custom_nodes of a ComfyUI: of its root, itself, or of a portable build's folder."""
    path = path.expanduser()
    if path.name == "custom_nodes" and path.is_dir():
        return path
    for root in (path, path / "ComfyUI"):
        if (root / "custom_nodes").is_dir():
            return root / "custom_nodes"
    raise ConfigError(f"PATH: {path} is no ComfyUI: it has no folder custom_nodes; give the folder that has ComfyUI's "
                      "main.py, or its --base-directory", field="path")
