"""The servers that keep a consumer: as rows of a screen, in one cell, and who leads how many."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pynats_cli.screen.human import duration, since, thousands

Cluster = dict[str, Any]
_STARS = 10


def cluster_rows(cluster: Cluster, now_ns: int) -> list[tuple[str, str]]:
    """Labels and values: the cluster, the group, its leader and followers."""
    rows = [("Name", cluster.get("name", ""))]
    if cluster.get("raft_group"):
        rows.append(("Raft Group", cluster["raft_group"]))
    rows.append(("Leader", _leader_text(cluster, now_ns)))
    rows += [("Replica", _replica_text(replica)) for replica in cluster.get("replicas") or []]
    return rows


def _leader_text(cluster: Cluster, now_ns: int) -> str:
    leader = str(cluster.get("leader", ""))
    started = cluster.get("leader_since")
    return f"{leader} ({since(started, now_ns)})" if leader and started else leader


def _replica_text(replica: dict[str, Any]) -> str:
    parts = [replica.get("name", ""), "current" if replica.get("current") else "outdated"]
    if replica.get("offline"):
        parts.append("OFFLINE")
    seen_ns = int(replica.get("active", 0))
    parts.append(f"seen {duration(seen_ns)} ago" if seen_ns > 0 else "not seen")
    behind = int(replica.get("lag", 0))
    if behind:
        parts.append(f"{thousands(behind)} operation{'s' if behind > 1 else ''} behind")
    return ", ".join(parts)


def cluster_cell(cluster: Cluster | None) -> str:
    """All servers in one cell: `*` marks the leader, `!` who is offline or behind."""
    if not cluster:
        return ""
    names = [f"{cluster['leader']}*"] if cluster.get("leader") else []
    for replica in cluster.get("replicas") or []:
        well = replica.get("current") and not replica.get("offline")
        names.append(replica.get("name", "") + ("" if well else "!"))
    return ", ".join(sorted(names))


def leader_rows(clusters: list[Cluster]) -> list[tuple[str, str, int, str]]:
    """For each server: its name, its cluster, how many it leads, and stars for its share."""
    led: Counter[tuple[str, str]] = Counter()
    for cluster in clusters:
        if cluster.get("leader"):
            led[cluster["leader"], cluster.get("name", "")] += 1
    total = sum(led.values())
    return [
        (server, name, count, "*" * max(1, round(_STARS * count / total)))
        for (server, name), count in sorted(led.items(), key=lambda item: (item[1], item[0]))
    ]
