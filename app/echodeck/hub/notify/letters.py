"""A message as it leaves: title and text for people, the body of a webhook for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

import msgspec

from ...brain.notices import words
from ...brain.notices.channels import Channel, Route
from ...brain.notices.line import Group, Line, Message
from ...brain.notices.notice import Notice
from ...wire.notify import ChannelView, Hook, HookData, HookGroup, HookNotice, RouteView, TryView
from ...wire.show import iso


@dataclass(frozen=True, slots=True)
class Letter:
    """`body` is JSON (see `wire.notify.Hook`)."""

    id: str
    level: str
    title: str
    text: str
    body: bytes


def letter_of(message: Message, channel: str, zone: tzinfo | None, now_s: float) -> Letter:
    title, text = words.title(message), words.text(message, zone)
    kind = "test" if message.groups[0].kind == "test" else "notice"
    data = HookData(channel=channel, level=message.level, title=title, text=text, count=message.count,
                    groups=[_group(group) for group in message.groups])
    hook = Hook(type=f"echodeck.{kind}", timestamp=iso(now_s) or "", data=data)
    return Letter(message.id, message.level, title, text, msgspec.json.encode(hook))


def _group(group: Group) -> HookGroup:
    return HookGroup(kind=group.kind, level=group.level, count=group.count,
                     notices=[_notice(notice) for notice in group.notices])


def _notice(notice: Notice) -> HookNotice:
    return HookNotice(id=notice.id, at=iso(notice.at_s) or "", kind=notice.kind, level=notice.level,
                      title=notice.title, message=notice.message, cause=notice.cause, user=notice.user,
                      job_id=notice.job_id, host=notice.host)


def trial(id_: str, channel: str, by: str, now_s: float) -> Message:
    """What somebody sends to see whether it arrives."""
    notice = Notice(id_, now_s, "test", "info", "A test from echodeck",
                    f"{by} wanted to see whether messages arrive at {channel}.", user=by)
    return Message(id_, (Group("test", "info", now_s, 1, (notice,)),))


def channel_view(channel: Channel, line: Line, trouble: str, test: TryView | None, now_s: float) -> ChannelView:
    return ChannelView(
        name=channel.name, service=channel.service, address=channel.masked, waiting=line.count, told=line.told,
        given_up=line.given_up, quiet=channel.quiet is not None and channel.quiet.on(now_s), sent_at=iso(line.sent_s),
        error=line.error, error_at=iso(line.error_s), trouble=trouble, test=test)


def route_view(route: Route) -> RouteView:
    return RouteView(name=route.name, to=list(route.to), levels=sorted(route.levels), rules=sorted(route.rules),
                     endings=sorted(route.endings), users=sorted(route.users), resolved=route.resolved)
