"""What `echodeck up --demo` queues: eight jobs at the first start, of all models and several sizes, one a video."""

from __future__ import annotations

import asyncio
from typing import Any

from ..errors import HubUnreachable

USER = "demo"
PATIENCE_S = 60.0

JOBS: tuple[dict[str, Any], ...] = (
    {"prompt": "hills at sunset, warm light", "model": "sketch-s", "width": 256, "height": 256, "seed": 7},
    {"prompt": "a face in watercolour", "model": "sketch-s", "width": 256, "height": 320, "seed": 21},
    {"prompt": "winter hills under a pale sky", "model": "sketch-m", "width": 384, "height": 256, "seed": 3},
    {"prompt": "night sky with a moon over dark hills", "model": "sketch-s", "width": 320, "height": 320, "steps": 30,
     "seed": 11, "priority": "high"},
    {"prompt": "drifting clouds over green hills", "title": "drifting clouds (video)", "model": "sketch-s",
     "width": 128, "height": 128, "steps": 12, "frames": 8, "seed": 5},
    {"prompt": "a portrait in pastel colours", "model": "sketch-m", "width": 256, "height": 256, "seed": 42},
    {"prompt": "autumn trees on rolling hills", "model": "sketch-s", "width": 256, "height": 256, "batch": 2,
     "sampler": "heun", "seed": 9},
    {"prompt": "misty morning hills, a study in blue", "model": "sketch-l", "width": 512, "height": 320, "seed": 2,
     "priority": "low"},
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
