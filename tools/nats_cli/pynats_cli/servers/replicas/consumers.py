"""Replicas of consumers. Only a consumer's leader counts what waits and what is pending."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pynats_cli.servers.replicas.groups import Group, Member, accounts_of, in_order, raft_groups


@dataclass
class ConsumerReplica(Member):
    """One server's replica of a consumer."""

    consumer: str = ""
    stream: str = ""
    stream_leader: str = ""
    stream_state: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)

    def delivered(self, drifts: bool = False) -> str:
        """`6 [1, 16] 38% | 6`: the stream's sequence and how far that is, the consumer's."""
        first = int(self.stream_state.get("first_seq") or 0)
        last = int(self.stream_state.get("last_seq") or 0)
        share = 100 * self.compared["delivered"] // last if last else 0
        return (
            f"{self.figure('delivered', drifts)} [{first}, {last}] {share}% | "
            f"{self.figure('delivered consumer sequence', drifts)}"
        )

    def ack_floor(self, drifts: bool = False) -> str:
        return (
            f"{self.figure('ack floor', drifts)} | "
            f"{self.figure('ack floor consumer sequence', drifts)}"
        )

    @property
    def counters(self) -> str:
        """Without an acknowledgement, redelivered, waiting pulls, pending."""
        parts = (
            ("ap", "num_ack_pending"), ("nr", "num_redelivered"), ("nw", "num_waiting"),
            ("np", "num_pending"),
        )  # fmt: skip
        return "(" + ", ".join(f"{name}:{self.info.get(key) or 0}" for name, key in parts) + ")"


def consumer_groups(
    documents: Iterable[dict[str, Any]], stream: str = "", consumer: str = "", raft: str = ""
) -> Sequence[Group]:
    """The consumers in JSZ answers; `stream`, `consumer` and `raft` choose."""
    groups: dict[tuple[str, ...], Group] = {}
    for server, account, info in accounts_of(documents):
        if stream not in ("", info.get("name")):
            continue
        rafts = raft_groups(info)
        for detail in info.get("consumer_detail") or []:
            member = _member(server, account, info, detail, rafts)
            if consumer in ("", member.consumer) and raft in ("", member.raft):
                key = (member.account_id, member.stream, member.consumer)
                groups.setdefault(key, Group()).members.append(member)
    return in_order(groups)


def _member(
    server: dict[str, Any], account: dict[str, Any], stream: dict[str, Any],
    info: dict[str, Any], rafts: dict[str, str],
) -> ConsumerReplica:  # fmt: skip
    delivered, floor = info.get("delivered") or {}, info.get("ack_floor") or {}
    cluster = info.get("cluster")
    name = str(info.get("name", ""))
    wanted = int((info.get("config") or {}).get("num_replicas") or 0)
    return ConsumerReplica(
        server=server,
        account=str(account.get("name", "")),
        account_id=str(account.get("id", "")),
        raft=rafts.get(name) or str((cluster or {}).get("raft_group") or ""),
        cluster=cluster,
        wanted=wanted or int((stream.get("config") or {}).get("num_replicas") or 1),
        compared={
            "delivered": int(delivered.get("stream_seq") or 0),
            "delivered consumer sequence": int(delivered.get("consumer_seq") or 0),
            "ack floor": int(floor.get("stream_seq") or 0),
            "ack floor consumer sequence": int(floor.get("consumer_seq") or 0),
            "ack pending": int(info.get("num_ack_pending") or 0),
            "redelivered": int(info.get("num_redelivered") or 0),
        },
        consumer=name,
        stream=str(stream.get("name", "")),
        stream_leader=str((stream.get("cluster") or {}).get("leader") or ""),
        stream_state=stream.get("state") or {},
        info=info,
    )
