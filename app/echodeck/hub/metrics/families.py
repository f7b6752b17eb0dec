"""What one scrape tells, family by family; pure but for the classes of prometheus_client."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, NamedTuple, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

R = TypeVar("R")
PREFIX = "echodeck_"
UNITS = ("seconds", "bytes", "ratio", "celsius", "watts", "joules", "hertz")


class Figure(NamedTuple, Generic[R]):
    """One figure of a record: what it is called (without PREFIX), what it is, and how it is read. None: not known."""

    name: str
    help: str
    read: Callable[[R], float | None]
    counter: bool = False


class Families:
    """Samples by family. Of two with the same labels the first counts: a second would make the page unreadable."""

    def __init__(self) -> None:
        self._families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        self._infos: dict[str, InfoMetricFamily] = {}
        self._seen: set[tuple[str, ...]] = set()

    def add(self, name: str, help_: str, value: float | None, labels: Mapping[str, str] | None = None, *,
            counter: bool = False) -> None:
        """A sample, unless the value is None, no number, or less than nothing counted. The labels of a family are
        always the same."""
        labels = labels or {}
        key = (name, *labels.values())
        if value is None or not math.isfinite(value) or (counter and value < 0) or key in self._seen:
            return
        self._seen.add(key)
        family = self._families.get(name)
        if family is None:
            kind = CounterMetricFamily if counter else GaugeMetricFamily
            unit = next((unit for unit in UNITS if name.endswith(f"_{unit}")), "")
            family = self._families[name] = kind(PREFIX + name, help_, labels=list(labels), unit=unit)
        family.add_metric(list(labels.values()), float(value))

    def figures(self, record: R, figures: Iterable[Figure[R]], labels: Mapping[str, str]) -> None:
        """All that is known of a record."""
        for figure in figures:
            self.add(figure.name, figure.help, figure.read(record), labels, counter=figure.counter)

    def info(self, name: str, help_: str, labels: Mapping[str, str], values: Mapping[str, str]) -> None:
        """Texts that belong to the labels: to be joined to other figures, never counted."""
        key = (name, *labels.values())
        if key in self._seen:
            return
        self._seen.add(key)
        family = self._infos.get(name)
        if family is None:
            family = self._infos[name] = InfoMetricFamily(PREFIX + name, help_, labels=list(labels))
        family.add_metric(list(labels.values()), dict(values))

    def __iter__(self) -> Iterator[Metric]:
        yield from self._infos.values()
        yield from self._families.values()
