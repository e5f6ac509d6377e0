"""What TLS tells of a peer: engines make it, log-ins look at it."""

from __future__ import annotations

from pynats_common.records import dataclass


@dataclass(frozen=True, slots=True)
class PeerTls:
    """What the handshake has agreed on, and who the peer is. Certificates are DER, the peer's own
    first."""

    version: str  # "1.3"
    cipher: str  # by its IANA name, "TLS_AES_128_GCM_SHA256"
    sent: tuple[bytes, ...] = ()
    verified: tuple[bytes, ...] = ()  # the chain, up to an authority that we trust
    server_name: str = ""  # that the client asked for
