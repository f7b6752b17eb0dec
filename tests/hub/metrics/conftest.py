"""Pages as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from echodeck.hub.metrics import OPENMETRICS, Metrics

Page = dict[tuple[str, frozenset[tuple[str, str]]], float]


def _read(metrics: Metrics, accept: str = "") -> Page:
    body, kind = metrics.page(accept)
    parse = openmetrics.text_string_to_metric_families if kind.startswith(OPENMETRICS) \
        else text_string_to_metric_families
    found: Page = {}
    for family in parse(body.decode()):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"told twice: {key}"
            found[key] = sample.value
    return found


@pytest.fixture
def read() -> Callable[..., Page]:
    """`read(metrics, accept)`: every sample of the page by name and labels, read by prometheus_client's own parsers."""
    return _read


@pytest.fixture
def value(read: Callable[..., Page]) -> Callable[..., float | None]:
    """`value(metrics, name, **labels)`: one sample, None where it is not told."""
    def find(metrics: Metrics, name: str, **labels: str) -> float | None:
        return read(metrics).get((f"echodeck_{name}", frozenset(labels.items())))

    return find
