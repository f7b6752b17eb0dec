"""The browser's half of the rules that Python has too: the same board, the same rows of a chart."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from typing import Any

import pytest

from echodeck import charts, wire
from echodeck.model.board import Board
from echodeck.model.job import JobState
from echodeck.model.record import Alert, Host, LogLine
from echodeck.view.components import elements, shared
from echodeck.wire import show

from .conftest import FakeHub, a_job, a_view, frame

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def tab(chromium: Any) -> Iterator[Any]:
    """A page that knows the shared names as `lib`."""
    page = chromium.new_page()
    source, names = shared()
    page.evaluate(f"() => {{ window.lib = (() => {{ {source}\nreturn {{ {', '.join(names)} }}; }})(); }}")
    yield page
    page.close()


APPLY = """([table, messages]) => {
  const board = new lib.Board(table);
  messages.forEach((message) => board.apply(message));
  return [board.seq, Object.fromEntries([...board.kinds].map(([kind, records]) => [kind, [...records]]))];
}"""


def stream(seed: int) -> list[dict[str, Any]]:
    """Messages of every kind in some order, two fresh starts among them."""
    chance, hub, seq = random.Random(seed), FakeHub(), 5
    states = list(JobState)
    messages: list[dict[str, Any]] = []

    def whole() -> dict[str, Any]:
        hub.seq = seq
        hub.jobs = {name: a_view(a_job(name)) for name in chance.sample("abcdef", 3)}
        hub.alerts = [Alert(name, name, "info", name, "", 1.0) for name in chance.sample("xyz", 2)]
        return frame("initial_state", hub.state())

    def any_message() -> dict[str, Any]:
        job = a_view(a_job(chance.choice("abcdef"), state=chance.choice(states)))
        return chance.choice([
            lambda: frame("generation_progress", job), lambda: frame("generation_queued", job, seq),
            lambda: frame("generation_removed", job, seq), lambda: frame("queue_update", hub.queue()),
            lambda: frame("host_metrics", Host(chance.choice("mn"), chance.random())),
            lambda: frame("log", show.log_view(LogLine(str(chance.randrange(9)), 1.0, "info", "hub", "said")), seq),
            lambda: frame("system_alert", show.alert_view(Alert(chance.choice("xyz"), "c", "error", "t", "m", 2.0))),
            lambda: frame("user_action", {"user": "Mika"}, seq), lambda: frame("ack", {"id": "1"}),
            lambda: {"type": "constructor", "payload": {"jobId": "a"}}, lambda: {"type": "from a later version"},
            lambda: frame("presence", {"users": [], "watching": chance.randrange(5)}),
        ])()

    for step in range(120):
        seq += chance.randrange(3)
        messages.append(whole() if step in (0, 60) else any_message())
    return messages


@pytest.mark.parametrize("seed", range(5))
def test_the_browsers_board_is_pythons(tab: Any, seed: int) -> None:
    messages = stream(seed)
    board = Board()
    for message in messages:
        wire.apply(board, wire.Message(message["type"], message.get("payload", {}), "", message.get("seq")))
    kinds: dict[str, list[list[Any]]] = {}
    for entry in board.snapshot():
        kinds.setdefault(entry.kind, []).append([entry.key, entry.value])
    seq, found = tab.evaluate(APPLY, [elements.table(), messages])
    assert seq == board.seq
    assert {kind: records for kind, records in found.items() if records} == kinds


def test_a_page_open_for_weeks_keeps_only_the_newest_lines(tab: Any) -> None:
    lines = [frame("log", show.log_view(LogLine(str(n), 1.0, "info", "hub", "said"))) for n in range(2100)]
    _, found = tab.evaluate(APPLY, [elements.table(), lines])
    assert [found["logs"][place][0] for place in (0, -1)] == ["100", "2099"]


def test_rows_of_a_chart_are_pythons(tab: Any) -> None:
    payload = {"at_s": 1_700_000_000.5, "used": 3.0, "all": 12.0, "none": None, "gpus": [{"util": 40.0}],
               "etaAt": "2026-01-05T10:00:00.000Z"}
    fields = [charts.Field("at_s", moment=True), charts.Field("etaAt", moment=True), charts.Field("gpus.0.util"),
              charts.Field("used", 100.0, over="all"), charts.Field("gpus.1.util"), charts.Field("none"),
              charts.Field("", over="used"), charts.Field("used", plus="all"), charts.Field("used", over="nothing"),
              charts.Field("no.such")]
    ours = [charts.value(payload, where) for where in fields]
    plain = [{"path": f.path, "scale": f.scale, "plus": f.plus, "over": f.over, "moment": f.moment} for f in fields]
    theirs = tab.evaluate("([payload, fields]) => fields.map((field) => lib.valueOf(payload, field))", [payload, plain])
    for mine, its in zip(ours, theirs, strict=True):
        assert its == pytest.approx(mine, nan_ok=True)
    assert math.isnan(ours[4])


@pytest.mark.parametrize(("call", "wanted"), [
    ("lib.span(38)", "0:38"), ("lib.span(372)", "6:12"), ("lib.span(3723)", "1:02:03"), ("lib.span(NaN)", "–"),
    ("lib.span(200000)", "2 d 7 h"), ("lib.short(0.64)", "0.6 s"), ("lib.short(37.2)", "37 s"),
    ("lib.short(200)", "3:20"), ("lib.plusMinus(36, 44)", "± 4 s"), ("lib.plusMinus(null, undefined)", ""),
    ("lib.plusMinus(300, 900)", "± 5 min"), ("lib.plusMinus(0, 36000)", "± 5 h"), ("lib.plusMinus(0, 864000)", "± 5 d"),
    ("lib.doubt(40, 36, 44)", "± 4 s"), ("lib.doubt(14, 4, 110)", "up to 1:50"),
    ("lib.percent(99.96)", "99 %"), ("lib.percent(100)", "100 %"),
    ("lib.ofBytes(9.9 * 2 ** 30, 12 * 2 ** 30)", "9.9 / 12 GB"), ("lib.bytes(82 * 2 ** 30)", "82 GB"),
    ("lib.initials('Mika Karlsson')", "MK"), ("lib.initials('jo')", "JO"),
    ("lib.size({width: 64, height: 32, batch: 4, frames: 9})", "64 × 32 × 4 · 9 frames"),
    ("lib.left({status: 'running', eta: 40, etaAt: '1970-01-01T00:00:00.000Z'}, 15000)", 25),
    ("lib.left({status: 'paused', eta: 40, etaAt: '1970-01-01T00:00:00.000Z'}, 15000)", 40),
    ("lib.left({status: 'running', eta: 4, etaAt: '1970-01-01T00:00:00.000Z'}, 15000)", 0),
    ("lib.left({status: 'running', eta: null}, 0)", None),
])
def test_figures_as_people_read_them(tab: Any, call: str, wanted: Any) -> None:
    assert tab.evaluate(call) == wanted


def test_the_wait_doubles_to_thirty_seconds(tab: Any) -> None:
    least = tab.evaluate("[...Array(12).keys()].map((n) => lib.backoffMs(n, () => 1))")
    most = tab.evaluate("[...Array(12).keys()].map((n) => lib.backoffMs(n, () => 0))")
    assert sum(most[:3]) < 3500, "three tries before a hub that was restarted has been back for long"
    assert most[-1] == 30_000
    assert all(low < high for low, high in zip(least, most, strict=True))
    assert all(a <= b for a, b in itertools.pairwise(most))


def test_a_long_row_list_touches_only_what_changed(tab: Any) -> None:
    drawn = tab.evaluate("""() => {
      const box = document.createElement("div");
      document.body.append(box);
      let updates = 0;
      const make = () => Object.assign(document.createElement("p"), { update: () => { updates += 1; } });
      let items = [...Array(400).keys()];
      const draw = (stale) => { updates = 0; lib.rows(box, items, (n) => n, make, stale); return updates; };
      const first = draw(() => true);
      let moves = 0;
      const insert = box.insertBefore.bind(box);
      box.insertBefore = (...where) => { moves += 1; return insert(...where); };
      const second = draw((n) => n === 7);
      items = [items[1], items[0], ...items.slice(2)];
      draw(() => false);
      const moved = moves;
      items = items.slice(1);
      draw(() => false);
      return [first, second, moved, moves - moved, box.children.length];
    }""")
    assert drawn == [400, 1, 1, 0, 399]
