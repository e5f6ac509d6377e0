"""Who asks a service of another account: the header `Nats-Request-Info`."""

from __future__ import annotations

import json
from typing import Any

from pynats_common.go.durations import rtt_ns
from pynats_common.go.text import text_of

from pynats_server.clients.described import FIELDS, ClientInfo, describe
from pynats_server.core.account import Account
from pynats_server.core.client import ClientConnection
from pynats_server.said.json import compact


class RequestInfo:
    """For the requests that reach one server. The system account hears in any case on which."""

    def __init__(self, server_name: str, to_system: bool = False) -> None:
        self._server_name = server_name
        self._to_system = to_system

    def __call__(self, source: object, importer: Account, share: bool) -> bytes:
        """The JSON for a request of `source`, good until that says something else of itself. What
        the server itself asks for, it does in the name of the account that imports."""
        if not isinstance(source, ClientConnection):
            return compact({"acc": importer.name})
        return compact(self.describe(source, share))

    def with_reply(self, told: bytes, reply: bytes) -> bytes:
        """The same, with the reply subject of the request, which its receiver does not see."""
        return told[:-1] + b',"reply":' + compact(text_of(reply)) + b"}"

    def passed_on(self, told: bytes, importer: Account, share: bool) -> bytes:
        """What the import before told, for the next one, of `importer`, which tells all or not."""
        try:
            found = json.loads(told)
        except ValueError:
            return told
        found["svc"] = importer.name
        if share or self._to_system:
            found["server"] = self._server_name
        return compact({name: found[name] for name in FIELDS if found.get(name)})

    def describe(self, client: ClientConnection, share: bool) -> dict[str, Any]:
        """A client: all of it with `share`."""
        if share:
            told = describe(client, client.account.name)
        else:
            told = ClientInfo(acc=client.account.name, rtt=rtt_ns(client.rtt))
        if share or self._to_system:
            told.server = self._server_name
        return told.as_dict()
