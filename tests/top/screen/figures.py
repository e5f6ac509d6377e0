"""Answers of servers that never change, and a source that gives them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pynats_top.collect.source import (
    ACCOUNTS,
    CONNECTIONS,
    CONSUMERS,
    SLOW,
    STREAMS,
    Poll,
    SourceError,
    Want,
)

EVIL = "[red]evil[/red]\x1b[31m\r\n"
_SECOND = "2026-11-30T14:00:{:02d}.5Z"


def _connection(cid: int, second: int, **more: Any) -> dict[str, Any]:
    return {
        "cid": cid, "kind": "Client", "type": "nats", "ip": "127.0.0.1", "port": 50000 + cid,
        "name": f"worker-{cid}", "lang": "python3" if cid % 2 else "go", "version": "2.9.1",
        "start": _SECOND.format(0), "last_activity": _SECOND.format(second), "rtt": "312µs",
        "uptime": f"{second}s", "idle": "0s", "pending_bytes": 0, "subscriptions": 2,
        "in_msgs": 40 * cid * second, "in_bytes": 4000 * cid * second,
        "out_msgs": 1500 * second, "out_bytes": 150_000 * second,
        "subscriptions_list": ["orders.new", f"orders.{cid}"], **more,
    }  # fmt: skip


def connections(second: int, number: int = 30) -> list[dict[str, Any]]:
    found = [_connection(cid, second) for cid in range(5, 5 + number - 3)]
    return [
        *found,
        _connection(90, second, ip="2001:db8::7", name=EVIL, pending_bytes=3_000_000),
        _connection(91, second, name="渋谷の端末", subscriptions=0),
        _connection(92, second, name="", uptime="3d4h5m6s"),
    ]


def varz(second: int, name: str = "alpha") -> dict[str, Any]:
    return {
        "server_id": f"N{name.upper():X<55}", "server_name": name, "version": "2.15.1",
        "start": "2026-11-30T13:00:00Z", "now": _SECOND.format(second), "uptime": f"1h0m{second}s",
        "cpu": 7.5, "mem": 30 << 20, "connections": 30, "total_connections": 44,
        "subscriptions": 60, "slow_consumers": 2, "in_msgs": 40_000 * second,
        "in_bytes": 4_000_000 * second, "out_msgs": 45_000 * second,
        "out_bytes": 4_500_000 * second, "cluster": {"name": "east"},
    }  # fmt: skip


def _account(name: str, moved: int) -> dict[str, Any]:
    return {
        "acc": name, "name": name, "conns": 10, "leafnodes": 1, "total_conns": 11,
        "num_subscriptions": 20, "slow_consumers": 1,
        "sent": {"msgs": moved, "bytes": moved * 100},
        "received": {"msgs": moved // 2, "bytes": moved * 50},
    }  # fmt: skip


def _stream(name: str, second: int, consumers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "config": {"subjects": [f"{name.lower()}.>"], "storage": "file", "num_replicas": 3},
        "state": {
            "messages": 1_234_567, "bytes": 345 << 20, "first_seq": 1, "last_seq": 900 * second,
            "last_ts": _SECOND.format(second - 1), "consumer_count": len(consumers),
        },
        "cluster": {"leader": "alpha"},
        "consumer_detail": consumers,
    }  # fmt: skip


def _consumer(stream: str, name: str, second: int) -> dict[str, Any]:
    return {
        "stream_name": stream, "name": name, "num_pending": 12_345, "num_ack_pending": 70,
        "num_redelivered": 3, "num_waiting": 4, "cluster": {"leader": "alpha"},
        "config": {"ack_policy": "explicit", "filter_subject": f"{stream.lower()}.new"},
        "delivered": {"consumer_seq": 300 * second, "stream_seq": 9},
        "ack_floor": {"consumer_seq": 290 * second, "stream_seq": 8},
    }  # fmt: skip


def jsz(second: int) -> dict[str, Any]:
    orders = [_consumer("ORDERS", name, second) for name in ("billing", "shipping")]
    streams = [_stream("ORDERS", second, orders), _stream("EVENTS", second, [])]
    return {
        "now": _SECOND.format(second),
        "account_details": [{"name": "SHOP", "id": "SHOP", "stream_detail": streams}],
    }


CLOSED = {
    "connections": [
        {
            "cid": 3, "ip": "10.0.0.9", "port": 4711, "name": "late", "account": "SHOP",
            "reason": "Slow Consumer (Pending Bytes)", "stop": "2026-11-30T13:59:30Z",
            "subscriptions_list": ["orders.>"],
        }
    ]
}  # fmt: skip


@dataclass
class FixedSource:
    """Says the same until `second` is changed. `wants` is what it was asked for."""

    label: str = "127.0.0.1:8222"
    name: str = "alpha"
    number: int = 30
    error: str = ""
    second: int = 10
    asked: list[int] = field(default_factory=list)
    wants: list[Want] = field(default_factory=list)
    closed: bool = False

    async def poll(self, want: Want) -> Poll:
        self.wants.append(want)
        if self.error:
            raise SourceError(self.error)
        second = self.second
        poll = Poll(float(second), varz(second, self.name))
        if CONNECTIONS in want.parts:
            rows = connections(second, self.number)[: want.limit]
            poll.connz = {"now": _SECOND.format(second), "num_connections": len(rows),
                          "total": self.number, "connections": rows}  # fmt: skip
        if ACCOUNTS in want.parts:
            accounts = [_account("SHOP", 700 * second), _account("$G", 0)]
            poll.accounts = {"now": _SECOND.format(second), "account_statz": accounts}
        if {STREAMS, CONSUMERS} & want.parts:
            poll.jsz = jsz(second)
        if SLOW in want.parts:
            poll.closed = CLOSED
            poll.pending = {
                "now": _SECOND.format(second),
                "connections": connections(second)[-3:-2],
            }
        return poll

    def due_in_s(self, interval_s: float) -> float:
        return interval_s

    async def connection(self, cid: int) -> dict[str, Any] | None:
        self.asked.append(cid)
        if self.error:
            raise SourceError(self.error)
        found = [row for row in connections(self.second, self.number) if row["cid"] == cid]
        if not found:
            return None
        listed = [{"subject": "orders.new", "qgroup": "workers", "sid": "1", "msgs": 12},
                  {"subject": EVIL, "sid": "2", "msgs": 0}]  # fmt: skip
        return {**found[0], "subscriptions_list_detail": listed}

    async def close(self) -> None:
        self.closed = True
