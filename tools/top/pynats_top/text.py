"""One snapshot as the original writes it: its grid, and its text with a delimiter.

Both are its interface to scripts, blanks at line ends included.
"""

from __future__ import annotations

from typing import Final

from pynats_top.model.figures import ConnectionFigures, Snapshot
from pynats_top.model.rates import Traffic
from pynats_top.model.rows import Look, go_time, host_text
from pynats_top.model.sizes import count_text, size_text

_HEADERS: Final = (
    "SUBS", "PENDING", "MSGS_TO", "MSGS_FROM", "BYTES_TO", "BYTES_FROM", "LANG", "VERSION",
    "UPTIME", "LAST_ACTIVITY",
)  # fmt: skip
_WIDTHS: Final = (6, 10, 10, 10, 10, 10, 7, 7, 7, 40)
_HOST_WIDTH, _PADDING = 15, 2


def grid(snapshot: Snapshot, look: Look, subscriptions: bool) -> str:
    """The head, and a line for each connection."""
    lines = head(snapshot, look)
    lines += ["", f"Connections Polled: {snapshot.polled}"]
    return "\n".join([*lines, *table(snapshot, look, subscriptions), ""])


def head(snapshot: Snapshot, look: Look) -> list[str]:
    """The six lines about the server."""
    server = snapshot.server
    name = server.name if server.name != server.id else ""
    return [
        f"NATS server version {server.version} (uptime: {server.uptime}) {snapshot.error}",
        f"Server: {name}",
        f"  ID:   {server.id}",
        f"  Load: CPU:  {server.cpu:.1f}%  Memory: {size_text(server.memory)}"
        f"  Slow Consumers: {server.slow_consumers}",
        "  In:   " + "  ".join(" ".join(pair) for pair in flow(server.traffic, "in", look)),
        "  Out:  " + "  ".join(" ".join(pair) for pair in flow(server.traffic, "out", look)),
    ]


def flow(traffic: Traffic, way: str, look: Look) -> list[tuple[str, str]]:
    """What goes in or out: labels and figures."""
    messages, size = getattr(traffic, f"{way}_msgs"), getattr(traffic, f"{way}_bytes")
    per_second = getattr(traffic, f"{way}_msgs_rate")
    size_rate = getattr(traffic, f"{way}_bytes_rate")
    return [
        ("Msgs:", count_text(messages, look.raw)),
        ("Bytes:", size_text(size, look.raw)),
        ("Msgs/Sec:", f"{per_second:.1f}"),
        ("Bytes/Sec:", size_text(size_rate, look.raw)),
    ]


def table(snapshot: Snapshot, look: Look, subscriptions: bool) -> list[str]:
    """The header row and the rows. There is no NAME if no connection has one."""
    hosts = [host_text(row, look) for row in snapshot.connections]
    host_width = _grown(_HOST_WIDTH, hosts)
    name_width = _grown(0, [row.name for row in snapshot.connections])
    named = name_width > 0

    def line(host: str, cid: object, name: str, cells: list[str], subjects: str) -> str:
        name_cell = f"{name:<{name_width}} " if named else ""
        rest = "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
        return f"  {host:<{host_width}}  {cid:<6} {name_cell}{rest}{subjects}"

    shown = "SUBSCRIPTIONS" if subscriptions else ""
    lines = [line("HOST", "CID", "NAME", list(_HEADERS), shown)]
    for host, row in zip(hosts, snapshot.connections, strict=True):
        subjects = ", ".join(row.subjects) if subscriptions else ""
        lines.append(line(host, row.cid, row.name, cells(row, look), subjects))
    return lines


def _grown(width: int, words: list[str]) -> int:
    """The original's width of a column: it makes room for two more than a word that has none, so
    that the order of the words counts; and it counts bytes."""
    for word in words:
        size = len(word.encode("utf-8", "replace"))
        if size > width:
            width = max(size + _PADDING, len("NAME"))
    return width


def cells(row: ConnectionFigures, look: Look) -> list[str]:
    """The cells from SUBS to LAST_ACTIVITY."""
    traffic, rate = row.traffic, "_rate" if look.rates else ""

    def of(figure: str) -> float:
        return float(getattr(traffic, figure + rate))

    return [
        str(row.subscriptions),
        count_text(row.pending, look.raw),
        count_text(of("out_msgs"), look.raw),
        count_text(of("in_msgs"), look.raw),
        size_text(of("out_bytes"), look.raw),
        size_text(of("in_bytes"), look.raw),
        row.lang,
        row.version,
        row.uptime,
        go_time(row.last_activity),
    ]


def delimited(snapshot: Snapshot, look: Look, subscriptions: bool, delimiter: str) -> str:
    """The same with a delimiter instead of widths: always with NAME, totals instead of rates,
    subscriptions with two blanks between them, and nothing quoted."""
    server = snapshot.server
    lines = [
        ["NATS server version", server.version, f"(uptime: {server.uptime})", snapshot.error],
        ["Server:"],
        ["Load:", "CPU:", f"{server.cpu:.1f}%", "Memory:", size_text(server.memory),
         "Slow Consumers:", str(server.slow_consumers)],
        ["In:", *_flat(flow(server.traffic, "in", look))],
        ["Out:", *_flat(flow(server.traffic, "out", look))],
        [],
        ["Connections Polled:", str(snapshot.polled)],
        ["HOST", "CID", "NAME", *_HEADERS, *(["SUBSCRIPTIONS"] if subscriptions else [])],
    ]  # fmt: skip
    totals = Look(raw=look.raw, names=look.names)
    for row in snapshot.connections:
        subjects = ["  ".join(row.subjects)] if subscriptions else []
        lines.append([host_text(row, look), str(row.cid), row.name, *cells(row, totals), *subjects])
    return "".join(delimiter.join(line) + "\n" for line in lines)


def _flat(pairs: list[tuple[str, str]]) -> list[str]:
    return [word for pair in pairs for word in pair]
