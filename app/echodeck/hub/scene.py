"""What a viewer is shown who has just come, or comes back: the board as messages."""

from __future__ import annotations

from .. import wire
from ..model.board import Board, Entry
from ..version import __version__
from ..wire import show
from .desk import Desk
from .pulse import Pulse
from .session import Shown

_VOLATILE = {
    "jobs": "generation_progress", "previews": "generation_preview", "queue": "queue_update",
    "metrics": "metrics_update", "status": "system_status",
    "hosts": "host_metrics", "engines": "engine_update", "presence": "presence", "agents": "agent_status_update",
    "channels": "notify_channel",
    "estimates": "estimate_score",
}
_UNWRITTEN = {**_VOLATILE, "alerts": "system_alert", "logs": "log", "messages": "communication",
              "decisions": "decision", "parts": "brain_part"}


def since(desk: Desk, seq: int, now_s: float, *, refused: bool) -> list[Shown] | None:
    """The volatile records that changed at or after durable event `seq`; None when that is too long ago.

    While the store cannot write (`refused`), also what would be durable: it is not in the log yet.
    """
    entries = desk.board.since(seq)
    if entries is None:
        return None
    types = _UNWRITTEN if refused else _VOLATILE
    shown = [Shown(_type_of(desk, entry, types), entry.value, now_s, entry.kind, entry.key)
             for entry in entries if entry.kind in types and entry.value is not None]
    if refused:
        shown += [Shown(type_, {wire.ROUTES[type_].key: entry.key}, now_s, entry.kind, entry.key)
                  for entry in entries if entry.value is None and (type_ := wire.GONE.get(entry.kind))]
    return shown


def _type_of(desk: Desk, entry: Entry, types: dict[str, str]) -> str:
    if entry.kind == "jobs" and entry.key in desk.queue and not desk.queue.get(entry.key).in_hand:
        return "generation_queued"
    return types[entry.kind]


def initial_state(board: Board, pulse: Pulse, now_s: float, hub_id: str) -> show.InitialState:
    """Everything there is on the board."""
    metrics = pulse.metrics(now_s)
    status = pulse.status(now_s, metrics)
    empty = show.QueueUpdate(order=[], items=[], stats=show.QueueStats())
    queue: show.QueueUpdate = board.get("queue") or empty
    presence: show.Presence | None = board.get("presence")
    return show.InitialState(
        system_status=show.initial_status(status, metrics.vram), agents=list(board.all("agents").values()),
        alerts=list(board.all("alerts").values()), logs=list(board.all("logs").values()),
        jobs=list(board.all("jobs").values()), queue=queue, queue_stats=queue.stats,
        hosts=list(board.all("hosts").values()), engines=[wire.plain(info) for info in board.all("engines").values()],
        users=presence.users if presence else [], watching=presence.watching if presence else 0, metrics=metrics,
        parts=[wire.plain(part) for part in board.all("parts").values()],
        decisions=[wire.plain(one) for one in board.all("decisions").values()],
        messages=list(board.all("messages").values()),
        channels=[wire.plain(one) for one in board.all("channels").values()],
        estimates=[wire.plain(one) for one in board.all("estimates").values()],
        previews=list(board.all("previews").values()), seq=board.seq, protocol=wire.PROTOCOL, hub=hub_id,
        now=show.iso(now_s) or "", version=__version__,
    )
