"""Which leaders have to step down so that all servers of a cluster lead as many.

Used for streams and consumers: a group is a name, its leader and its replicas.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Group:
    """What is led: a stream, or a consumer (its `name` is what requests name)."""

    name: str
    cluster: str
    leader: str
    replicas: tuple[str, ...]

    @classmethod
    def of(cls, name: str, cluster: dict[str, Any]) -> Group | None:
        """None for what is in no cluster or has no leader now."""
        if not cluster.get("name") or not cluster.get("leader"):
            return None
        replicas = tuple(
            str(each["name"]) for each in cluster.get("replicas") or [] if not each.get("offline")
        )
        return cls(name, str(cluster["name"]), str(cluster["leader"]), replicas)


@dataclass(frozen=True)
class Move:
    """One step: this group should be led by that server."""

    group: Group
    to: str


@dataclass(frozen=True)
class ClusterPlan:
    """What is to be done in one cluster; `counts` is how many groups each server leads now."""

    cluster: str
    even: int
    counts: dict[str, int]
    moves: tuple[Move, ...]


def plans(groups: Iterable[Group]) -> list[ClusterPlan]:
    """A plan for each cluster, by name."""
    by_cluster: dict[str, list[Group]] = {}
    for group in groups:
        by_cluster.setdefault(group.cluster, []).append(group)
    return [_plan(name, by_cluster[name]) for name in sorted(by_cluster)]


def _plan(cluster: str, groups: list[Group]) -> ClusterPlan:
    counts: dict[str, int] = {}
    for group in groups:
        counts[group.leader] = counts.get(group.leader, 0) + 1
        for replica in group.replicas:
            counts.setdefault(replica, 0)
    even = -(-len(groups) // len(counts))
    now = dict(counts)
    moves: list[Move] = []
    for group in sorted(groups, key=lambda each: each.name):
        if now[group.leader] <= even:
            continue
        to = min(group.replicas, key=lambda name: (now[name], name), default="")
        if to and now[to] < even:
            moves.append(Move(group, to))
            now[group.leader] -= 1
            now[to] += 1
    return ClusterPlan(cluster, even, counts, tuple(moves))
