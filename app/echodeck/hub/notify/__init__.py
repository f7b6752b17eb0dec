"""Messages out: hears the hub's events, and carries out what `brain.notices` decides about them.

What waits is a record of the store, so it is there again after a restart, together with the number of the last event
that was heard: those that a crash kept from being heard are heard then. A message that was under way is sent again with
the same id. Nothing here holds up the hub's loop: sending is done in threads.
"""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from typing import Any

import msgspec

from ... import wire
from ...brain.notices import channels
from ...brain.notices.line import take
from ...brain.notices.notice import Notice
from ...brain.notices.routes import channels_for, check_rules
from ...brain.watch.table import named
from ...brain.watch.watcher import PREFIXES
from ...errors import ConfigError, IllegalTransition, UnknownName
from ...store import Store
from ...webhook import key_of
from ...wire import say, show
from ...wire.notify import Ways
from ..desk import Desk
from ..hosts import SAME_NAME
from ..ledger import Change
from ..session import Session, Shown
from . import letters, senders
from .news import ENDED, News, of_job
from .post import Post, Send

log = logging.getLogger(__name__)

PART = "notify"
KIND = "notify"
"""The store's records: a channel's line by its name, and under HEARD the last event that was heard."""
HEARD = ":heard"
OWN = ("failed", "worker_lost", "silent", SAME_NAME, "store", "ladder", PART)
"""What the causes of alerts begin with that the hub raises itself."""
UNUSABLE = "cannot be used"
ALERTS = frozenset({"system_alert", "alert_resolved"})
MOST_MISSED = 3000
HEARD_EVERY_S = 60.0
"""How often it is kept how far was heard, when no notice came of it: what is heard again after a crash is no older."""


def read(table: Any, alerts: Any) -> channels.Setup:
    """The settings' table `[notify]`, whose routes may name rules of `[alerts]`. Raises ConfigError naming the key."""
    setup = channels.read(table, os.environ)
    for channel in setup.channels.values():
        if channel.webhook:
            try:
                key_of(channel.secret)
            except ConfigError as error:
                raise ConfigError(f"notify.channels.{channel.name}.{error.message}") from error
    # The prefix "rule" stands before a name, and is none.
    check_rules(setup, {*named(alerts), *PREFIXES, *OWN} - {"rule"})
    return setup


class Notify:
    """Belongs to the hub's loop. Raises ConfigError for settings that cannot be used."""

    def __init__(self, desk: Desk, send: Send | None = None) -> None:
        self._desk = desk
        self._setup = read(desk.settings.notify, desk.settings.alerts)
        now_s = desk.clock()
        self._posts = {name: Post(channel, senders.trouble(channel), send or senders.send, self._setup.zone, now_s)
                       for name, channel in self._setup.channels.items()}
        self._news = News()
        self._seq = self._kept_seq = 0
        self._kept_s = now_s

    # --- hearing ---

    async def restore(self, store: Store) -> None:
        """What waited when the hub ended, and what had not been heard."""
        if not self._posts:
            return
        records = await store.records(KIND)
        for name, post in self._posts.items():
            if name in records:
                post.restore(records[name])
        alerts = list(self._desk.alerts.values())
        self._seq = int(records.get(HEARD, {}).get("seq", self._desk.board.seq))
        missed = [event for event in await store.events(self._seq, MOST_MISSED)
                  if event.type in ALERTS or event.type in ENDED]
        new = {event.key for event in missed if event.type == "system_alert" and event.payload.get("count") == 1}
        self._news.know(alert for alert in alerts if alert.id not in new)
        self._drop_unknown(records)
        for post in self._posts.values():
            post.trouble = post.trouble or await asyncio.to_thread(senders.unusable, post.channel)
        for event in missed:
            kind = show.AlertView if event.type in ALERTS else show.JobView
            self._take(Shown(event.type, msgspec.convert(event.payload, kind), event.at_s, event.kind, event.key,
                            event.seq))
        self._seq = self._desk.board.seq
        self._say_troubles()
        self._show(now_s=self._desk.clock())

    def _drop_unknown(self, records: dict[str, Any]) -> None:
        """What waited for a channel that is no more."""
        change = Change(self._desk.clock())
        change.batch.records.update({(KIND, name): None for name in records if name not in (*self._posts, HEARD)})
        self._desk.ledger.put(change)

    def _say_troubles(self) -> None:
        change = Change(self._desk.clock())
        for name, post in self._posts.items():
            if post.trouble:
                log.warning("%s cannot be used: %s", name, post.trouble)
                self._desk.raise_alert(change, f"notify:{name}", "warning", f"{name} {UNUSABLE}", post.trouble)
            elif (known := self._desk.alerts.get(f"notify:{name}")) is not None and known.title.endswith(UNUSABLE):
                self._desk.resolve_alert(change, known.cause)
        self._desk.ledger.put(change)

    def hear(self, shown: Shown) -> None:
        """Every durable event comes by here, in order; only what somebody may want to be told is looked at."""
        if not self._posts or not (shown.type in ALERTS or shown.type in ENDED):
            return
        try:
            self._take(shown)
        except Exception:
            # What is written is written: a mistake in telling others of it must not keep it from those who watch.
            log.exception("an event could not be heard")

    def _take(self, shown: Shown) -> None:
        self._seq = max(self._seq, shown.seq or 0)
        notice = self._notice(shown)
        if notice is None or not self._desk.parts.on(PART):
            return
        for name, why in channels_for(self._setup, notice).items():
            post = self._posts[name]
            if not post.trouble:
                post.line = take(post.line, notice, why, self._desk.clock())

    def _notice(self, shown: Shown) -> Notice | None:
        if shown.type in ENDED:
            return of_job(shown.type, shown.payload, shown.at_s)
        alert = self._desk.alerts.get(shown.payload.cause)
        hushed = alert is not None and alert.silenced(shown.at_s)
        job_id = shown.payload.job_id
        user = self._desk.queue.get(job_id).user if job_id in self._desk.queue else ""
        return self._news.of_alert(shown.type, shown.payload, user, shown.at_s, hushed=hushed)

    # --- carrying out ---

    def tick(self, change: Change) -> None:
        """What is due leaves; what was decided and how it went is told and kept."""
        for post in self._posts.values():
            if self._desk.parts.on(PART):
                found = post.go_on(change.at_s, self._desk.clock)
                if found.title:
                    self._desk.decide(change, PART, found.title, found.reason, data={"channel": post.channel.name})
            self._settle(post, change)
        self._keep(change)
        self._show(change.at_s)

    def _settle(self, post: Post, change: Change) -> None:
        ended, post.ended = post.ended, []
        name = post.channel.name
        for step in ended:
            if not step.line.error:
                self._desk.resolve_alert(change, f"notify:{name}")
            elif step.title:
                self._desk.decide(change, PART, step.title, step.reason, data={"channel": name})
                self._desk.raise_alert(change, f"notify:{name}", "warning", f"{name} is not told anything",
                                       f"{step.title}: {step.reason}")
            else:
                self._desk.log(change, "warning", PART, f"{name}: {step.line.error}; it is tried again")

    def _keep(self, change: Change, *, last: bool = False) -> None:
        due = last or change.at_s - self._kept_s >= HEARD_EVERY_S
        for name, post in self._posts.items():
            record = post.record()
            if record is not None:
                change.batch.records[KIND, name] = record
                due = True
        if due and self._seq != self._kept_seq:
            change.batch.records[KIND, HEARD] = {"seq": self._seq}
            self._kept_seq, self._kept_s = self._seq, change.at_s

    def _show(self, now_s: float) -> None:
        for name, post in self._posts.items():
            view = post.view(now_s)
            if view != self._desk.board.get("channels", name):
                self._desk.put("notify_channel", "channels", name, view, now_s)

    async def stop(self) -> None:
        """To be called before the ledger ends, so that what waits is written."""
        await asyncio.gather(*(post.stop() for post in self._posts.values()))
        change = Change(self._desk.clock())
        self._keep(change, last=True)
        self._desk.ledger.put(change)

    # --- what people ask ---

    def notify_test(self, session: Session, payload: say.NotifyTest, change: Change) -> dict[str, Any]:
        """Sends a message at once, past routes, rates and quiet hours: a person wants to see whether it arrives."""
        post = self._post(payload.channel)
        name, by = post.channel.name, session.user or "somebody"
        if post.trouble:
            raise IllegalTransition(f"channel: {name} cannot be used: {post.trouble}")
        if post.testing:
            raise IllegalTransition(f"channel: a test of {name} is under way")
        message = letters.trial(f"test_{uuid.uuid4().hex}", name, by, change.at_s)
        post.begin_test(message, by, self._desk.clock, lambda: self._show(self._desk.clock()))
        self._show(change.at_s)
        self._desk.action(change, session, f"tested the channel {name}")
        return {"testId": message.id}

    def _post(self, name: str) -> Post:
        if name not in self._posts:
            raise UnknownName("channel", name, list(self._posts))
        return self._posts[name]

    async def tested(self, name: str) -> dict[str, Any]:
        """The channel's view when its test is over. Raises UnknownName."""
        post = self._post(name)
        await post.tested()
        view: dict[str, Any] = wire.plain(post.view(self._desk.clock()))
        return view

    def ways(self) -> Ways:
        """What REST answers."""
        now_s = self._desk.clock()
        return Ways(on=self._desk.parts.on(PART), channels=[post.view(now_s) for post in self._posts.values()],
                    routes=[letters.route_view(route) for route in self._setup.routes])
