"""Certificates as `account tls` tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pynats_cli.errors import CliError

_SIGNED = {
    "ecdsa-with-SHA256": "ECDSA-SHA256", "ecdsa-with-SHA384": "ECDSA-SHA384",
    "ecdsa-with-SHA512": "ECDSA-SHA512", "sha256WithRSAEncryption": "SHA256-RSA",
    "sha384WithRSAEncryption": "SHA384-RSA", "sha512WithRSAEncryption": "SHA512-RSA",
    "sha1WithRSAEncryption": "SHA1-RSA", "RSASSA-PSS": "RSA-PSS", "ed25519": "Ed25519",
}  # fmt: skip


@dataclass(frozen=True)
class CertificateOf:
    """One certificate of a chain."""

    subject: str
    issuer: str
    is_ca: bool
    expires: datetime
    serial: int
    signed_with: str
    dns_names: tuple[str, ...]
    addresses: tuple[str, ...]
    emails: tuple[str, ...]
    uris: tuple[str, ...]
    pem: str


def read_chain(chain: Sequence[bytes]) -> list[CertificateOf]:
    """Certificates in DER. Raises CliError."""
    try:
        from cryptography import x509
    except ImportError:
        raise CliError("the package cryptography is needed to read certificates") from None
    from cryptography.hazmat.primitives.serialization import Encoding

    found = []
    for data in chain:
        try:
            certificate = x509.load_der_x509_certificate(data)
            extensions = certificate.extensions
        except ValueError as error:
            raise CliError(f"invalid certificate: {error}") from None
        try:
            names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            names = x509.SubjectAlternativeName([])
        try:
            is_ca = extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except x509.ExtensionNotFound:
            is_ca = False
        signature = certificate.signature_algorithm_oid._name
        found.append(
            CertificateOf(
                certificate.subject.rfc4514_string(),
                certificate.issuer.rfc4514_string(),
                is_ca,
                certificate.not_valid_after_utc,
                certificate.serial_number,
                _SIGNED.get(signature, signature),
                tuple(names.get_values_for_type(x509.DNSName)),
                tuple(str(each) for each in names.get_values_for_type(x509.IPAddress)),
                tuple(names.get_values_for_type(x509.RFC822Name)),
                tuple(names.get_values_for_type(x509.UniformResourceIdentifier)),
                certificate.public_bytes(Encoding.PEM).decode(),
            )
        )
    return found
