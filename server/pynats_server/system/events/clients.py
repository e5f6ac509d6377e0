"""Events of one client: it connected, it was refused, it has gone."""

from __future__ import annotations

import time

import msgspec
from pynats_common.go.times import format_time_ns
from pynats_common.ids.nuid import new_nuid

from pynats_server.clients.described import ClientInfo, describe
from pynats_server.core.client import ClientConnection
from pynats_server.monitor.traffic import Moved, moved_in, moved_out
from pynats_server.options import GLOBAL_ACCOUNT
from pynats_server.system.events.outbox import TYPE_PREFIX, Body


class Connect(msgspec.Struct, kw_only=True):
    type: str
    id: str
    timestamp: str
    server: msgspec.Raw
    client: ClientInfo


class Disconnect(Connect, kw_only=True):
    """`sent` is what the client has sent."""

    sent: Moved
    received: Moved
    reason: str


def _described(client: ClientConnection, account: str, tag: str) -> ClientInfo:
    who = describe(client, account)
    who.name_tag = tag
    return who


def account_of(client: ClientConnection) -> str:
    """The name of its account; before it has one that is the global account."""
    return client.account.name if client.account is not None else GLOBAL_ACCOUNT


def connected(client: ClientConnection, tag: str) -> Body:
    """It has an account now, which people call `tag`."""
    now_ns = time.time_ns()
    who = _described(client, account_of(client), tag)
    who.rtt = 0  # of an earlier log-in

    def body(server: msgspec.Raw) -> Connect:
        return Connect(
            type=TYPE_PREFIX + "client_connect",
            id=new_nuid(),
            timestamp=format_time_ns(now_ns),
            server=server,
            client=who,
        )

    return body


def disconnected(client: ClientConnection, account: str, tag: str, reason: str) -> Body:
    """It has gone, or is about to."""
    now_ns = time.time_ns()
    who = _described(client, account, tag)
    sent = moved_in(client)
    received = moved_out(client)

    def body(server: msgspec.Raw) -> Disconnect:
        timestamp = who.stop = format_time_ns(now_ns)
        return Disconnect(
            type=TYPE_PREFIX + "client_disconnect",
            id=new_nuid(),
            timestamp=timestamp,
            server=server,
            client=who,
            sent=sent,
            received=received,
            reason=reason,
        )

    return body
