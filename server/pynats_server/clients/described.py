"""A client as others are told of it: services of other accounts, listeners of events, advisories.
ADR-3 of the NATS architecture notes names the fields."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from pynats_common.go.durations import rtt_ns
from pynats_common.go.times import format_time_s

from pynats_server.clients.shown import issuer_of, jwt_of, name_tag_of, shown_user, tags_of
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
    jwt: str = ""
    issuer_key: str = ""
    name_tag: str = ""
    tags: list[str] = msgspec.field(default_factory=list)
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
        jwt=jwt_of(client),
        issuer_key=issuer_of(client),
        name_tag=name_tag_of(client),
        tags=tags_of(client),
        rtt=rtt_ns(client.rtt),
        kind="Client",
        client_type="nats",
    )
