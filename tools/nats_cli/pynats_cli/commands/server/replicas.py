"""`pynats server stream-check` and `consumer-check`: what every server says of its replicas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import opt

from pynats_cli.commands.server.replica_options import (
    ReplicaOptions,
    Source,
    chosen_members,
    show_rows,
)
from pynats_cli.screen.output import note
from pynats_cli.servers.replicas.consumers import ConsumerReplica, consumer_groups
from pynats_cli.servers.replicas.streams import StreamReplica, stream_groups

if TYPE_CHECKING:
    from pynats_cli.global_options import GlobalOptions

_STREAM_HEADERS = (
    "Stream Replica", "Raft", "Account", "Account ID", "Node", "Messages", "Bytes", "Subjects",
    "Deleted", "Consumers", "First", "Last", "Status", "Leader", "Peers",
)  # fmt: skip
_FIGURES = ("messages", "bytes", "subjects", "deleted", "consumers", "first", "last")


async def stream_check(options: GlobalOptions, chosen: ReplicaOptions) -> None:
    """Compares the replicas of streams."""
    async with Source(options, chosen) as source:
        groups = stream_groups(await source.documents(), chosen.stream, chosen.raft_group)
        note(f"Streams: {sum(len(group.members) for group in groups)}")
        members = chosen_members(groups, chosen.unsynced)
        if chosen.health:
            await source.add_health(members)
    headers = (*_STREAM_HEADERS, "Health") if chosen.health else _STREAM_HEADERS
    rows = [_stream_row(member, chosen) for member in members if isinstance(member, StreamReplica)]
    show_rows(chosen, "Streams", headers, rows)


def _stream_row(member: StreamReplica, chosen: ReplicaOptions) -> list[object]:
    figures: list[object] = [member.compared[name] for name in _FIGURES]
    if chosen.unsynced and (chosen.csv or chosen.form == "table"):
        figures = [member.figure(name, True) for name in _FIGURES]
    return [
        member.stream, member.raft, member.account, member.account_id, member.shown_node,
        *figures, member.status, member.leader, member.peers,
        *([member.health] if chosen.health else []),
    ]  # fmt: skip


_CONSUMER_HEADERS = (
    "Consumer", "Stream", "Raft", "Account", "Account ID", "Node", "Delivered (S,C)",
    "ACK Floor (S,C)", "Counters", "Status", "Leader", "Stream Cluster Leader", "Peers",
)  # fmt: skip


@dataclass(kw_only=True)
class ConsumerCheckOptions(ReplicaOptions):
    consumer: Annotated[str, opt("--consumer", help="Only this consumer")] = ""


async def consumer_check(options: GlobalOptions, chosen: ConsumerCheckOptions) -> None:
    """Compares the replicas of consumers."""
    async with Source(options, chosen) as source:
        groups = consumer_groups(
            await source.documents(), chosen.stream, chosen.consumer, chosen.raft_group
        )
        note(f"Consumers: {sum(len(group.members) for group in groups)}")
        members = chosen_members(groups, chosen.unsynced)
        if chosen.health:
            await source.add_health(members)
    headers = (*_CONSUMER_HEADERS, "Health") if chosen.health else _CONSUMER_HEADERS
    rows = [
        _consumer_row(member, chosen) for member in members if isinstance(member, ConsumerReplica)
    ]
    show_rows(chosen, "Consumers", headers, rows)


def _consumer_row(member: ConsumerReplica, chosen: ReplicaOptions) -> list[object]:
    return [
        member.consumer, member.stream, member.raft, member.account, member.account_id,
        member.shown_node, member.delivered(chosen.unsynced), member.ack_floor(chosen.unsynced),
        member.counters, member.status, member.leader, member.stream_leader, member.peers,
        *([member.health] if chosen.health else []),
    ]  # fmt: skip
