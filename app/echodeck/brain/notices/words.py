"""A message as people read it: a title and a plain text. Titles and names in it are others' words."""

from __future__ import annotations

from datetime import datetime, tzinfo

from .line import Group, Message
from .notice import Notice

MOST_TITLE, MOST_LINE = 120, 300
MOST_NAME = 90
"""Of a job's title, so that what became of it still fits beside it."""
_ENDED = {"completed": "is done", "failed": "failed", "cancelled": "was cancelled"}


def title(message: Message) -> str:
    """What it is, in a line."""
    if len(message.groups) > 1:
        parts = ", ".join(f"{group.count} × {_name(group)}" for group in message.groups[:4])
        more = f" and {len(message.groups) - 4} more kinds" if len(message.groups) > 4 else ""
        return _cut(f"{message.count} notices: {parts}{more}", MOST_TITLE)
    group = message.groups[0]
    if group.count == 1:
        return _cut(harmless(_headline(group.notices[0])), MOST_TITLE)
    if group.kind in _ENDED:
        return f"{group.count} generations {group.kind}"
    return _cut(f"{group.count} × {_name(group)}", MOST_TITLE)


def text(message: Message, zone: tzinfo | None = None) -> str:
    """The rest, a line a notice; what is only counted is said as a number."""
    if message.count == 1:
        notice = message.groups[0].notices[0]
        return _cut(harmless(notice.message) or _at(notice, zone), 5 * MOST_LINE)
    return "\n".join(line for group in message.groups for line in _lines(group, zone))


def _lines(group: Group, zone: tzinfo | None) -> list[str]:
    lines = [_cut(f"{_at(notice, zone)} {harmless(_headline(notice))}"
                  + (f": {harmless(notice.message)}" if notice.message else ""), MOST_LINE) for notice in group.notices]
    earlier = group.count - len(group.notices)
    return [f"and {earlier} before that of the kind {_name(group)}", *lines] if earlier else lines


def _headline(notice: Notice) -> str:
    if notice.kind in _ENDED:
        return f"{_cut(notice.title, MOST_NAME)} {_ENDED[notice.kind]}"
    return f"Over: {notice.title}" if notice.kind == "resolved" else notice.title


def _name(group: Group) -> str:
    """The group in a word or two; of one cause, as its alert is called."""
    if group.kind in _ENDED or group.kind in ("other", "test"):
        return group.kind
    titles = {notice.title for notice in group.notices}
    shown = harmless(group.notices[-1].title) if len(titles) == 1 else group.notices[-1].rule.replace("_", " ")
    return f"over: {shown}" if group.kind.startswith("resolved") else shown


def _at(notice: Notice, zone: tzinfo | None) -> str:
    return datetime.fromtimestamp(notice.at_s, zone).strftime("%H:%M")


def harmless(words: str) -> str:
    """Others' words on one line, so that they can neither call everybody in a chat ("@all", "<!here>") nor hide."""
    shown = "".join(mark if mark.isprintable() else " " for mark in words)
    return " ".join(shown.replace("@", "@\u200b").replace("<", "<\u200b").split())


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[:most - 1]}…"
