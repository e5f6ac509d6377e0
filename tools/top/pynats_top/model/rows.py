"""The columns of each table: their titles, widths, what a cell shows, and what rows sort by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pynats_common.go.durations import SECOND_NS, parse_duration_ns

from pynats_top.model.figures import AccountFigures, ConnectionFigures
from pynats_top.model.jetstream import ConsumerFigures, StreamFigures
from pynats_top.model.sizes import count_text, size_text
from pynats_top.model.slow import SlowConsumer


@dataclass(slots=True)
class Look:
    """How figures are shown."""

    raw: bool = False  # plain numbers instead of 1.2K
    rates: bool = False  # per second instead of totals, where there is a rate
    now: int = 0  # nanoseconds since 1970: the server's time
    names: Mapping[str, str] = field(default_factory=dict)  # names of IP addresses


@dataclass(frozen=True)
class Column:
    """One column. `show` makes a cell's text; `order` is what to sort by: numbers and texts."""

    key: str
    title: str
    width: int
    show: Callable[[Any, Look], str]
    order: Callable[[Any], Any]
    right: bool = False
    wide: bool = False  # only where there is room
    server_sort: str = ""  # the server's own name for this order


def _text(key: str, title: str, width: int, of: Callable[[Any], str], **more: Any) -> Column:
    return Column(key, title, width, lambda row, look: of(row), lambda row: of(row).lower(), **more)


def _count(key: str, title: str, width: int, of: Callable[[Any], int], **more: Any) -> Column:
    return Column(
        key, title, width, lambda row, look: count_text(of(row), look.raw), of, True, **more
    )


def _size(key: str, title: str, width: int, of: Callable[[Any], int], **more: Any) -> Column:
    return Column(
        key, title, width, lambda row, look: size_text(of(row), look.raw), of, True, **more
    )


def _number(key: str, title: str, width: int, of: Callable[[Any], int], **more: Any) -> Column:
    return Column(key, title, width, lambda row, look: str(of(row)), of, True, **more)


def _flow(key: str, title: str, width: int, figure: str, **more: Any) -> Column:
    """A counter of a row's traffic, or its rate."""
    rate, written = f"{figure}_rate", size_text if figure.endswith("bytes") else count_text

    def show(row: Any, look: Look) -> str:
        return written(getattr(row.traffic, rate if look.rates else figure), look.raw)

    def order(row: Any) -> Any:
        return getattr(row.traffic, figure)

    return Column(key, title, width, show, order, True, **more)


def _rate(key: str, title: str, width: int, of: Callable[[Any], float], **more: Any) -> Column:
    return Column(key, title, width, lambda row, look: f"{of(row):.1f}", of, True, **more)


def _since(key: str, title: str, width: int, of: Callable[[Any], int], **more: Any) -> Column:
    """How long ago something was."""
    return Column(key, title, width, lambda row, look: ago(of(row), look.now), of, True, **more)


def ago(then: int, now: int) -> str:
    """`3s`, `2m05s`, `4h12m`, `3d7h`; "" for what never was."""
    if not then or now <= 0:
        return ""
    seconds = max(now - then, 0) // SECOND_NS
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 60:
        return f"{seconds}s"
    if minutes < 60:
        return f"{minutes}m{seconds % 60:02d}s"
    return f"{hours}h{minutes % 60:02d}m" if hours < 24 else f"{days}d{hours % 24}h"


def go_time(then: int) -> str:
    """A time as Go prints it, `2026-01-02 03:04:05.678 +0000 UTC`."""
    if not then:
        return "0001-01-01 00:00:00 +0000 UTC"
    seconds, rest = divmod(then, SECOND_NS)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


def host_text(row: ConnectionFigures, look: Look) -> str:
    """`ip:port`, or the name of the address."""
    return look.names.get(row.ip) or row.address


CONNECTION_COLUMNS: Final[tuple[Column, ...]] = (
    Column("host", "HOST", 20, host_text, lambda row: (row.ip, row.port)),
    _number("cid", "CID", 6, lambda row: row.cid, server_sort="cid"),
    _text("name", "NAME", 16, lambda row: row.name),
    _text("account", "ACCOUNT", 12, lambda row: row.account, wide=True),
    _number("subs", "SUBS", 6, lambda row: row.subscriptions, server_sort="subs"),
    _size("pending", "PENDING", 10, lambda row: row.pending, server_sort="pending"),
    _flow("msgs_to", "MSGS_TO", 10, "out_msgs", server_sort="msgs_to"),
    _flow("msgs_from", "MSGS_FROM", 10, "in_msgs", server_sort="msgs_from"),
    _flow("bytes_to", "BYTES_TO", 10, "out_bytes", server_sort="bytes_to"),
    _flow("bytes_from", "BYTES_FROM", 10, "in_bytes", server_sort="bytes_from"),
    _text("lang", "LANG", 7, lambda row: row.lang),
    _text("version", "VERSION", 7, lambda row: row.version),
    Column("uptime", "UPTIME", 8, lambda row, look: row.uptime, lambda row: -row.start,
           server_sort="uptime"),
    Column("rtt", "RTT", 10, lambda row, look: row.rtt, lambda row: rtt_ns(row.rtt), True,
           wide=True, server_sort="rtt"),
    _since("last", "LAST", 7, lambda row: row.last_activity, server_sort="last"),
    _text("subscriptions", "SUBSCRIPTIONS", 40, lambda row: ", ".join(row.subjects)),
)  # fmt: skip

ACCOUNT_COLUMNS: Final[tuple[Column, ...]] = (
    _text("account", "ACCOUNT", 24, lambda row: row.title),
    _number("conns", "CONNS", 7, lambda row: row.connections),
    _number("leafs", "LEAFS", 6, lambda row: row.leafnodes),
    _number("subs", "SUBS", 7, lambda row: row.subscriptions),
    _flow("msgs_to", "MSGS_TO", 10, "out_msgs"),
    _flow("msgs_from", "MSGS_FROM", 10, "in_msgs"),
    _flow("bytes_to", "BYTES_TO", 10, "out_bytes"),
    _flow("bytes_from", "BYTES_FROM", 10, "in_bytes"),
    _number("slow", "SLOW", 6, lambda row: row.slow_consumers),
)

STREAM_COLUMNS: Final[tuple[Column, ...]] = (
    _text("account", "ACCOUNT", 12, lambda row: row.account),
    _text("stream", "STREAM", 20, lambda row: row.name),
    _text("storage", "STORAGE", 7, lambda row: row.storage, wide=True),
    _number("replicas", "REPL", 4, lambda row: row.replicas, wide=True),
    _text("leader", "LEADER", 12, lambda row: row.leader, wide=True),
    _count("messages", "MSGS", 9, lambda row: row.messages),
    _size("bytes", "BYTES", 9, lambda row: row.size),
    _rate("rate", "MSGS/SEC", 10, lambda row: row.messages_rate),
    _number("consumers", "CONS", 5, lambda row: row.consumers),
    _number("first", "FIRST", 10, lambda row: row.first_seq, wide=True),
    _number("last_seq", "LAST", 10, lambda row: row.last_seq),
    _since("last", "AGO", 7, lambda row: row.last),
    _text("subjects", "SUBJECTS", 30, lambda row: ", ".join(row.subjects) or row.source),
)

CONSUMER_COLUMNS: Final[tuple[Column, ...]] = (
    _text("account", "ACCOUNT", 12, lambda row: row.account, wide=True),
    _text("stream", "STREAM", 16, lambda row: row.stream),
    _text("consumer", "CONSUMER", 20, lambda row: row.name),
    _text("mode", "MODE", 4, lambda row: row.mode, wide=True),
    _text("leader", "LEADER", 12, lambda row: row.leader, wide=True),
    _count("pending", "PENDING", 9, lambda row: row.pending),
    _count("ack_pending", "ACK_PENDING", 11, lambda row: row.ack_pending),
    _rate("rate", "MSGS/SEC", 10, lambda row: row.delivered_rate),
    _count("redelivered", "REDELIVERED", 11, lambda row: row.redelivered),
    _number("waiting", "WAITING", 7, lambda row: row.waiting),
    _rate("acked", "ACKS/SEC", 10, lambda row: row.acked_rate, wide=True),
    _since("last", "AGO", 7, lambda row: row.last),
    _text("filters", "FILTERS", 30, lambda row: ", ".join(row.filters), wide=True),
)

SLOW_COLUMNS: Final[tuple[Column, ...]] = (
    _number("cid", "CID", 6, lambda row: row.cid),
    _text("state", "STATE", 6, lambda row: row.state),
    _text("account", "ACCOUNT", 12, lambda row: row.account),
    _text("name", "NAME", 16, lambda row: row.name),
    _text("host", "HOST", 20, lambda row: row.address, wide=True),
    _size("pending", "PENDING", 9, lambda row: row.pending),
    _since("since", "SINCE", 7, lambda row: row.since),
    _text("subjects", "SUBJECTS", 30, lambda row: ", ".join(row.subjects)),
    _text("reason", "REASON", 32, lambda row: row.reason),
)

Row = ConnectionFigures | AccountFigures | StreamFigures | ConsumerFigures | SlowConsumer

TABLES: Final[dict[str, tuple[Column, ...]]] = {
    "connections": CONNECTION_COLUMNS,
    "accounts": ACCOUNT_COLUMNS,
    "streams": STREAM_COLUMNS,
    "consumers": CONSUMER_COLUMNS,
    "slow": SLOW_COLUMNS,
}
"""The columns of the table of each part of a Snapshot, by the field's name."""


def key_of(row: Any) -> Any:
    """What a row is known by from one snapshot to the next."""
    if isinstance(row, (ConnectionFigures, SlowConsumer)):
        return row.cid
    return row.name if isinstance(row, AccountFigures) else row.key


def column_of(columns: Sequence[Column], key: str) -> Column | None:
    """The column with this key."""
    return next((column for column in columns if column.key == key), None)


def ordered(rows: Iterable[Any], column: Column, reverse: bool = False) -> list[Any]:
    """Rows by a column; equal ones as they were."""
    return sorted(rows, key=column.order, reverse=reverse)


def filtered(rows: Sequence[Any], columns: Sequence[Column], needle: str, look: Look) -> list[Any]:
    """Rows that have every word of the filter in some cell of text, in any case."""
    words = needle.lower().split()
    if not words:
        return list(rows)
    shown = [column for column in columns if not column.right or column.key == "cid"]

    def hit(row: Any) -> bool:
        line = "\n".join(column.show(row, look) for column in shown).lower()
        return all(word in line for word in words)

    return [row for row in rows if hit(row)]


def rtt_ns(text: str) -> int:
    """Nanoseconds of `1.5ms`; 0 for what is none."""
    try:
        return parse_duration_ns(text)
    except ValueError:
        return 0
