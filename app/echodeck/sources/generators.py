"""PURE: which command lines generate pictures. An engine is known by its script's name and by the folder that it lies
in: by what else is in there, where that can be seen, otherwise by how it is called."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

SCRIPT = "script"
"""What a Python script is called that is no engine's, but imports echodeck or holds memory of a GPU."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`marks`: files and folders of which its folder has one. `called`: what its folder's name is like."""

    engine: str
    scripts: frozenset[str]
    marks: tuple[str, ...]
    called: re.Pattern[str]


def _kind(engine: str, scripts: str, marks: str, called: str) -> Kind:
    return Kind(engine, frozenset(scripts.split()), tuple(marks.split()), re.compile(called, re.IGNORECASE))


KINDS = (  # what was made of another comes before it: it has the other's marks too
    _kind("comfyui", "main.py", "comfyui_version.py comfy_execution comfy/samplers.py", r"comfy"),
    _kind("forge", "launch.py webui.py", "modules_forge", r"forge"),
    _kind("fooocus", "launch.py entry_with_update.py webui.py", "fooocus_version.py", r"fooocus"),
    _kind("sdnext", "launch.py webui.py", "installer.py",
          r"sd\.?next|vladmandic|^automatic(-master|-dev)?$"),
    _kind("a1111", "launch.py webui.py", "modules/launch_utils.py modules/sd_models.py",
          r"stable-?_?diffusion|automatic1111|a1111|^sd[-_.]?webui"),
)
PROGRAMS = {"invokeai-web": "invokeai", "SwarmUI": "swarmui", "SwarmUI.dll": "swarmui", "comfy launch": "comfyui"}
MODULES = {"invokeai": "invokeai"}
"""Packages that are started with `python -m`."""
RUNNERS = {"uv": "run", "poetry": "run", "pdm": "run", "conda": "run", "accelerate": "launch"}
"""Programs that start a script when given this verb."""
WITH_VALUE = frozenset({"-X", "-W", "--check-hash-based-pycs"})
"""Python's options that take the next word with them."""
IMPORT = re.compile(r"^\s*(?:import|from)\s+echodeck\b", re.MULTILINE)
Has = Callable[[str, str], bool]
"""Whether a folder has such a file or folder; no where that cannot be seen."""


def is_python(command: Sequence[str]) -> bool:
    return bool(command) and _path(command[0]).name.lower().startswith(("python", "pypy"))


def script_of(command: Sequence[str]) -> str:
    """The script that Python was started with, "" for a module, a `-c` or another program."""
    words = iter(command[1:] if is_python(command) else ())
    for word in words:
        if word in WITH_VALUE:
            next(words, None)
        elif word.startswith(("-m", "-c")) or word == "-":
            return ""
        elif not word.startswith("-"):
            return word
    return ""


def module_of(command: Sequence[str]) -> str:
    """The package that Python was told to run with `-m`, "" for none."""
    words = iter(command[1:] if is_python(command) else ())
    for word in words:
        if word in WITH_VALUE:
            next(words, None)
        elif word.startswith("-m"):
            return (word[2:] or next(words, "")).partition(".")[0]
        elif not word.startswith("-"):
            return ""
    return ""


def engine_of(command: Sequence[str], folder: str, has: Has = lambda folder, name: False) -> str:
    """The engine that this command line runs, "" for none. `folder` is the process's working directory."""
    if module := module_of(command):
        return MODULES.get(module, "")
    for word in _started(command):
        place = _path(folder) / _path(word)
        if engine := PROGRAMS.get(_name(word)) or _by_marks(place, has) or _by_name(place):
            return engine
    return ""


def may_be_engine(command: Sequence[str]) -> bool:
    """Whether it is worth asking for the working directory, which takes a system call more."""
    names = {_name(word) for word in _started(command)}
    known = names & PROGRAMS.keys() or any(names & kind.scripts for kind in KINDS)
    return bool(known) or module_of(command) in MODULES


def imports_echodeck(source: str) -> bool:
    """Whether a script's text has an import of echodeck: it tracks its jobs."""
    return IMPORT.search(source) is not None


def _started(command: Sequence[str]) -> list[str]:
    """The words of a command line that may be what it runs."""
    if not command:
        return []
    script = script_of(command)
    place = command.index(script) if script else 0
    program, rest = _name(command[place]), command[place + 1:]
    found = [command[place]]
    if program == "dotnet":
        found += rest[:1]
    elif rest and rest[0] == RUNNERS.get(program):
        found += [word for word in rest if word.endswith(".py")][:1]
    if rest and f"{program} {rest[0]}" in PROGRAMS:
        found.append(f"{program} {rest[0]}")
    return found


def _by_marks(place: PurePath, has: Has) -> str:
    return next((kind.engine for kind in KINDS if place.name in kind.scripts
                 and any(has(str(place.parent), mark) for mark in kind.marks)), "")


def _by_name(place: PurePath) -> str:
    """By the script's own folder; the one around it tells of a folder that is called just "webui"."""
    folders = [one.name for one in place.parents][:2 if place.parent.name.lower() == "webui" else 1]
    names = [(kind, name) for name in folders for kind in KINDS if place.name in kind.scripts]
    return next((kind.engine for kind, name in names if kind.called.search(name)), "")


def _name(word: str) -> str:
    return _path(word).name.removesuffix(".exe")


def _path(word: str) -> PurePath:
    return PurePath(word.replace("\\", "/"))
