"""What `echodeck status` says: the hub, the machines, the engines, the agents, the queue, and what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from .plain import plain

SILENT_S = 30.0
"""A machine whose agent is there while its last sample is so much older has stopped to be measured."""
MOST_ALERTS = 5
Job = dict[str, Any]


def status_text(found: dict[str, Any]) -> str:
    """A few lines: the hub, the machines, the queue, what is wrong."""
    lines = [f"hub       {found['hub']} ({_latency(found['latency_s'])})"]
    status = found["status"] or {}
    lines += [f"state     {status.get('consciousness', '–')}, working memory {status.get('working_memory', '–')}"]
    for host in found["hosts"]:
        memory = 100 * host["memory_used_bytes"] / host["memory_total_bytes"] if host["memory_total_bytes"] else 0
        silent = _silent(host, found["agents"])
        if silent:
            lines.append(f"machine   {host['name']}: {silent}")
            continue
        lines.append(f"machine   {host['name']}: CPU {host['cpu_percent']:.0f} %, memory {memory:.0f} %")
        lines += [f"          {_gpu(gpu)}" for gpu in host.get("gpus", [])]
    lines += [line for engine in found.get("engines", []) for line in _engine(engine)]
    for agent in found["agents"]:
        away = f" since {since(agent['metadata'].get('seen'))}" if agent["status"] == "offline" else ""
        lines.append(f"agent     {agent['id']}: {agent['status']}{away}")
    queue = found["queue"]
    lines.append("queue     " + (", ".join(f"{n} {name}" for name, n in queue.items() if n) or "empty"))
    alerts = sorted(found["alerts"], key=lambda alert: str(alert.get("at")), reverse=True)
    lines += [f"{alert['level']:<9} {alert['title']}: {alert['message']}" for alert in alerts[:MOST_ALERTS]]
    if len(alerts) > MOST_ALERTS:
        lines.append(f"          and {len(alerts) - MOST_ALERTS} more alerts: see the dashboard")
    return "\n".join(map(plain, lines))


def _engine(engine: Job) -> list[str]:
    where = f" at {engine['address']}" if engine.get("address") else ""
    version = f" {engine['version']}" if engine.get("version") else ""
    reason, note = engine.get("reason"), engine.get("note")
    at_s = engine.get("since_s")
    away = f" (since {since(datetime.fromtimestamp(at_s, UTC).isoformat())})" if reason and at_s else ""
    return [f"engine    {engine['name']}{where}{version}: {reason or 'ready'}{away}",
            *([f"          {note}"] if note else [])]


def _silent(host: Job, agents: list[Job]) -> str:
    """Why nothing is known of a machine now; "" when it is measured."""
    own = [agent for agent in agents if agent["metadata"].get("host") == host["name"]]
    if not own:  # none was heard from since the hub was started
        return f"silent since {since(datetime.fromtimestamp(host['at_s'], UTC).isoformat())}"
    if all(agent["status"] == "offline" for agent in own):
        return f"offline since {since(max(str(agent['metadata'].get('seen') or '') for agent in own))}"
    seen = max((_moment(agent["metadata"].get("seen")) for agent in own), default=0.0)
    # Both by clocks that the hub goes by: this one's may be wrong.
    if seen - host.get("at_s", seen) > max(SILENT_S, 5 * host.get("period_s", 1.0)):
        return f"not measured since {since(datetime.fromtimestamp(host['at_s'], UTC).isoformat())}"
    return ""


def _moment(moment: str | None) -> float:
    return datetime.fromisoformat(moment).timestamp() if moment else 0.0


def since(moment: str | None) -> str:
    """A moment in the past as local time, with its day when that is not today's."""
    if not moment:
        return "an unknown time"
    at = datetime.fromisoformat(moment).astimezone()
    return at.strftime("%H:%M:%S" if at.date() == datetime.now().astimezone().date() else "%Y-%m-%d %H:%M:%S")


def _latency(latency_s: float | None) -> str:
    return "no latency yet" if latency_s is None else f"{1000 * latency_s:.0f} ms"


def _gpu(gpu: dict[str, Any]) -> str:
    if gpu.get("reason"):
        lost_s = gpu.get("lost_s")
        lost = f" (lost at {since(datetime.fromtimestamp(lost_s, UTC).isoformat())})" if lost_s else ""
        return f"{gpu['name']}: {gpu['reason']}{lost}"
    shared = gpu.get("unified")  # such a GPU works in the system's memory too
    used = (gpu.get("vram_used_bytes") or 0) + (gpu.get("gtt_used_bytes") or 0 if shared else 0)
    total = (gpu.get("vram_total_bytes") or 0) + (gpu.get("gtt_total_bytes") or 0 if shared else 0)
    vram = f", VRAM {100 * used / total:.0f} %" if total and gpu.get("vram_used_bytes") is not None else ""
    load = "" if gpu.get("util_percent") is None else f" {gpu['util_percent']:.0f} %"
    return f"{gpu['name']}{load}{vram}"
