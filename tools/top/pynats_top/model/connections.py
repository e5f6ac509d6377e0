"""Connections as /connz has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pynats_top.model.rates import Flow, Traffic
from pynats_top.model.values import instant, integer, objects, text, texts


@dataclass(slots=True)
class ConnectionFigures:
    """One connection as /connz has it. `traffic.into` is what it sent to the server (MSGS_FROM),
    `traffic.out` what it was sent (MSGS_TO)."""

    cid: int
    kind: str
    type: str
    ip: str
    port: int
    name: str
    lang: str
    version: str
    account: str
    user: str
    start_time: str
    last_activity_time: str
    uptime: str
    idle: str
    rtt: str
    subscriptions: int
    pending: int
    stalls: int
    traffic: Traffic
    subjects: tuple[str, ...] = ()
    pending_since: int = 0  # when pending bytes were first seen, without a poll without them since
    tls: str = ""

    @property
    def start(self) -> int:
        """Nanoseconds since 1970. Read when it is asked for: a thousand rows have such times, and
        few of them are shown."""
        return instant(self.start_time)

    @property
    def last_activity(self) -> int:
        """The same of the last message."""
        return instant(self.last_activity_time)

    @property
    def address(self) -> str:
        """`ip:port`, as the original writes it: IPv6 without brackets."""
        return f"{self.ip}:{self.port}"


def traffic_of(row: dict[str, Any], before: Traffic | None, seconds: float) -> Traffic:
    """What a row's four counters say, with rates over these seconds since the row before."""
    return Traffic.since(
        before, seconds,
        Flow(integer(row.get("in_msgs")), integer(row.get("in_bytes"))),
        Flow(integer(row.get("out_msgs")), integer(row.get("out_bytes"))),
    )  # fmt: skip


def connections(
    connz: dict[str, Any], known: Mapping[int, ConnectionFigures], seconds: float
) -> dict[int, ConnectionFigures]:
    """By their number, in the server's order; `known` are those of the poll before."""
    now = instant(connz.get("now"))
    found: dict[int, ConnectionFigures] = {}
    for row in objects(connz.get("connections")):
        cid = integer(row.get("cid"))
        found[cid] = _connection(row, cid, known.get(cid), seconds, now)
    return found


def with_subjects(
    found: dict[int, ConnectionFigures], others: dict[int, ConnectionFigures]
) -> dict[int, ConnectionFigures]:
    """Subjects of those that another answer has."""
    for cid in found.keys() & others.keys():
        found[cid].subjects = found[cid].subjects or others[cid].subjects
    return found


def _connection(
    row: dict[str, Any], cid: int, before: ConnectionFigures | None, seconds: float, now: int
) -> ConnectionFigures:
    pending = integer(row.get("pending_bytes"))
    since = (before.pending_since if before else 0) or now
    start = row.get("start")
    # What a connection has said of itself stays.
    known = before if before is not None and before.start_time == start else None
    return ConnectionFigures(
        cid=cid,
        kind=known.kind if known else text(row.get("kind")),
        type=known.type if known else text(row.get("type")),
        ip=known.ip if known else text(row.get("ip")),
        port=integer(row.get("port")),
        name=known.name if known else text(row.get("name")),
        lang=known.lang if known else text(row.get("lang")),
        version=known.version if known else text(row.get("version")),
        account=text(row.get("account")),
        user=text(row.get("authorized_user")),
        start_time=known.start_time if known else text(start),
        last_activity_time=text(row.get("last_activity")),
        uptime=text(row.get("uptime")),
        idle=text(row.get("idle")),
        rtt=text(row.get("rtt")),
        subscriptions=integer(row.get("subscriptions")),
        pending=pending,
        stalls=integer(row.get("stalls")),
        traffic=traffic_of(row, before.traffic if before else None, seconds),
        subjects=texts(row.get("subscriptions_list")),
        pending_since=since if pending > 0 else 0,
        tls=known.tls if known else text(row.get("tls_version")),
    )
