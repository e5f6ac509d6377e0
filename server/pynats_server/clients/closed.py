"""Closed connections: the figures that /connz still shows of them."""

from __future__ import annotations

import time
from dataclasses import field
from typing import Any

from pynats_common.go.durations import SECOND_NS
from pynats_common.go.text import text_of
from pynats_common.records import dataclass

from pynats_server.clients.shown import issuer_of, jwt_of, proxy_of, shown_user, tags_of
from pynats_server.core.client import ClientConnection
from pynats_server.core.reasons import CloseReason

# Subscriptions kept per connection, so that a full ring of closed connections stays small.
SUBSCRIPTIONS_KEPT = 256


@dataclass(frozen=True, slots=True)
class ClosedSubscription:
    """One subscription at the moment its connection ended."""

    subject: str
    queue: str
    sid: str
    delivered: int
    max: int  # 0 = no limit


@dataclass(frozen=True, slots=True)
class ClosedConnection:
    """Times are wall clock seconds, `rtt` is ns (0 = unknown). `subscriptions` holds the first
    SUBSCRIPTIONS_KEPT of `subscription_count`."""

    cid: int
    host: str
    port: int
    start: float
    last_activity: float
    stop_time: float
    reason: CloseReason
    rtt: int
    in_msgs: int
    out_msgs: int
    in_bytes: int
    out_bytes: int
    stalls: int
    throttles: int
    refusals: int
    pending_bytes: int
    subscription_count: int
    subscriptions: tuple[ClosedSubscription, ...]
    name: str
    lang: str
    version: str
    user: str
    account: str  # empty when it never had one
    issuer_key: str  # of its user
    jwt: str = field(repr=False)  # its user's, or what it came with in vain
    tags: tuple[str, ...]  # of its user
    proxy: str  # public key of the trusted proxy it came through; empty = none
    behind_on: str  # the subject of the subscription that it was behind with last; empty = none
    tls_version: str = ""  # empty = there was no TLS
    tls_cipher: str = ""
    tls_first: bool = False  # the handshake came before INFO

    @classmethod
    def capture(
        cls, client: ClientConnection, stop_time: float, reason: CloseReason
    ) -> ClosedConnection:
        """Copies the figures of a closing client, while they can still be read."""
        idle = (time.monotonic_ns() - client.last_activity) / SECOND_NS
        count = client.subscription_count
        kept = client.subscription_list(SUBSCRIPTIONS_KEPT)
        return cls(
            cid=client.cid,
            host=client.host,
            port=client.port,
            start=client.start,
            last_activity=max(client.start, stop_time - idle),
            stop_time=stop_time,
            reason=reason,
            rtt=client.rtt,
            in_msgs=client.in_msgs,
            out_msgs=client.out_msgs,
            in_bytes=client.in_bytes,
            out_bytes=client.out_bytes,
            stalls=client.stalls,
            throttles=client.throttles,
            refusals=client.refusals,
            pending_bytes=client.pending_bytes,
            subscription_count=count,
            subscriptions=tuple(_remember(sub) for sub in kept),
            name=client.name or _said(client, "name"),
            lang=client.lang or _said(client, "lang"),
            version=client.version or _said(client, "version"),
            user=shown_user(client),
            account=client.account.name if client.account is not None else "",
            issuer_key=issuer_of(client),
            jwt=jwt_of(client),
            tags=tuple(tags_of(client)),
            proxy=proxy_of(client),
            behind_on=text_of(client.behind_on or b""),
            **_tls(client),
        )


def _tls(client: ClientConnection) -> dict[str, Any]:
    """What TLS it had."""
    session = client.context
    tls = session.hello.tls if session is not None else None
    if tls is None:
        return {}
    return {
        "tls_version": tls.version,
        "tls_cipher": tls.cipher,
        "tls_first": session.tls_first,
    }


def _remember(sub: object) -> ClosedSubscription:
    return ClosedSubscription(
        subject=text_of(getattr(sub, "subject", b"")),
        queue=text_of(getattr(sub, "queue", b"")),
        sid=text_of(getattr(sub, "sid", b"")),
        delivered=getattr(sub, "delivered", 0),
        max=getattr(sub, "max", 0),
    )


def _said(client: ClientConnection, field: str) -> str:
    """The fields of CONNECT, also for a refused client."""
    return str(getattr(client.context.said, field, "")) if client.context is not None else ""
