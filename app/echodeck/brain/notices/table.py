"""A table of the settings, read key by key, so that each complaint names the key and never shows a value."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import ConfigError

ENVIRONMENT = "env:"
"""A text that begins so names the variable of the environment that it is in."""


class Table:
    """`path` is where it lies ("notify.channels.phone"). Raises ConfigError, at once for a key that is not known."""

    def __init__(self, given: Mapping[str, Any], path: str, environ: Mapping[str, str], known: tuple[str, ...]) -> None:
        self._given, self._path, self._environ = given, path, environ
        for key in given:
            if key not in known:
                raise ConfigError(f"{self.where(key)}: unknown; there are {', '.join(known)}")

    def where(self, key: str) -> str:
        return f"{self._path}.{key}" if key else self._path

    def wrong(self, key: str, mend: str) -> ConfigError:
        return ConfigError(f"{self.where(key)}: {mend}")

    def given(self, key: str) -> Any:
        return self._given.get(key)

    def table(self, key: str, known: tuple[str, ...]) -> Table | None:
        value = self._given.get(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self.wrong(key, "expected a table")
        return Table(value, self.where(key), self._environ, known)

    def tables(self, key: str, known: tuple[str, ...]) -> Iterator[tuple[str, Table]]:
        """Each table by its name, which has letters, digits, "-" and "_"."""
        value = self._given.get(key, {})
        if not isinstance(value, Mapping):
            raise self.wrong(key, "expected tables with names")
        for name, part in value.items():
            if not re.fullmatch(r"[\w-]{1,40}", name):
                raise self.wrong(key, "a name has at most 40 letters, digits, \"-\" and \"_\"")
            if not isinstance(part, Mapping):
                raise self.wrong(f"{key}.{name}", "expected a table")
            yield name, Table(part, self.where(f"{key}.{name}"), self._environ, known)

    def text(self, key: str) -> str:
        """"" when it is not given."""
        value = self._given.get(key, "")
        if not isinstance(value, str):
            raise self.wrong(key, "expected text")
        if not value.startswith(ENVIRONMENT):
            return value.strip()
        name = value.removeprefix(ENVIRONMENT)
        if not self._environ.get(name):
            raise self.wrong(key, f"is to be in the environment as {name}, which is not set")
        return self._environ[name].strip()

    def words(self, key: str, known: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A list of texts, each one of `known` if that is given."""
        value = self._given.get(key, [])
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) and one for one in value):
            raise self.wrong(key, "expected a list of texts")
        for one in value:
            if known is not None and one not in known:
                raise self.wrong(key, f"{one!r} is none of {', '.join(known)}" if known else "there is none yet")
        return tuple(dict.fromkeys(value))

    def flag(self, key: str, default: bool) -> bool:
        value = self._given.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "expected true or false")
        return value

    def number(self, key: str, default: float, *, at_least: float) -> float:
        value = self._given.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) \
                or value < at_least:
            raise self.wrong(key, f"expected a number, {at_least:g} or more")
        return float(value)

    def whole(self, key: str, default: int, *, at_least: int) -> int:
        value = self._given.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
            raise self.wrong(key, f"expected a whole number, {at_least} or more")
        return value
