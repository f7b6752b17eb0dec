"""Messages out: what the hub shows of its channels and routes, and what a webhook says."""

from __future__ import annotations

from .show import Show


class TryView(Show):
    """A message that somebody sent to see whether it arrives. `at` is when that was known, null while it is not."""

    id: str
    by: str
    at: str | None = None
    error: str = ""


class ChannelView(Show):
    """A way to people. `address` is masked; `trouble` says why it cannot be used at all.

    `waiting`, `told` and `givenUp` count notices; `error` is of the last try, "" when that one arrived.
    """

    name: str
    service: str
    address: str
    waiting: int = 0
    told: int = 0
    given_up: int = 0
    quiet: bool = False
    sent_at: str | None = None
    error: str = ""
    error_at: str | None = None
    trouble: str = ""
    test: TryView | None = None


class RouteView(Show):
    """What goes to which channels; an empty list in `users` means everybody."""

    name: str
    to: list[str]
    levels: list[str]
    rules: list[str]
    endings: list[str]
    users: list[str]
    resolved: bool


class Ways(Show):
    """The channels and the routes to them. `on`: whether anything is sent."""

    on: bool
    channels: list[ChannelView]
    routes: list[RouteView]


class HookNotice(Show):
    """`kind` is "alert", "resolved", an ending of a job ("completed", "failed", "cancelled"), or "test".
    `message` of a job says how it went: "sdxl, in 7.6 s", "sdxl, after 3.0 s: out of memory"."""

    id: str
    at: str
    kind: str
    level: str
    title: str
    message: str
    cause: str
    user: str
    job_id: str
    host: str


class HookGroup(Show):
    """Notices of one kind and level: `count` of them, of which the latest are in `notices`."""

    kind: str
    level: str
    count: int
    notices: list[HookNotice]


class HookData(Show):
    channel: str
    level: str
    title: str
    text: str
    count: int
    groups: list[HookGroup]


class Hook(Show):
    """The body of a webhook, after the Standard Webhooks specification: signed (see `echodeck.verify_webhook`), and
    sent again with the same `webhook-id` until it is answered with 2xx. `type` is "echodeck.notice" or
    "echodeck.test"."""

    type: str
    timestamp: str
    data: HookData
