"""Which channels a notice goes to."""

from __future__ import annotations

from typing import Any

import pytest

from echodeck.brain.notices.channels import Channel, Route, Setup
from echodeck.brain.notices.notice import Notice
from echodeck.brain.notices.routes import channels_for, reason

ALERT = {"id": "a", "at_s": 0.0, "kind": "alert", "level": "error", "title": "Hot", "cause": "gpu_hot:studio:0"}
ENDED = {"id": "b", "at_s": 0.0, "kind": "completed", "level": "success", "title": "Hills", "user": "anna"}


def way(notice: dict[str, Any], **route: Any) -> str:
    sets = {key: frozenset(value) if isinstance(value, list) else value for key, value in route.items()}
    return reason(Route("r", ("phone",), **sets), Notice(**notice))


@pytest.mark.parametrize(("notice", "route", "why"), [
    (ALERT, {"levels": ["error"]}, "alerts of the level error"),
    (ALERT, {"levels": ["warning"]}, ""),
    (ALERT, {"rules": ["gpu_hot"]}, "alerts of gpu_hot"),
    (ALERT, {"rules": ["gpu_hot:studio:*"]}, "alerts of gpu_hot"),
    (ALERT, {"rules": ["gpu"]}, ""),
    ({**ALERT, "cause": "rule:gpu_hot:studio:0"}, {"rules": ["gpu_hot"]}, "alerts of gpu_hot"),
    (ALERT, {"rules": ["gpu_hot"], "levels": ["warning"]}, ""),
    (ALERT, {"endings": ["failed"]}, ""),
    (ALERT, {"levels": ["error"], "users": ["anna"]}, ""),
    ({**ALERT, "user": "anna"}, {"levels": ["error"], "users": ["anna"]}, "alerts of the level error of anna"),
    ({**ALERT, "kind": "resolved"}, {"levels": ["error"]}, "alerts of the level error"),
    ({**ALERT, "kind": "resolved"}, {"levels": ["error"], "resolved": False}, ""),
    (ENDED, {"endings": ["completed"]}, "completed jobs"),
    (ENDED, {"endings": ["failed"]}, ""),
    (ENDED, {"levels": ["success"]}, ""),
    (ENDED, {"endings": ["completed"], "users": ["ben", "anna"]}, "completed jobs of anna"),
    (ENDED, {"endings": ["completed"], "users": ["ben"]}, ""),
    ({**ENDED, "kind": "failed", "level": "error"}, {"levels": ["error"]}, "alerts of the level error"),
    ({**ENDED, "kind": "failed", "level": "error"}, {"endings": ["failed"], "levels": ["warning"]}, "failed jobs"),
])
def test_a_route(notice: dict[str, Any], route: dict[str, Any], why: str) -> None:
    assert way(notice, **route) == (f"the route r is for {why}" if why else "")


def test_each_channel_once_and_never_of_its_own_failure() -> None:
    channels = {name: Channel(name, "a://b") for name in ("phone", "mail")}
    everything = frozenset({"error"})
    setup = Setup(channels, (Route("one", ("phone",), everything), Route("two", ("phone", "mail"), everything)))
    found = channels_for(setup, Notice(**ALERT))
    assert list(found) == ["phone", "mail"]
    assert found["phone"].startswith("the route one")
    broken = Notice("x", 0.0, "alert", "error", "phone cannot be reached", cause="notify:phone")
    assert list(channels_for(setup, broken)) == ["mail"]
