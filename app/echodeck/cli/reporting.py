"""`echodeck report`: the history from the hub, given to the report."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any


async def write(client: Any, path: Path) -> dict[str, Any]:
    """Writes the file and returns its `path`, `jobs` (how many) and `since` (ISO 8601)."""
    made_at = datetime.now().astimezone()
    since = made_at.replace(hour=0, minute=0, second=0, microsecond=0)
    kinds = ("jobs", "steps", "runs", "estimates")
    found = await asyncio.gather(*(client.history(kind, since.timestamp()) for kind in kinds))
    rows = dict(zip(kinds, found, strict=True))
    hosts = list(client.board.all("hosts").values())
    from ..analysis import report

    await asyncio.to_thread(report.write, path, **rows, hosts=hosts, made_at=made_at)
    return {"path": str(path.resolve()), "jobs": len(rows["jobs"]), "since": since.isoformat(timespec="seconds")}
