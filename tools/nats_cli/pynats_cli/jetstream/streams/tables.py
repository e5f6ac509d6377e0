"""Tables of many streams."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pynats_cli.jetstream.streams.screen import active_text, filter_texts
from pynats_cli.screen import human
from pynats_cli.screen.tables import Table

Info = dict[str, Any]
_LEADER_STARS = 10


def by_size(info: Info) -> tuple[int, str]:
    """The order of lists: small streams first."""
    return int(info["state"].get("bytes", 0)), str(info["config"]["name"])


def list_table(streams: Iterable[Info], title: str) -> str:
    """What `stream ls` shows."""
    table = Table(title, ("Name", "Description", "Created", "Messages", "Size", "Last Message"))
    now = time.time_ns()
    for info in streams:
        config, state = info["config"], info["state"]
        table.add(
            config["name"], config.get("description", ""), human.local_time(info.get("created")),
            int(state.get("messages", 0)), human.bytes_text(state.get("bytes", 0)),
            human.since(state.get("last_ts"), now),
        )  # fmt: skip
    return table.render()


def unavailable_tables(missing: Sequence[str], offline: Mapping[str, str]) -> list[str]:
    """Streams of which the servers know only names."""
    found = []
    if missing:
        table = Table("Inaccessible Streams", ("Name",))
        for name in sorted(missing):
            table.add(name)
        found.append(table.render())
    if offline:
        table = Table("Offline Streams", ("Name", "Reason"))
        for name in sorted(offline):
            table.add(name, offline[name])
        found.append(table.render())
    return found


ORDERS: dict[str, Callable[[Info], Any]] = {
    "name": lambda info: info["config"]["name"],
    "consumers": lambda info: (info["state"].get("consumer_count", 0), info["config"]["name"]),
    "messages": lambda info: (info["state"].get("messages", 0), info["config"]["name"]),
    "storage": lambda info: (info["config"].get("storage", ""), info["config"]["name"]),
    "bytes": by_size,
}


def report_table(streams: Iterable[Info], raw: bool) -> str:
    """What `stream report` shows first."""
    table = Table(
        "Stream Report",
        ("Stream", "Storage", "Placement", "Consumers", "Messages", "Bytes", "Lost", "Deleted",
         "API Level", "Replicas"),
    )  # fmt: skip
    for info in streams:
        config, state = info["config"], info["state"]
        lost = len((state.get("lost") or {}).get("msgs") or [])
        numbers = [int(state.get("consumer_count", 0)), int(state.get("messages", 0))]
        size = int(state.get("bytes", 0))
        counts = [lost, int(state.get("num_deleted", 0))]
        table.add(
            config["name"], str(config.get("storage", "")).capitalize(), placement_text(config),
            *(_figure(number, raw) for number in numbers),
            str(size) if raw else human.bytes_text(size),
            *(_figure(number, raw) for number in counts),
            (config.get("metadata") or {}).get("_nats.req.level", ""),
            replicas_text(info.get("cluster") or {}),
        )  # fmt: skip
    return table.render()


def _figure(value: int, raw: bool) -> str:
    return str(value) if raw else human.thousands(value)


def placement_text(config: Mapping[str, Any]) -> str:
    """Where a stream wants to be."""
    placement = config.get("placement") or {}
    parts = [f"cluster: {placement['cluster']}"] if placement.get("cluster") else []
    if placement.get("tags"):
        parts.append(f"tags: {', '.join(placement['tags'])}")
    return " ".join(parts)


def replicas_text(cluster: Mapping[str, Any]) -> str:
    """The servers of a group: `*` marks the leader, `!` one that is away or behind."""
    if not cluster.get("name"):
        return ""
    names = [f"{cluster['leader']}*"] if cluster.get("leader") else []
    for replica in cluster.get("replicas") or []:
        behind = replica.get("offline") or not replica.get("current")
        names.append(f"{replica['name']}{'!' if behind else ''}")
    return ", ".join(sorted(names))


def replication_table(streams: Iterable[Info]) -> str:
    """Mirrors and sources with their lag; "" when there are none."""
    table = Table(
        "Replication Report",
        ("Stream", "Kind", "API Prefix", "Source Stream", "Filters and Transforms", "Active", "Lag",
         "Error"),
    )  # fmt: skip
    for info in streams:
        mirror = info.get("mirror")
        if mirror:
            table.add(*_origin_row(info, "Mirror", mirror))
        for source in info.get("sources") or []:
            table.add(*_origin_row(info, "Source", source))
    return table.render() if table.rows else ""


def _origin_row(info: Info, kind: str, origin: dict[str, Any]) -> list[object]:
    error = origin.get("error") or {}
    external = origin.get("external") or {}
    return [
        info["config"]["name"], kind, external.get("api", ""), origin["name"],
        ", ".join(filter_texts(origin)), active_text(origin), int(origin.get("lag") or 0),
        error.get("description", ""),
    ]  # fmt: skip


def leaders_table(infos: Iterable[Info], what: str) -> str:
    """How many groups each server leads; "" without a cluster. `what` names the groups."""
    counts: dict[tuple[str, str], int] = {}
    for info in infos:
        cluster = info.get("cluster") or {}
        if cluster.get("name") and cluster.get("leader"):
            key = (cluster["leader"], cluster["name"])
            counts[key] = counts.get(key, 0) + 1
    if not counts:
        return ""
    table = Table("RAFT Leader Report", ("Server", "Cluster", what, "Distribution"))
    total = sum(counts.values())
    for (server, cluster_name), count in sorted(counts.items(), key=lambda row: (row[1], row[0])):
        table.add(server, cluster_name, count, "*" * round(_LEADER_STARS * count / total))
    return table.render()


def dot_graph(streams: Iterable[Info]) -> str:
    """The flow between streams in the language of GraphViz."""
    streams = list(streams)
    names = {str(info["config"]["name"]) for info in streams}
    arrows: list[tuple[str, str, str]] = []
    for info in streams:
        name, mirror = info["config"]["name"], info.get("mirror")
        if mirror:
            arrows.append((_full_name(mirror), name, 'color="blue",label="Mirror"'))
        arrows += [(_full_name(each), name, 'color="green"') for each in info.get("sources") or []]
    names |= {origin for origin, _, _ in arrows}
    number = {name: index for index, name in enumerate(sorted(names), start=1)}
    lines = ["digraph {", '\tlabel="Stream Replication Structure";']
    lines += [f'\tn{number[name]}[label="{_escaped(name)}"];' for name in sorted(names)]
    lines += [f"\tn{number[start]}->n{number[end]}[{how}];" for start, end, how in sorted(arrows)]
    return "\n".join([*lines, "}", ""])


def _full_name(origin: dict[str, Any]) -> str:
    external = origin.get("external") or {}
    return f"{origin['name']} ({external['api']})" if external.get("api") else str(origin["name"])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def subjects_table(counts: Mapping[str, int], stream: str, order: str, reverse: bool) -> str:
    """Subjects with their messages, in as many columns as fit."""
    rows = sorted_subjects(counts, order, reverse)
    widest = max(len(subject) + len(human.thousands(count)) for subject, count in rows)
    columns = min(3 if widest < 20 else 2 if widest < 30 else 1, len(rows))
    height = -(-len(rows) // columns)
    title = (
        f"{human.thousands(len(rows))} Subject{'s' if len(rows) != 1 else ''} in stream {stream}"
    )
    table = Table(title, ("Subject", "Count") * columns)
    for index in range(height):
        cells: list[object] = []
        for column in range(columns):
            place = column * height + index
            cells += rows[place] if place < len(rows) else ("", "")
        table.add(*cells)
    return table.render()


def sorted_subjects(counts: Mapping[str, int], order: str, reverse: bool) -> list[tuple[str, int]]:
    """Subjects by name, or with the fewest messages first."""
    by_name = order in ("name", "subjects")
    return sorted(
        counts.items(), key=lambda row: row[0] if by_name else (row[1], row[0]), reverse=reverse
    )
