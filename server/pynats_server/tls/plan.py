"""What an engine needs for a context, as plain data, made of options by reading their files."""

from __future__ import annotations

import secrets
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pynats_common.records import dataclass

from pynats_server.tls.errors import PlanError
from pynats_server.tls.options import CertificateFiles, TlsOptions
from pynats_server.tls.pem import Pair, PemError, read_authorities, read_pair
from pynats_server.tls.suites import ALL, GROUPS, SECURE, TLS_1_3

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

TLS_1_2_NUMBER: Final = 0x0303
TLS_1_3_NUMBER: Final = 0x0304


@dataclass(frozen=True, slots=True)
class CertificateAndKey:
    """`names` are those of hosts that it is for, in lower case, perhaps with `*.` in front."""

    chain: tuple[bytes, ...]  # DER, the certificate itself first
    key: bytes = field(repr=False)  # PKCS 8, DER
    names: tuple[str, ...] = ()
    expires: float = 0.0  # seconds since 1970
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class ContextPlan:
    """Says all of a context. Two equal plans make contexts that do the same, but for tickets."""

    certificates: tuple[CertificateAndKey, ...] = ()
    authorities: tuple[bytes, ...] | None = None  # DER; None = those of the system
    verify: bool = False
    min_version: int = TLS_1_2_NUMBER
    ciphers_12: tuple[str, ...] | None = None  # OpenSSL's names; None = there is no TLS 1.2
    groups: tuple[str, ...] | None = None  # OpenSSL's names; None = X25519 first
    pins: frozenset[str] = frozenset()  # SHA-256 of public keys, in hex
    resumption: bool = True
    session_context: bytes = field(default=b"", repr=False)
    staple: bytes | None = field(default=None, repr=False)  # an OCSP response
    insecure: bool = False  # of a client's context: any certificate will do

    @property
    def expires(self) -> float:
        """When the first of the certificates ends, in seconds since 1970; 0 without one."""
        return min((each.expires for each in self.certificates), default=0.0)


def plan_of(options: TlsOptions) -> ContextPlan:
    """Reads the files of a `tls` block; in a thread, once the server runs. Raises PlanError."""
    insecure = [name for name in options.cipher_suites if name not in (*SECURE, *TLS_1_3)]
    if insecure and not options.allow_insecure_cipher_suites:
        raise PlanError(
            "insecure cipher suites configured without 'allow_insecure_cipher_suites' option set: "
            + ", ".join(insecure)
        )
    certificates = _certificates(options)
    try:
        authorities = read_authorities(options.ca_file) if options.ca_file is not None else None
    except PemError as error:
        raise PlanError(str(error)) from None
    names = options.cipher_suites or list(SECURE)
    ciphers = tuple(dict.fromkeys(ALL[name] for name in names if name in ALL))
    groups = tuple(dict.fromkeys(GROUPS[name] for name in options.curve_preferences))
    return ContextPlan(
        certificates=certificates,
        authorities=authorities,
        verify=options.requires_certificates,
        min_version=(
            TLS_1_3_NUMBER if options.min_version == "1.3" or not ciphers else TLS_1_2_NUMBER
        ),
        ciphers_12=ciphers or None,
        groups=groups or None,
        pins=frozenset(pin.lower() for pin in options.pinned_certs),
        # Tickets are good for the context that gave them: who was let in under other authorities
        # is checked again.
        session_context=secrets.token_bytes(16),
        insecure=options.insecure,
    )


def _certificates(options: TlsOptions) -> tuple[CertificateAndKey, ...]:
    if options.cert_file is not None and options.certs:
        raise PlanError(
            "error parsing tls config, cannot combine 'cert_file' option with 'certs' option"
        )
    if options.cert_file is None and options.key_file is not None:
        raise PlanError("missing 'cert_file' in TLS configuration")
    if options.cert_file is not None and options.key_file is None:
        raise PlanError("missing 'key_file' in TLS configuration")
    what = "error parsing X509 certificate/key pair"
    if options.cert_file is not None:
        return tuple(_read(pair, what) for pair in options.pairs())
    total = len(options.certs)
    return tuple(
        _read(pair, f"{what} {number}/{total}") for number, pair in enumerate(options.certs, 1)
    )


def _read(files: CertificateFiles, what: str) -> CertificateAndKey:
    if files.cert_file is None or files.key_file is None:
        raise PlanError(
            "error parsing certificates config: both 'cert_file' and 'cert_key' options are "
            "required"
        )
    try:
        pair = read_pair(files.cert_file, files.key_file)
    except PemError as error:
        raise PlanError(f"{what}: {error}") from None
    return certificate_of(pair, files.cert_file)


def certificate_of(pair: Pair, file: Path | None = None) -> CertificateAndKey:
    """A pair, with what a context asks of it."""
    return CertificateAndKey(
        pair.chain,
        pair.key,
        _host_names(pair.leaf),
        pair.leaf.not_valid_after_utc.timestamp(),
        file,
    )


def _host_names(leaf: Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))
