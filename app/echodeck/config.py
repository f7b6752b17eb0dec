"""The settings: defaults < `echodeck.toml` < environment (`ECHODECK_*`) < flags, resolved once into a frozen record."""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints
from urllib.parse import urlsplit

from .errors import ConfigError

LONGEST_NAME, LONGEST_USER = 64, 80
"""Of a machine, as long as a host's name may be on Linux, and of a person."""
TABLES = ("brain", "alerts", "notify", "ladders")
_NONE: Mapping[str, Any] = MappingProxyType({})


def _default_data() -> Path:
    from platformdirs import user_data_path

    return user_data_path("echodeck", appauthor=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Each is a key of `echodeck.toml` and, as ECHODECK_NAME, an environment variable."""

    host: str = "127.0.0.1"
    port: int = 8309
    dash_host: str = "127.0.0.1"
    dash_port: int = 8310
    hub: str = ""
    """The hub's address as agents, dashboards and commands reach it; "" means the one on this machine's `port`."""
    browser_hub: str = ""
    """The hub's address as browsers reach it: "same-origin" behind a proxy that joins both, or a URL; "" finds out."""
    data: Path = field(default_factory=_default_data)
    engine: str = "sketch"
    comfyui: str = ""
    """ComfyUI servers to drive and to watch: URL, or NAME=URL for each of several, separated by commas."""
    a1111: str = ""
    """The same for servers with AUTOMATIC1111's interface; a user name and password go into the URL."""
    models: str = ""
    """Directories with models for the diffusers engine, separated by commas."""
    slots: int = 1
    """Jobs an agent works on at once."""
    name: str = ""
    """What an agent calls its machine; "" means the machine's own name."""
    user: str = ""
    lease_s: float = 10.0
    """How long a job stays with a worker that is not heard from."""
    heartbeat_s: float = 2.0
    period_s: float = 0.0
    """Between two samples of a machine's metrics; 0: 0.2 to 10 s, by whether a job runs there and somebody watches."""
    keep_raw_s: float = 86_400.0
    """How long a machine's figures are kept as they were measured; then in buckets of 10 s, 1 min and 15 min."""
    keep_10s_s: float = 7 * 86_400.0
    keep_1min_s: float = 90 * 86_400.0
    keep_15min_s: float = 730 * 86_400.0
    price_per_kwh: float = 0.0
    """What a kilowatt-hour costs, in `currency`; 0: not known, and no job is shown with a cost."""
    currency: str = ""
    gco2_per_kwh: float = 0.0
    """Grams of CO₂ a kilowatt-hour gives off where the machines stand; 0: not known."""
    max_frame_bytes: int = 1 << 20
    allow_origin: str = ""
    """Further web origins that may use the hub, separated by commas (behind a proxy, say)."""
    allow_host: str = ""
    """Further host names the hub answers to, separated by commas."""
    brain: Mapping[str, Any] = field(default_factory=lambda: _NONE)
    """Tables of `echodeck.toml` that only the part concerned can read and check: what the brain may do, `off` with the
    names of its parts that begin switched off."""
    alerts: Mapping[str, Any] = field(default_factory=lambda: _NONE)
    notify: Mapping[str, Any] = field(default_factory=lambda: _NONE)
    ladders: Mapping[str, Any] = field(default_factory=lambda: _NONE)

    @property
    def hub_url(self) -> str:
        """Where the hub is reached: http(s)://host:port without a trailing slash."""
        if self.hub:
            return self.hub.rstrip("/")
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"

    @property
    def comfyui_servers(self) -> dict[str, str]:
        """Addresses by name. Raises ConfigError."""
        return _servers(self.comfyui, "comfyui")

    @property
    def a1111_servers(self) -> dict[str, str]:
        return _servers(self.a1111, "a1111")

    @property
    def output_dir(self) -> Path:
        return self.data / "outputs"


def load(flags: Mapping[str, Any] | None = None, *, environ: Mapping[str, str] | None = None,
         file: Path | None = None) -> Settings:
    """The settings in force. A flag that is None was not given.

    `file` defaults to `echodeck.toml` in the working directory, if there is one. Raises ConfigError naming the place.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    path = file if file is not None else Path("echodeck.toml")
    if path.exists():
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: {error}") from error
        for name, value in content.items():
            values[name] = _convert(name, value, f"{path}: {name}")
    for item in fields(Settings):
        variable = f"ECHODECK_{item.name.upper()}"
        if variable in environ and item.name not in TABLES:
            values[item.name] = _convert(item.name, environ[variable], variable)
    for name, value in (flags or {}).items():
        if value is not None:
            values[name] = _convert(name, value, f"--{name.replace('_', '-')}")
    return _consistent(Settings(**values))


def _consistent(settings: Settings) -> Settings:
    """Raises ConfigError when settings that are each possible cannot be together."""
    names = ("keep_raw_s", "keep_10s_s", "keep_1min_s", "keep_15min_s")
    for finer, coarser in pairwise(names):
        if getattr(settings, finer) > getattr(settings, coarser):
            raise ConfigError(f"{coarser}: must not be less than {finer}, got {getattr(settings, coarser):g}; what is "
                              "coarser is kept longer")
    return settings


def _without_password(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//…@", url)


def _servers(text: str, kind: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in (part.strip() for part in text.split(",") if part.strip()):
        before, sep, after = part.partition("=")
        name, url = (before.strip(), after.strip()) if sep and "/" not in before else (kind, part)
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good or not re.fullmatch(r"[\w.-]{1,40}", name):
            raise ConfigError(f"--{kind}: expected an address like http://127.0.0.1:8188, or NAME=ADDRESS, "
                              f"got {_without_password(part)!r}")
        if name in found:
            raise ConfigError(f"--{kind}: two servers are called {name!r}; name them: NAME=ADDRESS")
        found[name] = parts.geturl().rstrip("/")
    return found


def _convert(name: str, value: Any, where: str) -> Any:
    hints = get_type_hints(Settings)
    if name not in hints:
        raise ConfigError(f"{where}: unknown setting; there are {', '.join(hints)}")
    kind = hints[name]
    if name in TABLES:
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where}: a table of echodeck.toml ([{name}]), got {value!r}")
        return MappingProxyType(dict(value))
    if isinstance(value, list | tuple) and kind is str and all(isinstance(item, str) for item in value):
        value = ",".join(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float | Path):
        raise ConfigError(f"{where}: expected {kind.__name__}, got {value!r}")
    if kind is int and isinstance(value, float):
        raise ConfigError(f"{where}: expected a whole number, got {value!r}")
    try:
        converted = kind(value)
    except ValueError as error:
        raise ConfigError(f"{where}: expected {kind.__name__}, got {value!r}") from error
    if kind is float and not math.isfinite(converted):
        raise ConfigError(f"{where}: expected a finite number, got {value!r}")
    if name in ("port", "dash_port") and not 0 <= converted <= 65535:
        raise ConfigError(f"{where}: a port is 0 to 65535, got {converted}")
    if name == "period_s" and converted < 0:
        raise ConfigError(f"{where}: must be 0 (adapts) or more, got {converted}")
    if name in ("price_per_kwh", "gco2_per_kwh") and converted < 0:
        raise ConfigError(f"{where}: must be 0 (not known) or more, got {converted:g}")
    if name in ("lease_s", "heartbeat_s", "slots", "max_frame_bytes", "keep_raw_s") and converted <= 0:
        raise ConfigError(f"{where}: must be more than 0, got {converted}")
    if name == "name" and (why := _no_name(converted)):
        raise ConfigError(f"{where}: a machine's name is {why}")
    if name == "user" and len(converted) > LONGEST_USER:
        raise ConfigError(f"{where}: a user's name has {LONGEST_USER} characters at most, got {len(converted)}")
    return converted


def _no_name(name: str) -> str:
    """What is wrong with a machine's name; "" when nothing is, or it is left to the system."""
    if len(name) > LONGEST_NAME:
        return f"{LONGEST_NAME} characters at most, got {len(name)}"
    if name and not name.strip():
        return "not only blanks"
    return "" if "/" not in name and (not name or name.isprintable()) else f"printable, without a slash, got {name!r}"
