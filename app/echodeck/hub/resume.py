"""What somebody missed who saw the log up to some event: the same answer for a WebSocket and for REST."""

from __future__ import annotations

from typing import NamedTuple

from ..store import Event
from .room import Room
from .session import Shown

MAX_BEHIND = 1000
"""Who is further behind gets a fresh initial_state."""


class Missed(NamedTuple):
    """The durable events since, then the records that changed; `seq` is the last event that this takes account of."""

    events: list[Shown]
    records: list[Shown]
    seq: int


def shown(event: Event) -> Shown:
    return Shown(event.type, event.payload, event.at_s, event.kind, event.key, event.seq)


async def missed(room: Room, after: int, hub: str = "") -> Missed | None:
    """None when the answer is a fresh initial_state: too far behind, ahead of the log, or `hub` names another log.

    No step of the event loop lies between reading the records and returning, so who has registered before, and uses
    the answer at once, has no gap.
    """
    newest = room.board.seq
    if hub and hub != room.hub_id:
        return None
    if not newest - MAX_BEHIND <= after <= newest:
        return None
    events = await room.events(after, MAX_BEHIND + 1) if after < newest else []
    records = room.since(after)
    if records is None or len(events) > MAX_BEHIND:
        return None
    # An event that is stored, but not on the board yet, will be told live: the records here are older than it.
    told = [shown(event) for event in events if event.seq <= room.board.seq]
    return Missed(told, records, max((one.seq or 0 for one in told), default=after))


def merged(events: list[Shown], records: list[Shown]) -> list[Shown]:
    """Both in one order that may be cut anywhere: who has read up to an event has read every record that changed, for
    the last time, before it. So a record follows the last event about it, and comes first when there is none."""
    last = {(one.kind, one.key): place for place, one in enumerate(events) if one.kind}
    first: list[Shown] = []
    following: dict[int, list[Shown]] = {}
    for one in records:
        place = last.get((one.kind, one.key))
        (first if place is None else following.setdefault(place, [])).append(one)
    for place, event in enumerate(events):
        first += [event, *following.get(place, ())]
    return first
