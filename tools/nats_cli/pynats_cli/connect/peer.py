"""The TLS of a connection: its version, and the certificates of the server."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

from pynats_cli.connect.session import Session


@dataclass(frozen=True)
class PeerTls:
    """`chain` are the certificates that were verified, in DER, the server's own first."""

    version: str
    cipher: str
    server_name: str
    chain: tuple[bytes, ...]


def peer_tls(session: Session) -> PeerTls | None:
    """The TLS of a session, None when it has none."""
    secured = session.client.stream_info("ssl_object")
    if secured is None:
        return None
    cipher = secured.cipher()
    return PeerTls(
        str(secured.version() or "").removeprefix("TLSv"),
        cipher[0] if cipher else "",
        str(secured.server_hostname or ""),
        _chain(secured),
    )


def peer_address(session: Session) -> str:
    """The address of the server, "" where it is not known."""
    found = session.client.stream_info("peername")
    if not isinstance(found, tuple):
        return ""
    host, port = found[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _chain(secured: Any) -> tuple[bytes, ...]:
    # Python 3.13 has a method for it; before, only the object within has one.
    if hasattr(secured, "get_verified_chain"):
        return tuple(secured.get_verified_chain())
    inner: Any = getattr(secured, "_sslobj", None)
    if hasattr(inner, "get_verified_chain"):
        return tuple(
            ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in inner.get_verified_chain()
        )
    own = secured.getpeercert(binary_form=True)
    return (own,) if own else ()
