"""Connections as a program's settings want them: a login, TLS that verifies, several servers."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from pynats_common.network.tls import ClientTls
from pynats_common.network.urls import ServerUrl

from pynats_bench.model import LoadError
from pynats_bench.secure import SecureSocket
from pynats_bench.session import introduce, reach
from pynats_bench.tls.plan import Held, Plan

if TYPE_CHECKING:
    from pynats_server.tls.engine.choice import TlsContext

Fields = dict[str, object]  # of CONNECT
Login = Callable[[ServerUrl, str], Fields]  # of a server and its nonce (may be empty)


@dataclass(frozen=True)
class Dialer:
    """Makes connections, each to one of the servers: the first in a random order that accepts it.

    TLS is wanted with files of its own, with `tls_first` (it begins before the server says
    anything), where an address says so and where the server insists.
    """

    servers: tuple[ServerUrl, ...]
    login: Login = field(repr=False)
    timeout_s: float
    files: ClientTls
    tls_first: bool = False

    @property
    def secured(self) -> bool:
        return bool(self.files) or self.tls_first or any(s.scheme == "tls" for s in self.servers)

    @cached_property
    def tls(self) -> TlsContext:
        """Verifies the server and its name. LoadError says what is wrong with the files."""
        from pynats_server.tls.engine.choice import choose
        from pynats_server.tls.pem import read_authorities, read_pair

        try:
            held: tuple[Held, ...] = ()
            if self.files.cert:
                pair = read_pair(Path(self.files.cert), Path(self.files.key))
                held = (Held(pair.chain, pair.key),)
            trusted = read_authorities(Path(self.files.ca)) if self.files.ca else None
            return choose().client_context(Plan(held, trusted, verify=True))
        except (ValueError, RuntimeError) as error:
            raise LoadError(f"tls: {error}") from None

    def dial(self) -> socket.socket:
        """One more connection, past the handshake. LoadError in the words of the last server."""
        reason = ""
        for server in random.sample(self.servers, len(self.servers)):
            try:
                return self._dial(server)
            except LoadError as error:
                reason = str(error)
        if len(self.servers) > 1:
            reason += f" (tried {', '.join(server.bare for server in self.servers)})"
        raise LoadError(reason)

    def _dial(self, server: ServerUrl) -> socket.socket:
        secure: Callable[[socket.socket], socket.socket] = partial(self._secure, server.host)
        return introduce(
            reach(server.host, server.port, self.timeout_s),
            lambda info: self.login(server, str(info.get("nonce", ""))),
            secure if self.secured else None,
            first=self.tls_first,
            otherwise=secure,
        )

    def _secure(self, host: str, link: socket.socket) -> socket.socket:
        try:
            layer = self.tls.layer(host)
        except ValueError as error:
            raise LoadError(f"tls: {error}") from None
        return SecureSocket(link, layer)
