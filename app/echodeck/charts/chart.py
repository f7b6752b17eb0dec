"""What a chart is: a Bokeh figure, its sources, and the table that says which record's fields feed which columns.

The table is read twice: by the browser, where a message's payload becomes a row of an embedded figure, and by
`feed` here, for a notebook without our components, and for tests. Both follow the same rules:

- a field is `(payload[path] + payload[plus]) * scale / payload[over]`; a path is dotted, a number in it a list's index;
- a field that is a `moment` (ISO 8601 text, or seconds since 1970) becomes milliseconds on the reader's own clock, its
  offset from UTC added: Bokeh's time axes show UTC and know no zones;
- what is missing, not a number, or divided by nothing, is NaN: a gap in the line;
- a row whose `x` is missing or below `least` is dropped, and so is one whose `x` is not after the last one's (a message
  may come twice); but a fall of more than `restart` starts the source anew: another attempt, or a clock set back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from bokeh.embed import json_item
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure as Figure  # noqa: N812 (a class with a function's name)

MISSING = math.nan


@dataclass(frozen=True, slots=True)
class Field:
    """Where a column's value is found in a payload. "" as `path` is the number 1; "" as `plus` or `over` is none."""

    path: str
    scale: float = 1.0
    plus: str = ""
    over: str = ""
    moment: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """Which record (`kind` and `key` of the board) feeds the source `source`, column by column.

    `columns` always has the column that orders the rows, named in `x`. At most `rollover` rows are kept.
    """

    kind: str
    key: str
    source: str
    columns: Mapping[str, Field]
    x: str = "time"
    rollover: int = 600
    restart: float | None = None
    least: float | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure with its sources by name. `title` is for the page around it: the figure itself has none.

    In the embedded document each source has the Bokeh name that its bindings call it by.
    """

    name: str
    title: str
    figure: Figure
    sources: Mapping[str, ColumnDataSource]
    bindings: tuple[Binding, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    """What the colours are where there are several: label -> colour. The figure has no legend; whoever shows it has."""


def source(name: str, columns: Mapping[str, Any]) -> ColumnDataSource:
    """A source under the name that bindings use."""
    return ColumnDataSource(data={column: list(values) for column, values in columns.items()}, name=name)


def value(payload: Any, where: Field) -> float:
    """One column's value out of a payload, by the rules above."""
    if where.moment:
        return _moment(_find(payload, where.path))
    number = 1.0 if not where.path else _number(_find(payload, where.path))
    if where.plus:
        number += _number(_find(payload, where.plus))
    number *= where.scale
    if where.over:
        over = _number(_find(payload, where.over))
        number = number / over if over else MISSING
    return number if math.isfinite(number) else MISSING


def feed(chart: Chart, kind: str, key: str, payload: Mapping[str, Any]) -> int:
    """Stream a record's payload into the sources bound to it; returns how many rows were added.

    `payload` is the record as plain JSON values, as it comes over the wire.
    """
    added = 0
    for binding in chart.bindings:
        if (binding.kind, binding.key) != (kind, key):
            continue
        row = {column: value(payload, where) for column, where in binding.columns.items()}
        target = chart.sources[binding.source]
        if math.isnan(row[binding.x]) or (binding.least is not None and row[binding.x] < binding.least):
            continue
        seen = target.data[binding.x]
        last = seen[-1] if len(seen) else -math.inf
        if binding.restart is not None and last - row[binding.x] > binding.restart:
            target.data = {column: [number] for column, number in row.items()}
        elif row[binding.x] > last:
            target.stream({column: [number] for column, number in row.items()}, binding.rollover)
        else:
            continue
        added += 1
    return added


def to_json(chart: Chart) -> dict[str, Any]:
    """A chart as plain JSON for the embedding component: `item` (for `Bokeh.embed.embed_item`) and `bindings`."""
    return {
        "name": chart.name,
        "title": chart.title,
        "item": json_item(chart.figure),
        "bindings": [asdict(binding) for binding in chart.bindings],
        "notes": dict(chart.notes),
    }


def _find(payload: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(payload, Mapping):
            payload = payload.get(part)
        elif isinstance(payload, list | tuple) and part.isdigit() and int(part) < len(payload):
            payload = payload[int(part)]
        else:
            return None
    return payload


def _number(found: Any) -> float:
    return float(found) if isinstance(found, int | float) else MISSING


def _moment(found: Any) -> float:
    try:
        at = datetime.fromisoformat(found) if isinstance(found, str) else datetime.fromtimestamp(float(found), UTC)
    except (TypeError, ValueError, OverflowError, OSError):  # not a moment, or one beyond the calendar
        return MISSING
    return at.astimezone().replace(tzinfo=UTC).timestamp() * 1000
