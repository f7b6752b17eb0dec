"""Which engines an agent has, and in which lanes: one for each slot of its own, one for each server that it drives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..config import Settings
from ..engines import Engine, find
from ..errors import ConfigError

Lane = Mapping[str, Engine]
NOTHING = "none"
"""As `--engine`: no engine in this process, it only drives servers."""


def lanes(settings: Settings) -> list[Lane]:
    """Raises ConfigError for an engine that there is not, or two of one name."""
    local = [name for name in dict.fromkeys(part.strip() for part in settings.engine.split(",")) if name]
    local = [] if local == [NOTHING] else local
    made: list[Lane] = [{name: _local(name, settings) for name in local} for _ in range(settings.slots) if local]
    taken = set(local)
    for kind, servers in (("comfyui", settings.comfyui_servers), ("a1111", settings.a1111_servers)):
        for name, url in servers.items():
            if name in taken:
                raise ConfigError(f"--{kind}: two engines are called {name!r}; give one another name: NAME=URL")
            taken.add(name)
            cls: Any = find(kind)
            made.append({name: cls(settings.output_dir, name=name, url=url)})
    return made


def spare(lane: Lane, settings: Settings) -> Lane:
    """The lane's engines once more, for a job beside one that is held: those of this process, since a server does one
    job at a time."""
    return {name: _local(name, settings) for name, engine in lane.items() if engine.info().aside}


def _local(name: str, settings: Settings) -> Engine:
    cls: Any = find(name)
    if name == "diffusers":
        made: Engine = cls(settings.output_dir, models=[Path(part) for part in settings.models.split(",") if part])
        return made
    if name in ("comfyui", "a1111"):
        raise ConfigError(f"engine: {name} is a server's: say where it is with --{name} URL")
    made = cls(settings.output_dir)
    return made
