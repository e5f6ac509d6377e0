"""The tables of `server report jetstream`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from pynats_cli.commands.server.compact import compact_names
from pynats_cli.screen.human import bytes_text, duration
from pynats_cli.screen.tables import Table

_STARS = 10


class Row(Protocol):
    """What a server told."""

    @property
    def server(self) -> dict[str, Any]: ...
    @property
    def data(self) -> dict[str, Any]: ...
    @property
    def name(self) -> str: ...
    @property
    def cluster(self) -> str: ...
    @property
    def streams(self) -> int: ...
    @property
    def consumers(self) -> int: ...
    @property
    def messages(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def memory(self) -> int: ...
    @property
    def file(self) -> int: ...
    @property
    def api(self) -> int: ...


def screens(rows: Sequence[Row], account: str, compact: bool, leaders: bool) -> str:
    """The summary, the meta group as its leader sees it, and who leads how much."""
    parts = [_summary(rows, account, compact).render()]
    leader = next((row for row in rows if _leads(row)), None)
    clustered = [row for row in rows if row.data.get("meta_cluster")]
    if leader is not None:
        parts.append(_meta_group(leader, compact).render())
        if leaders:
            for label, field in (("Stream", "streams_leader"), ("Consumer", "consumers_leader")):
                parts.append(_leaders(rows, label, field).render())
    elif clustered:
        parts.append(_no_leader(clustered))
    return "\n\n".join(parts)


def _meta(row: Row) -> dict[str, Any]:
    return row.data.get("meta_cluster") or {}


def _leads(row: Row) -> bool:
    return bool(_meta(row).get("leader")) and _meta(row).get("leader") == row.server.get("name")


def _summary(rows: Sequence[Row], account: str, compact: bool) -> Table:
    domains = any(row.server.get("domain") for row in rows)
    headers = ["Server", "Cluster", *(["Domain"] if domains else []), "Streams", "Consumers",
               "Messages", "Bytes", "Memory", "File", "API Req",
               "Pending", "Quorum Sz", "Rescuing"]  # fmt: skip
    title = "JetStream Summary" + (f" for Account {account}" if account else "")
    table = Table(title, headers)
    names = [row.name for row in rows]
    for row, name in zip(rows, compact_names(names) if compact else names, strict=True):
        meta = _meta(row)
        quorum = meta.get("quorum_needed")
        table.add(
            f"{name}*" if _leads(row) else name,
            row.cluster,
            *([row.server.get("domain") or ""] if domains else []),
            *_figures([row]),
            int(meta.get("pending") or 0),
            "" if quorum is None else int(quorum),
            ("true" if meta.get("rescuing") else "false") if meta else "",
        )
    pending = sum(int(_meta(row).get("pending") or 0) for row in rows)
    table.total("", "", *([""] if domains else []), *_figures(rows), pending, "", "")
    return table


def _figures(rows: Sequence[Row]) -> list[object]:
    return [
        sum(row.streams for row in rows),
        sum(row.consumers for row in rows),
        sum(row.messages for row in rows),
        bytes_text(sum(row.size for row in rows)),
        bytes_text(sum(row.memory for row in rows)),
        bytes_text(sum(row.file for row in rows)),
        sum(row.api for row in rows),
    ]


def _meta_group(leader: Row, compact: bool) -> Table:
    meta = _meta(leader)
    replicas = sorted(meta.get("replicas") or (), key=lambda each: str(each.get("name")))
    table = Table(
        f"RAFT Meta Group Information - Lead cluster: {leader.cluster}",
        ("Connection Name", "ID", "Leader", "Current", "Online", "Active", "Lag"),
    )
    peers = [
        (leader.name, str(meta.get("peer") or ""), "yes", "true", "true", "0s", "0"),
        *(
            (
                str(each.get("name") or ""), str(each.get("peer") or ""), "",
                _yes(each.get("current")), _yes(not each.get("offline")),
                duration(int(each.get("active") or 0)) if each.get("active") else "0s",
                f"{int(each.get('lag') or 0):,}",
            )
            for each in replicas
        ),
    ]  # fmt: skip
    peers.sort()
    names = [peer[0] for peer in peers]
    for name, peer in zip(compact_names(names) if compact else names, peers, strict=True):
        table.add(name, *peer[1:])
    return table


def _leaders(rows: Sequence[Row], label: str, field: str) -> Table:
    table = Table("RAFT Leader Report", ("Server", "Cluster", f"{label} Leaders", "Distribution"))
    counts = {row.name: int(row.data.get(field) or 0) for row in rows}
    everything = sum(counts.values())
    for row in sorted(rows, key=lambda row: counts[row.name]):
        count = counts[row.name]
        stars = "*" * round(count * _STARS / everything) if everything else ""
        table.add(row.name, row.cluster, count, stars)
    return table


def _no_leader(rows: Sequence[Row]) -> str:
    size = max(int(_meta(row).get("cluster_size") or 0) for row in rows)
    quorum = max(int(_meta(row).get("quorum_needed") or size // 2 + 1) for row in rows)
    return (
        f"\nWARNING: No cluster meta leader found. The cluster expects {size} nodes but only "
        f"{len(rows)} responded. JetStream operation requires at least {quorum} up nodes."
    )


def _yes(value: object) -> str:
    return "true" if value else "false"
