"""One request to the system account."""

from __future__ import annotations

from pynats_common.records import dataclass

from pynats_server.core.client import ClientConnection


@dataclass(frozen=True, slots=True)
class Request:
    """`name` is of the service, `account` of the one it is about, if it is about one. `source` is
    the client that asks, perhaps one of another account; None for the server itself."""

    name: str
    account: str
    reply: bytes
    headers: bytes
    payload: bytes
    source: ClientConnection | None


class Silence(Exception):
    """The request gets no answer."""


class Refused(Exception):
    """The request is answered with this error."""
