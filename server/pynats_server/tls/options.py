"""What can be configured of TLS: a part of the options of a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import Literal

from pynats_common.records import dataclass

DEFAULT_TIMEOUT_S = 2.0  # for a handshake
FALLBACK_S = 0.05  # that `handshake_first: auto` waits for the client
ALLOWED_CLOCK_SKEW_S = 30.0
CACHE_TTL_S = 3600.0


@dataclass(slots=True)
class CertificateFiles:
    """One entry of `certs`."""

    cert_file: Path | None = None
    key_file: Path | None = None


@dataclass(slots=True)
class OcspPeerOptions:
    """`ocsp_peer`: whether the authorities of certificates of clients still vouch for them."""

    verify: bool = False
    ca_timeout: float = 2.0  # seconds for an answer of an authority
    allowed_clockskew: float = ALLOWED_CLOCK_SKEW_S
    warn_only: bool = False
    unknown_is_good: bool = False
    allow_when_ca_unreachable: bool = False
    cache_ttl_when_next_update_unset: float = CACHE_TTL_S


@dataclass(slots=True)
class OcspCacheOptions:
    """`ocsp_cache`: what authorities have said of certificates of clients."""

    type: Literal["local", "none"] = "local"
    local_store: Path | None = None
    preserve_revoked: bool = False
    save_interval: float = 300.0  # seconds


OcspMode = Literal["auto", "always", "never", "must"]


@dataclass(slots=True)
class OcspOptions:
    """`ocsp`: whether the server shows what the authority says of its own certificate."""

    mode: OcspMode = "auto"
    urls: list[str] = field(default_factory=list)  # instead of those in the certificate


@dataclass(slots=True)
class TlsOptions:
    """A `tls` block."""

    cert_file: Path | None = None
    key_file: Path | None = None
    ca_file: Path | None = None  # None = the authorities of the system
    certs: list[CertificateFiles] = field(default_factory=list)  # instead of cert_file
    verify: bool = False  # clients need a certificate
    verify_and_map: bool = False  # and it says who they are
    insecure: bool = False  # where this is the client: any certificate will do
    cipher_suites: list[str] = field(default_factory=list)  # of TLS 1.2; empty = all good ones
    allow_insecure_cipher_suites: bool = False
    curve_preferences: list[str] = field(default_factory=list)
    min_version: Literal["1.2", "1.3"] = "1.2"
    timeout: float = DEFAULT_TIMEOUT_S  # seconds for a handshake
    connection_rate_limit: int = 0  # handshakes begun in a second; not above 0 = no limit
    pinned_certs: list[str] = field(default_factory=list)  # SHA-256 of public keys, in hex
    handshake_first: bool = False
    handshake_first_fallback: float = 0.0  # seconds until INFO goes first; 0 = it never does
    ocsp_peer: OcspPeerOptions | None = None
    watch: float = 1.0  # seconds between looks at the files; 0 = none

    @property
    def requires_certificates(self) -> bool:
        """Whether clients must show one."""
        return self.verify or self.verify_and_map

    @property
    def checks_revocation(self) -> bool:
        """Whether authorities are asked about certificates of clients."""
        return self.ocsp_peer is not None and self.ocsp_peer.verify

    def pairs(self) -> list[CertificateFiles]:
        """The certificates, in the order in which they count."""
        if self.cert_file is not None:
            return [CertificateFiles(self.cert_file, self.key_file)]
        return self.certs

    def files(self) -> Iterator[Path]:
        """All files that it names."""
        for pair in self.pairs():
            yield from (path for path in (pair.cert_file, pair.key_file) if path is not None)
        if self.ca_file is not None:
            yield self.ca_file
