"""Where a stream is, and what its configuration carries for people: sections of many screens."""

from __future__ import annotations

from typing import Any

from pynats_cli.screen import human
from pynats_cli.screen.columns import Columns


def visible_metadata(config: dict[str, Any]) -> dict[str, str]:
    """Metadata without the server's own."""
    metadata = config.get("metadata") or {}
    return {key: value for key, value in metadata.items() if not key.startswith("_nats.")}


def add_metadata(columns: Columns, config: dict[str, Any]) -> None:
    """A section with what users noted at a stream."""
    if metadata := visible_metadata(config):
        columns.section("Metadata")
        for key in sorted(metadata):
            columns.add(key, str(metadata[key]))


def add_cluster(columns: Columns, info: dict[str, Any]) -> None:
    """A section with a stream's leader and replicas."""
    cluster = info.get("cluster")
    if not cluster:
        return
    columns.section("Cluster Information")
    columns.add("Name", str(cluster.get("name", "")))
    columns.add("Leader", str(cluster.get("leader", "")))
    for replica in cluster.get("replicas") or []:
        columns.add("Replica", _replica(replica))


def _replica(replica: dict[str, Any]) -> str:
    states = ["current" if replica.get("current") else "outdated"]
    if replica.get("offline"):
        states.append("OFFLINE")
    if active := int(replica.get("active", 0)):
        states.append(f"seen {human.duration(active)} ago")
    if lag := int(replica.get("lag", 0)):
        states.append(f"{human.thousands(lag)} operations behind")
    return f"{replica.get('name', '')}, {', '.join(states)}"
