"""A client as others are told of it: services of other accounts, listeners of events, advisories.
ADR-3 of the NATS architecture notes names the fields."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from pynats_common.go.durations import rtt_ns
from pynats_common.go.times import format_time_s

from pynats_server.clients.closed import issuer_of, shown_user
from pynats_server.core.client import ClientConnection


class ClientInfo(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Who it is, as far as is known; in the order of the real server. This one is in no cluster."""

    start: str = ""
    host: str = ""
    id: int = 0
    acc: str = ""
    svc: str = ""
    user: str = ""
    name: str = ""
    lang: str = ""
    ver: str = ""
    rtt: int = 0
    server: str = ""
    stop: str = ""
    issuer_key: str = ""
    name_tag: str = ""
    kind: str = ""
    client_type: str = ""
    reply: str = ""

    def as_dict(self) -> dict[str, Any]:
        """What is known."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


FIELDS: Final = ClientInfo.__struct_fields__


def describe(client: ClientConnection, account: str) -> ClientInfo:
    """A client, as it said itself when it last logged in or tried to."""
    said = client.context.said
    return ClientInfo(
        start=format_time_s(client.start),
        host=client.host,
        id=client.cid,
        acc=account,
        user=shown_user(client),
        name=said.name,
        lang=said.lang,
        ver=said.version,
        issuer_key=issuer_of(client),
        rtt=rtt_ns(client.rtt),
        kind="Client",
        client_type="nats",
    )
