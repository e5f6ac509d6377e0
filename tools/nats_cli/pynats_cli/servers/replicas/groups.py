"""What the replicas of one raft group say of each other, and the state that makes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

IN_SYNC = "IN SYNC"
UNSYNCED = "UNSYNCED"
MULTILEADER = "MULTILEADER"
LEADERLESS = "LEADERLESS"
MISSING_GROUP = "MISSING_GROUP"
LEADER_IS_FOLLOWER = "LEADER_IS_FOLLOWER"
NO_CLUSTER = "NO_CLUSTER"


@dataclass
class Member:
    """One server's replica. `compared` are the figures that must be those of the leader."""

    server: dict[str, Any]
    account: str
    account_id: str
    raft: str
    cluster: dict[str, Any] | None
    wanted: int
    compared: dict[str, int]
    status: str = ""
    health: str = ""
    expected: dict[str, int] = field(default_factory=dict)
    """The leader's figures; the leader itself has none."""

    def figure(self, name: str, drifts: bool) -> str:
        """A figure; with `drifts` also how far it is from the leader's: `990 (-1%)`."""
        value = self.compared[name]
        wanted = self.expected.get(name, value)
        return f"{value} ({drift(value, wanted)})" if drifts and value != wanted else str(value)

    @property
    def node(self) -> str:
        return str(self.server.get("name", ""))

    @property
    def leader(self) -> str:
        """Whom this server takes for the leader."""
        return str((self.cluster or {}).get("leader") or "")

    @property
    def leads(self) -> bool:
        return self.leader == self.node

    @property
    def shown_node(self) -> str:
        return f"{self.node}*" if self.leads else self.node

    @property
    def peers(self) -> str:
        """What it says of the others: `n2(current=true,offline=false)`."""
        return " ".join(
            f"{peer.get('name', '')}(current={_truth(peer.get('current'))},"
            f"offline={_truth(peer.get('offline'))})"
            for peer in (self.cluster or {}).get("replicas") or []
        )


def _truth(value: object) -> str:
    return "true" if value else "false"


@dataclass
class Group:
    """The replicas of one stream or consumer."""

    members: list[Member] = field(default_factory=list)

    def judge(self) -> None:
        """Fills in each member's status."""
        shared = self._shared_faults()
        leader = self._leader()
        for member in self.members:
            faults = [*shared, *_own_faults(member)]
            if leader is not None and member is not leader:
                member.expected = leader.compared
                different = _differences(member.compared, leader.compared)
                if different:
                    faults.append(f"{UNSYNCED} ({', '.join(different)})")
            member.status = ", ".join(faults) or IN_SYNC

    def _leader(self) -> Member | None:
        """The one that leads, or the furthest when none does."""
        for member in self.members:
            if member.leads:
                return member
        return max(self.members, key=lambda each: sum(each.compared.values()), default=None)

    def _shared_faults(self) -> list[str]:
        leaders = {member.leader for member in self.members if member.leader}
        if len(leaders) > 1:
            return [MULTILEADER]
        if not leaders and any(member.cluster for member in self.members):
            return [LEADERLESS]
        named = next(iter(leaders), "")
        known = {member.node for member in self.members}
        if named and named in known and not any(member.leads for member in self.members):
            return [LEADER_IS_FOLLOWER]
        return []


def _own_faults(member: Member) -> list[str]:
    if member.cluster is None:
        return [NO_CLUSTER] if member.wanted > 1 else []
    return [MISSING_GROUP] if member.wanted > 1 and not member.raft else []


def _differences(one: dict[str, int], other: dict[str, int]) -> list[str]:
    """What is different, and by how much of the leader's figure."""
    return [
        f"{name} {drift(value, other[name])}" for name, value in one.items() if value != other[name]
    ]


def drift(value: int, wanted: int) -> str:
    """`-1%`, `+33.33%`: how far a figure is from what it should be, in parts of that."""
    percent = 100 * (value - wanted) / wanted if wanted else 100.0
    if abs(percent) < 0.01:
        percent = math.copysign(0.01, percent)  # a difference is never shown as none
    return f"{percent:+.2f}".rstrip("0").rstrip(".") + "%"


def accounts_of(
    documents: Iterable[dict[str, Any]],
) -> Iterable[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Server, account and stream of each stream in JSZ answers."""
    for document in documents:
        server = document.get("server") or {}
        for account in (document.get("data") or {}).get("account_details") or []:
            for stream in account.get("stream_detail") or []:
                yield server, account, stream


def raft_groups(stream: dict[str, Any]) -> dict[str, str]:
    """Raft groups of a stream's consumers, by the consumers' names."""
    return {
        str(each.get("name", "")): str(each.get("raft_group", ""))
        for each in stream.get("consumer_raft_groups") or []
    }


def in_order(groups: dict[tuple[str, ...], Group]) -> Sequence[Group]:
    """The groups by name, their members by server."""
    for group in groups.values():
        group.members.sort(key=lambda member: member.node)
        group.judge()
    return [groups[key] for key in sorted(groups)]
