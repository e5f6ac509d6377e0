"""A stream that moves to other servers, or gets more or fewer of them: how far that is."""

from __future__ import annotations

import time
from typing import Any

from pynats_cli.screen import human
from pynats_cli.screen.columns import Columns


def add_migration(screen: Columns, info: dict[str, Any]) -> None:
    """A section of a stream's screen; none while nothing changes."""
    desired = (info.get("cluster") or {}).get("desired")
    if not desired:
        return
    status = desired.get("status") or {}
    screen.section("Cluster Migration Status", 1)
    screen.add_if("Status", str(status.get("description") or ""))
    screen.add_if("Type", str(status.get("type") or ""))
    if created := desired.get("created"):
        age = human.since(created, time.time_ns())
        screen.add("Created", f"{human.local_time(created)} ({age})")
    screen.space()
    for label, before, after in _changes(desired, info["config"]):
        if before != after:
            screen.add(label, f"{before} -> {after}")
    screen.add_list("Desired Peers", [_peer(each) for each in desired.get("replicas") or ()])


def _changes(desired: dict[str, Any], config: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What it was like when the change began, and what it shall be."""
    origin = desired.get("origin") or {}
    before, after = origin.get("placement") or {}, config.get("placement") or {}
    replicas = int(origin.get("replicas") or 0), int(config.get("num_replicas") or 1)
    return [
        ("Replicas", str(replicas[0] or replicas[1]), str(replicas[1])),
        ("Placement Cluster", _text(before.get("cluster")), _text(after.get("cluster"))),
        ("Placement Tags", _text(before.get("tags")), _text(after.get("tags"))),
        ("Preferred Leader", _text(before.get("preferred")), _text(after.get("preferred"))),
    ]


def _text(value: str | list[str] | None) -> str:
    return (", ".join(value) if isinstance(value, list) else value) or "none"


def _peer(peer: dict[str, Any]) -> str:
    return str(peer.get("name") or peer.get("peer") or "")
