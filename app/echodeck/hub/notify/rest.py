"""REST for messages out, and what OpenAPI says of webhooks."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from ...wire import say
from ...wire.notify import ChannelView, Hook, Ways
from ..answers import Asked, answer, shows, takes
from ..room import Room

webhooks = APIRouter()


@webhooks.post("notice", tags=["webhooks"], openapi_extra=takes(Hook), responses={
    "2XX": {"description": "It has arrived."}, "429": {"description": "Later; `Retry-After` says how many seconds."},
    "410": {"description": "As other 4xx, except 404, 408, 409, 421, 423, 425: not again."}})
async def notice() -> None:
    """What the hub POSTs to a channel that is a webhook. The headers `webhook-id`, `webhook-timestamp` and
    `webhook-signature` follow the Standard Webhooks specification: the signature is "v1," and base64 of the HMAC-SHA256
    of "id.timestamp.body" under the channel's secret. In Python, `echodeck.verify_webhook(body, headers, secret)`
    checks it and the time; the same `webhook-id` comes again when a message is tried again."""


def routes(room: Room) -> APIRouter:
    router = APIRouter(prefix="/api/notify", tags=["notify"])

    @router.get("", responses=shows(Ways))
    async def ways() -> Response:
        """The channels that messages go out by, how it went, and the routes to them. Addresses are masked."""
        return answer(room.notify.ways())

    @router.post("/{channel}/test", responses=shows(ChannelView))
    async def test(channel: str, request: Request) -> Response:
        """Sends a test message; answers when it has arrived, or has not (`test.error` says why)."""
        await Asked(room, request).do("notify_test", say.NotifyTest(channel=channel[:128]))
        return answer(await room.notify.tested(channel))

    return router
