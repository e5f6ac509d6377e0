"""The latest statistics of each server, and their order in a view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Statsz = dict[str, Any]


@dataclass
class ServerStats:
    """Statistics by server id; `changed` is the time of the newest, as RFC 3339."""

    by_id: dict[str, Statsz] = field(default_factory=dict)
    changed: str = ""

    def add(self, document: dict[str, Any]) -> None:
        """Takes a STATSZ event or answer; anything else is left out."""
        server, statsz = document.get("server"), document.get("statsz")
        if not isinstance(server, dict) or not isinstance(statsz, dict):
            return
        self.by_id[str(server.get("id", ""))] = {**statsz, "server": server}
        self.changed = max(self.changed, str(server.get("time") or ""))

    def top(self, key: str, number: int) -> list[Statsz]:
        """The servers with the most; 0 = all. Names are sorted upwards."""
        rows = sorted(self.by_id.values(), key=name)
        if key != "name":
            rows.sort(key=SERVER_KEYS[key][1], reverse=True)
        return rows[:number] if number else rows


def name(statsz: Statsz) -> str:
    return str(statsz["server"].get("name", ""))


def figure(*path: str) -> Callable[[Statsz], float]:
    """Reads a number at a path; 0 where there is none."""

    def read(statsz: Statsz) -> float:
        value: Any = statsz
        for step in path:
            value = (value or {}).get(step) if isinstance(value, dict) else None
        return value if isinstance(value, (int, float)) else 0

    return read


def count(key: str) -> Callable[[Statsz], float]:
    """Reads the length of a list."""
    return lambda statsz: len(statsz.get(key) or [])


SERVER_KEYS: dict[str, tuple[str, Callable[[Statsz], float]]] = {
    "conns": ("Connections", figure("connections")),
    "cpu": ("CPU", figure("cpu")),
    "gway": ("Gateways", count("gateways")),
    "mem": ("Memory", figure("mem")),
    "name": ("Name", lambda _: 0),
    "recvb": ("Received Bytes", figure("received", "bytes")),
    "recvm": ("Received Messages", figure("received", "msgs")),
    "route": ("Routes", count("routes")),
    "sentb": ("Sent Bytes", figure("sent", "bytes")),
    "sentm": ("Sent Messages", figure("sent", "msgs")),
    "slow": ("Slow Consumers", figure("slow_consumers")),
    "subs": ("Subscriptions", figure("subscriptions")),
}
"""Sort keys of servers: what the title calls them, and the figure."""

JETSTREAM_KEYS: dict[str, tuple[str, Callable[[Statsz], float]]] = {
    "api": ("API Requests", figure("jetstream", "stats", "api", "total")),
    "assets": ("HA Asset", figure("jetstream", "stats", "ha_assets")),
    "file": ("File Storage", figure("jetstream", "stats", "storage")),
    "mem": ("Memory Storage", figure("jetstream", "stats", "memory")),
}


def with_jetstream(stats: ServerStats, key: str, number: int) -> list[Statsz]:
    """The servers with JetStream, those with the most first; 0 = all."""
    rows = [each for each in sorted(stats.by_id.values(), key=name) if each.get("jetstream")]
    rows.sort(key=JETSTREAM_KEYS[key][1], reverse=True)
    return rows[:number] if number else rows
