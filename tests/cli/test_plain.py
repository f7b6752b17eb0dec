"""What others write cannot drive somebody's terminal."""

from __future__ import annotations

import json
from typing import Any

from echodeck.cli.plain import as_line, plain
from echodeck.cli.printer import Printer

from_above = "\x1b]0;mine\x07\x9b2J\x7f\u202e\r\n\ud800"
FAMILY = "👩\u200d👩\u200d👧"


def test_only_what_can_be_seen_is_left() -> None:
    assert plain(f"héllo {FAMILY} 画 [b]") == f"héllo {FAMILY} 画 [b]"
    made = plain(from_above)
    assert made.isprintable()
    assert made == "\ufffd]0;mine\ufffd\ufffd2J\ufffd\ufffd  \ufffd"


def test_json_says_the_same_without_it() -> None:
    value = {"title": from_above + FAMILY + "\U000e0001", "n": [1, None]}
    line = as_line(value)
    assert line.replace("\u200d", "").isprintable()
    assert json.loads(line) == value
    assert FAMILY in line


def test_commands_print_titles_plainly(run: Any, hub: Any, say: Any) -> None:
    job = {"jobId": "a\x1b[1m", "id": "a", "title": "t\x1b[2J\x9b", "status": "failed", "request": "",
           "progress": 0.0, "stage": "s\x1b", "currentStep": 0, "totalSteps": 0, "eta": None, "etaAt": None,
           "model": "m", "resolution": "", "priority": 0, "user": "ann\x1b]0;x\x07", "position": None,
           "expectedStart": None, "error": "e\x1b", "finishedAt": None}
    state = say.initial(1, [job])
    alert = {"id": "1", "level": "error", "title": "x\x1b", "message": "y\nz", "resolvedAt": None}
    state["payload"]["alerts"] = [alert]
    hub.greeting = [state]
    for arguments in (("queue", "--all"), ("queue", "--all", "--json"), ("watch", "a"), ("watch", "a", "--json"),
                      ("status",)):
        done = run(*arguments, "--hub", hub.url)
        assert done.out
        assert all(line.isprintable() for line in (done.out + done.err).split("\n")), arguments


def test_the_supervisor_passes_lines_on_plainly(capsys: Any) -> None:
    Printer().line("hub", "a\x1b[2Jb")
    assert capsys.readouterr().out == "hub   │ a\ufffd[2Jb\n"
