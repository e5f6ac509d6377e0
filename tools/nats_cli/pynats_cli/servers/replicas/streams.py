"""Replicas of streams."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pynats_cli.servers.replicas.groups import Group, Member, accounts_of, in_order


@dataclass
class StreamReplica(Member):
    """One server's replica of a stream."""

    stream: str = ""


def stream_groups(
    documents: Iterable[dict[str, Any]], stream: str = "", raft: str = ""
) -> Sequence[Group]:
    """The streams in JSZ answers; `stream` and `raft` choose."""
    groups: dict[tuple[str, ...], Group] = {}
    for server, account, info in accounts_of(documents):
        member = _member(server, account, info)
        if stream in ("", member.stream) and raft in ("", member.raft):
            key = (member.account_id, member.stream)
            groups.setdefault(key, Group()).members.append(member)
    return in_order(groups)


def _member(server: dict[str, Any], account: dict[str, Any], info: dict[str, Any]) -> StreamReplica:
    state, config = info.get("state") or {}, info.get("config") or {}
    return StreamReplica(
        server=server,
        account=str(account.get("name", "")),
        account_id=str(account.get("id", "")),
        raft=str(info.get("stream_raft_group") or ""),
        cluster=info.get("cluster"),
        wanted=int(config.get("num_replicas") or 1),
        compared={
            "messages": int(state.get("messages") or 0),
            "bytes": int(state.get("bytes") or 0),
            "subjects": int(state.get("num_subjects") or 0),
            "deleted": int(state.get("num_deleted") or 0),
            "consumers": int(state.get("consumer_count") or 0),
            "first": int(state.get("first_seq") or 0),
            "last": int(state.get("last_seq") or 0),
        },
        stream=str(info.get("name", "")),
    )
