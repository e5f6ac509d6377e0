"""Who does not keep up: connections with bytes waiting for them, and those ended for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pynats_top.model.connections import ConnectionFigures
from pynats_top.model.values import instant, integer, text, texts

PENDING_MIN = 64 * 1024
"""Fewer bytes wait for every busy connection now and then."""

REASON = "Slow Consumer"  # how a server begins the reason of a connection that it has ended for it
BEHIND, CLOSED = "behind", "closed"


@dataclass(slots=True)
class SlowConsumer:
    """One of them: since when (nanoseconds since 1970), and which subjects it listens to."""

    cid: int
    state: str  # BEHIND or CLOSED
    account: str
    user: str
    name: str
    address: str
    lang: str
    subjects: tuple[str, ...]
    since: int
    pending: int
    reason: str


def slow_consumers(
    connections: Iterable[ConnectionFigures],
    closed: Iterable[dict[str, Any]],
    stalls_before: Mapping[int, int],
    before: Sequence[SlowConsumer],
) -> list[SlowConsumer]:
    """Those behind, most bytes first; then those ended, the last one first.

    A connection is behind when many bytes wait for it in two polls, or when it has made publishers
    wait between them. Who was behind stays until nothing waits any more.
    """
    was_behind = {slow.cid: slow for slow in before if slow.state == BEHIND}
    behind: dict[int, SlowConsumer] = {}
    for connection in connections:
        known = was_behind.get(connection.cid)
        reason = _reason(connection, stalls_before, known)
        if reason:
            behind[connection.cid] = _behind(connection, reason, known)
    ended = [_ended(row) for row in closed if text(row.get("reason")).startswith(REASON)]
    for slow in ended:
        behind.pop(slow.cid, None)  # while it ends, a server has it in both lists
    ended.sort(key=lambda slow: slow.since, reverse=True)
    return [*sorted(behind.values(), key=lambda slow: (-slow.pending, slow.cid)), *ended]


def _reason(
    connection: ConnectionFigures, stalls_before: Mapping[int, int], known: SlowConsumer | None
) -> str:
    stalls = connection.stalls - stalls_before.get(connection.cid, connection.stalls)
    if stalls > 0:
        return f"publishers waited {stalls} times"
    seen_before = connection.cid in stalls_before
    if known is not None and connection.pending:
        return known.reason
    if connection.pending >= PENDING_MIN and seen_before:
        return "pending bytes"
    return ""


def _behind(connection: ConnectionFigures, reason: str, known: SlowConsumer | None) -> SlowConsumer:
    return SlowConsumer(
        cid=connection.cid,
        state=BEHIND,
        account=connection.account or (known.account if known else ""),
        user=connection.user or (known.user if known else ""),
        name=connection.name,
        address=connection.address,
        lang=connection.lang,
        subjects=connection.subjects or (known.subjects if known else ()),
        since=(known.since if known else 0) or connection.pending_since,
        pending=connection.pending,
        reason=reason,
    )


def _ended(row: dict[str, Any]) -> SlowConsumer:
    return SlowConsumer(
        cid=integer(row.get("cid")),
        state=CLOSED,
        account=text(row.get("account")),
        user=text(row.get("authorized_user")),
        name=text(row.get("name")),
        address=f"{text(row.get('ip'))}:{integer(row.get('port'))}",
        lang=text(row.get("lang")),
        subjects=texts(row.get("subscriptions_list")),
        since=instant(row.get("stop")),
        pending=integer(row.get("pending_bytes")),
        reason=text(row.get("reason")),
    )
