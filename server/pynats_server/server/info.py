"""The INFO that clients are greeted with (fields and order: server-inventory 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pynats_common.go.json import compact_json

from pynats_server.core.client import ClientConnection
from pynats_server.version import API_LEVEL, PYNATS_VERSION, VERSION

if TYPE_CHECKING:
    from pynats_server.server.server import Server

PROTOCOL = 1  # clients that say 1 too may get INFO at any time


class InfoMessage:
    """INFO of one server; `refresh()` after a change of what it tells."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._common: dict[str, Any] = {}
        self.lame_duck = False
        self.refresh()

    def refresh(self) -> None:
        """Reads the server's state again."""
        server, options = self._server, self._server.options
        host, port = server.advertised()
        self._common = {
            "server_id": server.id,
            "server_name": server.name,
            "version": VERSION,
            "proto": PROTOCOL,
            "go": f"pynats {PYNATS_VERSION}",
            "host": host,
            "port": port,
            "headers": not options.no_header_support,
            # With no_auth_user nobody needs credentials; the field keeps its place either way.
            "auth_required": server.authenticator.required and not options.no_auth_user,
            "max_payload": options.max_payload,
            **({"jetstream": True} if options.jetstream.enabled else {}),
        }

    def as_dict(self) -> dict[str, Any]:
        """What every client is told."""
        return dict(self._common)

    def encode(self, client: ClientConnection, *, connect_info: bool = False) -> bytes:
        """The INFO line for one client; `connect_info` for the one after its first PONG."""
        fields = dict(self._common)
        fields["max_payload"] = client.max_payload
        if connect_info and self._server.authenticator.required:
            fields["auth_required"] = True
        if not fields["auth_required"]:
            del fields["auth_required"]
        fields["client_id"] = client.cid
        fields["client_ip"] = client.host
        if domain := self._server.options.jetstream.domain:
            fields["domain"] = domain
        if self.lame_duck:
            fields["ldm"] = True
        if connect_info:
            fields["connect_info"] = True
            fields["remote_account"] = client.account.name
            if client.account is self._server.system_account:
                fields["acc_is_sys"] = True
        fields["api_lvl"] = API_LEVEL
        return b"INFO " + compact_json(fields).encode() + b" \r\n"
