"""The INFO that clients get first (docs.nats.io/reference/reference-protocols/nats-protocol)."""

from __future__ import annotations

from typing import Any

from pynats_server.core.client import ClientConnection
from pynats_server.said.json import compact
from pynats_server.server.state import ServerState
from pynats_server.version import API_LEVEL, PYNATS_VERSION, VERSION
from pynats_server.work import Job, Work

PROTOCOL = 1  # clients with protocol 1 accept INFO at any time
STEP = 16  # clients told in one step: some 5 µs each


class InfoMessage:
    """INFO of one server. Call `refresh()` when the port is known and after its fields change."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._common: dict[str, Any] = {}
        self.lame_duck = False
        self._telling: Job[None] | None = None

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
            "auth_required": state.auth_required,  # present in both cases, to keep the order
            **self._tls_fields(),
            "max_payload": options.max_payload,
            **({"jetstream": True} if options.jetstream.enabled else {}),
        }

    def _tls_fields(self) -> dict[str, bool]:
        """What clients are told of TLS."""
        options = self._state.options
        if options.tls is None:
            return {}
        return {
            # Present in both cases, to keep the order.
            "tls_required": not options.allow_non_tls,
            **({"tls_verify": True} if options.tls.requires_certificates else {}),
            **({"tls_available": True} if options.allow_non_tls else {}),
        }

    def broadcast(self) -> None:
        """Refreshes it and sends it to every client that accepts INFO at any time, some of them at
        a time."""
        self.refresh()
        turns = self._state.turns
        if self._telling is not None:  # what the others would get is old
            turns.cancel(self._telling)
        self._telling = turns.start(self, self, self._tell(self._state.clients()))

    def _tell(self, clients: list[ClientConnection]) -> Work[None]:
        for count, client in enumerate(clients, 1):
            if client.protocol >= 1 and client.first_pong_sent:
                client.send(self.encode(client))
            if count % STEP == 0:
                yield

    def reload(self, tell: bool) -> None:
        """Applies a new configuration; `tell` = send it to clients."""
        if tell:
            self.broadcast()
        else:
            self.refresh()

    def encode(
        self,
        client: ClientConnection,
        *,
        nonce: str = "",
        from_proxy: bool = False,
        connect_info: bool = False,
        lame_duck: bool = False,
        tls_first: bool = False,
    ) -> bytes:
        """The INFO line for one client: the first one, which may have a `nonce` to be signed, and
        not the client's address if that is still the proxy's; `connect_info` for the one after its
        first PONG. With `lame_duck` it is told to go, whatever the server does. `tls_first` is for
        the first one of a client whose handshake came before it."""
        fields = dict(self._common)
        fields["max_payload"] = client.max_payload
        if self._state.jetstream_failed:
            fields.pop("jetstream", None)
        if connect_info and self._state.authenticator.required:
            fields["auth_required"] = True
        if not fields["auth_required"]:
            del fields["auth_required"]
        if tls_first and "tls_required" in fields:
            fields["tls_required"] = True
        elif fields.get("tls_required") is False:
            del fields["tls_required"]
        fields["client_id"] = client.cid
        if not from_proxy:
            fields["client_ip"] = client.host
        if nonce:
            fields["nonce"] = nonce
        if domain := self._state.options.jetstream.domain:
            fields["domain"] = domain
        if self.lame_duck or lame_duck:
            fields["ldm"] = True
        if connect_info:
            fields["connect_info"] = True
            fields["remote_account"] = client.account.name
            if client.account is self._state.system_account:
                fields["acc_is_sys"] = True
        fields["api_lvl"] = API_LEVEL
        fields["xkey"] = self._state.identity.xkey
        return b"INFO " + compact(fields) + b" \r\n"
