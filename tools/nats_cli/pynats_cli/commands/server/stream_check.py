"""`pynats server stream-check`: what every server says of its replicas of streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynats_cli.commands.server.replica_options import (
    ReplicaOptions,
    Source,
    chosen_members,
    show_rows,
)
from pynats_cli.replicas.streams import StreamReplica, stream_groups
from pynats_cli.screen.output import note

if TYPE_CHECKING:
    from pynats_cli.global_options import GlobalOptions

_HEADERS = (
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
    headers = (*_HEADERS, "Health") if chosen.health else _HEADERS
    rows = [_row(member, chosen.health) for member in members if isinstance(member, StreamReplica)]
    show_rows(chosen, "Streams", headers, rows)


def _row(member: StreamReplica, health: bool) -> list[object]:
    return [
        member.stream, member.raft, member.account, member.account_id, member.shown_node,
        *(member.compared[name] for name in _FIGURES), member.status, member.leader,
        member.peers, *([member.health] if health else []),
    ]  # fmt: skip
