"""What the engines have in common: what they are asked for, and what they tell of a peer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pynats_server.tls.peer import PeerTls as PeerTls

TLS_1_2 = 0x0303
TLS_1_3 = 0x0304
VERSIONS = {TLS_1_2: "1.2", TLS_1_3: "1.3"}
# The real server's choice first: half as dear as AES-256 for what little more it gives.
SUITES_13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
SUITES_12 = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
)
# X25519 first: the hybrid with ML-KEM makes handshakes a third dearer and connections larger. Who
# asks for nothing else gets it. A library that does not know it gets the list without.
GROUPS = ("X25519", "P-256", "X25519MLKEM768", "P-384", "P-521")
OLD_GROUPS = ("X25519", "P-256", "P-384", "P-521")


class Keyed(Protocol):
    """A certificate with its key."""

    @property
    def chain(self) -> Sequence[bytes]:
        """DER, the leaf first."""

    @property
    def key(self) -> bytes:
        """PKCS #8, DER."""

    @property
    def names(self) -> Sequence[str]:
        """The host names that it is for; the first label may be `*`."""


class Plan(Protocol):
    """What a context is made of."""

    @property
    def certificates(self) -> Sequence[Keyed]: ...
    @property
    def authorities(self) -> Sequence[bytes] | None:
        """DER; None = those of the system."""

    @property
    def verify(self) -> bool: ...
    @property
    def min_version(self) -> int: ...
    @property
    def ciphers_12(self) -> Sequence[str] | None: ...
    @property
    def groups(self) -> Sequence[str] | None: ...
    @property
    def resumption(self) -> bool: ...
    @property
    def session_context(self) -> bytes: ...
    @property
    def staple(self) -> bytes | None: ...
