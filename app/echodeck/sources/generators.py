"""PURE: which command lines generate pictures. An engine is known by its script's name and the folder it lies in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

SCRIPT = "script"
"""What a Python script is called that is no engine's, but imports echodeck or holds memory of a GPU."""
ENGINES: tuple[tuple[str, frozenset[str], tuple[str, ...]], ...] = (
    # (engine, its scripts, words of which the path has one; without words the script's name is enough)
    ("comfyui", frozenset({"main.py"}), ("comfyui",)),
    ("forge", frozenset({"launch.py", "webui.py"}), ("forge",)),
    ("sdnext", frozenset({"launch.py", "webui.py"}), ("sdnext", "sd.next", "vladmandic", "automatic")),
    ("fooocus", frozenset({"launch.py", "entry_with_update.py", "webui.py"}), ("fooocus",)),
    ("a1111", frozenset({"launch.py"}), ("webui", "stable-diffusion")),
    ("a1111", frozenset({"webui.py"}), ()),
    ("invokeai", frozenset({"invokeai-web", "invokeai-web.exe"}), ()),
    ("swarmui", frozenset({"SwarmUI", "SwarmUI.exe", "SwarmUI.dll"}), ()),
)
WITH_VALUE = frozenset({"-X", "-W", "--check-hash-based-pycs"})
"""Python's options that take the next word with them."""
IMPORT = re.compile(r"^\s*(?:import|from)\s+echodeck\b", re.MULTILINE)


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


def engine_of(command: Sequence[str], folder: str) -> str:
    """The engine that this command line runs, "" for none. `folder` is the process's working directory."""
    for word in (*command[:1], script_of(command), *command[1:2]):
        place = f"{folder}/{word}".lower()
        for engine, scripts, words in ENGINES:
            if _path(word).name in scripts and (not words or any(one in place for one in words)):
                return engine
    return ""


def may_be_engine(command: Sequence[str]) -> bool:
    """Whether it is worth asking for the working directory, which takes a system call more."""
    names = {_path(word).name for word in (*command[:2], script_of(command))}
    return any(names & scripts for _, scripts, _ in ENGINES)


def imports_echodeck(source: str) -> bool:
    """Whether a script's text has an import of echodeck: it tracks its jobs."""
    return IMPORT.search(source) is not None


def _path(word: str) -> PurePath:
    return PurePath(word.replace("\\", "/"))
