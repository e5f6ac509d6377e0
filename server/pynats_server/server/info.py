"""The INFO that clients are greeted with (fields and order: server-inventory 3.1)."""

from __future__ import annotations

import json
from typing import Any

from pynats_server.core.client import ClientConnection
from pynats_server.server.state import ServerState
from pynats_server.version import API_LEVEL, PYNATS_VERSION, VERSION

PROTOCOL = 1  # clients that say 1 too may get INFO at any time
# JSON as Go writes it, so that INFO is safe inside HTML and equal to the real server's.
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


class InfoMessage:
    """INFO of one server; `refresh()` once its port is known and after a change of what it
    tells."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._common: dict[str, Any] = {}
        self.lame_duck = False

    def refresh(self) -> None:
        """Reads the server's state again."""
        state, options = self._state, self._state.options
        host, port = state.advertised()
        self._common = {
            "server_id": state.id,
            "server_name": state.name,
            "version": VERSION,
            "proto": PROTOCOL,
            "go": f"pynats {PYNATS_VERSION}",
            "host": host,
            "port": port,
            "headers": not options.no_header_support,
            "auth_required": state.auth_required,  # the field keeps its place either way
            "max_payload": options.max_payload,
            **({"jetstream": True} if options.jetstream.enabled else {}),
        }

    def broadcast(self) -> None:
        """Sends it, refreshed, to every client that understands INFO at any time."""
        self.refresh()
        for client in self._state.clients():
            if client.protocol >= 1 and client.first_pong_sent:
                client.send(self.encode(client))

    def reload(self, tell: bool) -> None:
        """Follows a new configuration; `tell` = clients have to know of it."""
        if tell:
            self.broadcast()
        else:
            self.refresh()

    def encode(self, client: ClientConnection, *, connect_info: bool = False) -> bytes:
        """The INFO line for one client; `connect_info` for the one after its first PONG."""
        fields = dict(self._common)
        fields["max_payload"] = client.max_payload
        if connect_info and self._state.authenticator.required:
            fields["auth_required"] = True
        if not fields["auth_required"]:
            del fields["auth_required"]
        fields["client_id"] = client.cid
        fields["client_ip"] = client.host
        if domain := self._state.options.jetstream.domain:
            fields["domain"] = domain
        if self.lame_duck:
            fields["ldm"] = True
        if connect_info:
            fields["connect_info"] = True
            fields["remote_account"] = client.account.name
            if client.account is self._state.system_account:
                fields["acc_is_sys"] = True
        fields["api_lvl"] = API_LEVEL
        text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
        return b"INFO " + text.translate(_ESCAPES).encode() + b" \r\n"
