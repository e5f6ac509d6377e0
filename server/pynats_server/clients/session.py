"""What the client layer remembers of a connection (`ClientConnection.context`)."""

from __future__ import annotations

import asyncio
from dataclasses import field

from pynats_common.records import dataclass

from pynats_server.auth import ConnectOptions, Hello, Verdict
from pynats_server.core.client import ClientConnection


@dataclass(slots=True)
class Session:
    """What it presents, and what it was let in with."""

    hello: Hello = field(default_factory=Hello)
    verdict: Verdict | None = None  # None = not in yet
    header_read: bool = False  # of the PROXY protocol: it comes from where that says
    tls_first: bool = False  # the handshake came before INFO
    expiry: asyncio.TimerHandle | None = None  # when it must leave

    @property
    def said(self) -> ConnectOptions:
        """All it has said of itself."""
        return self.hello.said

    def end(self) -> None:
        """It is in no more."""
        self.verdict = None
        self.stop_watching()

    def leave(self) -> None:
        """The connection has ended."""
        self.stop_watching()
        self.hello.notes = None  # which knows the connection: a circle

    def stop_watching(self) -> None:
        """Nothing happens any more when its time is over."""
        if self.expiry is not None:
            self.expiry.cancel()
            self.expiry = None


def session_of(client: ClientConnection) -> Session:
    """The session of a client."""
    found: Session = client.context
    return found
