"""What waits at one channel, as a state machine: notices in, at most one message in hand, and what became of it.

    waiting groups ──(ripe, a token, not quiet)──▶ in hand ──sent──▶ gone
          ▲                                        │   │
          └──────────(quiet hours begin)───────────┘   └─failed─▶ in hand again, later; at last given up

One message at a time: while a channel is down all else gathers behind it, grouped and counted, so a line stays small
however long that lasts. Every try takes a token, so that nobody is called more often than the rate allows.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from .channels import Channel
from .notice import RANK, Notice

MOST_WHOLE = 10
"""Notices of a group that are kept whole, the latest; the others are counted."""
MOST_GROUPS = 50
"""Beyond that, what comes joins one group of its level, whatever its kind."""
RETRY_FIRST_S, RETRY_FACTOR, RETRY_LAST_S = 10.0, 3.0, 3600.0


@dataclass(frozen=True, slots=True)
class Group:
    """Notices of one kind and level that wait together, `count` in all. `why` the first of them came this way; `held`:
    by quiet hours."""

    kind: str
    level: str
    first_s: float
    count: int
    notices: tuple[Notice, ...]
    held: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What leaves at once; several groups are a digest. `id` stays the same however often it is tried."""

    id: str
    groups: tuple[Group, ...]
    tried: int = 0
    due_s: float = 0.0

    @property
    def count(self) -> int:
        return sum(group.count for group in self.groups)

    @property
    def level(self) -> str:
        """The most serious there is in it."""
        return max((group.level for group in self.groups), key=RANK.__getitem__)


@dataclass(frozen=True, slots=True)
class Line:
    """A channel's state, kept over restarts. `told` and `given_up` count notices, `number` messages."""

    tokens: float
    filled_s: float
    waiting: tuple[Group, ...] = ()
    hand: Message | None = None
    limited: bool = False
    number: int = 0
    told: int = 0
    given_up: int = 0
    sent_s: float | None = None
    error: str = ""
    error_s: float | None = None

    @property
    def count(self) -> int:
        """Notices that wait, those in hand included."""
        return sum(group.count for group in self.waiting) + (self.hand.count if self.hand else 0)


class Step(NamedTuple):
    """The line after it, the message to send now, and what was decided with its reason ("" if nothing new was)."""

    line: Line
    send: Message | None = None
    title: str = ""
    reason: str = ""


def empty(channel: Channel, now_s: float) -> Line:
    return Line(float(channel.burst), now_s)


def take(line: Line, notice: Notice, why: str, now_s: float) -> Line:
    """One more notice, in the group of its kind."""
    new = Group(notice.group, notice.shown_level, now_s, 1, (notice,), why=why)
    return replace(line, waiting=_joined(line.waiting, (new,)))


def _joined(waiting: tuple[Group, ...], more: Iterable[Group]) -> tuple[Group, ...]:
    groups = {(group.kind, group.level): group for group in waiting}
    for new in more:
        key = new.kind, new.level
        if key not in groups and len(groups) >= MOST_GROUPS:
            key = "other", new.level
        known = groups.get(key)
        groups[key] = replace(new, kind=key[0]) if known is None else Group(
            known.kind, known.level, min(known.first_s, new.first_s), known.count + new.count,
            (*known.notices, *new.notices)[-MOST_WHOLE:], known.held or new.held, known.why)
    return tuple(groups.values())


def step(line: Line, channel: Channel, now_s: float) -> Step:
    """What is to be done now; to be asked while no message is under way."""
    if line.hand is None and not line.waiting:
        return Step(line)
    before, line = line, _hushed(_filled(line, channel, now_s), channel, now_s)
    title = reason = ""
    if _held(line) and not _held(before):
        title, reason = f"Held back from {channel.name}", "it is quiet hours there; all will be one message after them"
    ripe = _ripe(line, channel, now_s)
    due = ripe if line.hand is None else line.hand.due_s <= now_s
    if not due:
        return Step(line, None, title, reason)
    if line.tokens < 1.0:
        return _limited(line, channel, title, reason)
    hand = line.hand
    if hand is None:
        line, hand, why = _chosen(line, channel, ripe)
        if hand.count > 1:  # a notice that simply leaves is no decision worth a word
            title, reason = f"Tells {channel.name} of {_notices(hand.count)}", why
    hand = replace(hand, tried=hand.tried + 1)
    return Step(replace(line, hand=hand, tokens=line.tokens - 1.0, limited=False), hand, title, reason)


def _filled(line: Line, channel: Channel, now_s: float) -> Line:
    """The bucket, filled for the time gone by; a clock that was set back fills nothing."""
    more = max(0.0, now_s - line.filled_s) * channel.most_per_hour / 3600.0
    return replace(line, tokens=min(float(channel.burst), line.tokens + more), filled_s=now_s)


def _hushed(line: Line, channel: Channel, now_s: float) -> Line:
    """What quiet hours hold back is marked; a message that waits for its next try goes back to the groups."""
    quiet = channel.quiet
    if quiet is None or not quiet.on(now_s):
        return line
    if line.hand is not None and quiet.holds(line.hand.level, now_s):
        line = replace(line, hand=None, waiting=_joined(line.hand.groups, line.waiting))
    return replace(line, waiting=tuple(
        replace(group, held=True) if quiet.holds(group.level, now_s) else group for group in line.waiting))


def _held(line: Line) -> int:
    return sum(group.count for group in line.waiting if group.held)


def _ripe(line: Line, channel: Channel, now_s: float) -> tuple[Group, ...]:
    """The groups that may go now: all that were held, once it is not quiet any more; else those old enough."""
    quiet = channel.quiet
    free = [group for group in line.waiting if quiet is None or not quiet.holds(group.level, now_s)]
    held = tuple(group for group in free if group.held)
    return held or tuple(group for group in free if now_s - group.first_s >= channel.group_s)


def _limited(line: Line, channel: Channel, title: str, reason: str) -> Step:
    if line.limited:
        return Step(line, None, title, reason)
    return Step(replace(line, limited=True), None, f"{channel.name} has to wait",
                f"it gets at most {channel.burst} messages at once and {channel.most_per_hour:g} an hour; "
                "what waits will be one message")


def _chosen(line: Line, channel: Channel, ripe: tuple[Group, ...]) -> tuple[Line, Message, str]:
    """The next message: the oldest group, or all in one when they were held or the tokens would not do. And why."""
    held = any(group.held for group in ripe)
    groups = ripe if held or len(ripe) > int(line.tokens) else ripe[:1]
    chosen = {(group.kind, group.level) for group in groups}
    rest = tuple(group for group in line.waiting if (group.kind, group.level) not in chosen)
    number = line.number + 1
    seed = f"{channel.name}:{number}:{groups[0].notices[-1].id}:{line.filled_s}"
    hand = Message(f"msg_{uuid.uuid5(uuid.NAMESPACE_OID, seed).hex}", groups)
    return replace(line, waiting=rest, number=number), hand, _why(hand, channel, held=held)


def _why(message: Message, channel: Channel, *, held: bool) -> str:
    first = message.groups[0]
    parts = [first.why or "somebody asked for it"]
    if held:
        parts.append("it was held back over quiet hours, so it is one message")
    elif len(message.groups) > 1:
        parts.append(f"the rate ({channel.most_per_hour:g} an hour) asks for one message instead of "
                     f"{len(message.groups)}")
    elif first.count > 1:
        parts.append(f"{first.count} of a kind had come together")
    return "; ".join(parts)


def sent(line: Line, now_s: float) -> Line:
    """The message in hand has arrived."""
    count = line.hand.count if line.hand else 0
    return replace(line, hand=None, told=line.told + count, sent_s=now_s, error="")


def tested(line: Line, now_s: float) -> Line:
    """A test has arrived, beside what waits or is in hand."""
    return replace(line, sent_s=now_s, error="")


def failed(line: Line, channel: Channel, error: str, now_s: float, *, final: bool = False,
           after_s: float = 0.0) -> Step:
    """It has not arrived. `final`: trying again cannot help; `after_s`: the receiver asked to wait so long."""
    hand = line.hand
    line = replace(line, error=error, error_s=now_s)
    if hand is None:
        return Step(line)
    if not final and hand.tried < channel.tries:
        due_s = now_s + max(pause_s(hand.id, hand.tried), min(after_s, RETRY_LAST_S))
        return Step(replace(line, hand=replace(hand, due_s=due_s)))
    why = "trying again cannot help" if final else f"it was tried {hand.tried} times"
    return Step(replace(line, hand=None, given_up=line.given_up + hand.count), None,
                f"Gave up telling {channel.name} {_notices(hand.count)}", f"{error}; {why}")


def pause_s(id_: str, tried: int) -> float:
    """Before the next try: longer each time, and by up to a fifth more, so that not all come back at once."""
    plain = min(RETRY_LAST_S, RETRY_FIRST_S * RETRY_FACTOR ** min(tried - 1, 20))
    return plain * (1.0 + 0.2 * (zlib.crc32(f"{id_}:{tried}".encode()) % 1000) / 1000.0)


def _notices(count: int) -> str:
    return "1 notice" if count == 1 else f"{count} notices"
