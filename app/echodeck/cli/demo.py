"""What `echodeck up --demo` queues: eight jobs at the first start, of all models and several sizes, one a video."""

from __future__ import annotations

import asyncio
from typing import Any

from ..errors import HubUnreachable

USER = "demo"
PATIENCE_S = 60.0

JOBS: tuple[dict[str, Any], ...] = (
    {"prompt": "hills at dusk, romantic light", "model": "sketch-s", "width": 384, "height": 256, "steps": 40,
     "seed": 7, "priority": "high"},
    {"prompt": "a smiling face in watercolour, spring morning", "model": "sketch-s", "width": 256, "height": 320,
     "steps": 40, "seed": 21},
    {"prompt": "snowy mountains on a clear winter day", "model": "sketch-m", "width": 384, "height": 256, "steps": 30,
     "seed": 3},
    {"prompt": "aurora over a lake, starry night", "model": "sketch-s", "width": 320, "height": 320, "steps": 50,
     "seed": 11},
    {"prompt": "drifting clouds at dawn", "title": "drifting clouds at dawn (video)", "model": "sketch-s",
     "width": 128, "height": 128, "steps": 16, "frames": 12, "seed": 5},
    {"prompt": "neon forest at midnight, synthwave", "model": "sketch-m", "width": 320, "height": 320, "steps": 24,
     "seed": 42},
    {"prompt": "misty lake, an ink drawing", "model": "sketch-s", "width": 256, "height": 256, "batch": 2,
     "sampler": "heun", "seed": 9},
    {"prompt": "canyon in golden desert light, flat poster", "model": "sketch-l", "width": 512, "height": 320,
     "steps": 20, "seed": 2, "priority": "low"},
)


async def queue(url: str) -> int:
    """Queues them once an engine is announced, unless there are demo jobs already. Returns how many."""
    from ..client import Client

    async with Client(url, user=USER) as client:
        await client.ready(PATIENCE_S)
        if any(job.get("user") == USER for job in client.board.all("jobs").values()):
            return 0
        try:
            async with asyncio.timeout(PATIENCE_S):
                changes = client.changes()
                while not _sketch(client):
                    await anext(changes, None)
        except TimeoutError as error:
            raise HubUnreachable("no agent has announced the sketch engine") from error
        for spec in JOBS:
            await client.call("submit", {"engine": "sketch", "user": USER, **spec})
    return len(JOBS)


def _sketch(client: Any) -> bool:
    engine = client.board.get("engines", "sketch")
    return engine is not None and not engine.get("reason")
