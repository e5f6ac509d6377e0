"""A certificate for a measurement."""

from __future__ import annotations

import datetime
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@cache
def self_signed() -> tuple[bytes, bytes]:
    """Certificate and key, DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.DER),
        key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def tls_config(folder: Path) -> str:
    """The `tls` block of a server's configuration; the files that it names are written."""
    certificate, key = self_signed()
    named = {
        "cert_file": x509.load_der_x509_certificate(certificate).public_bytes(
            serialization.Encoding.PEM
        ),
        "key_file": serialization.load_der_private_key(key, None).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    }
    lines = []
    for name, content in named.items():
        file = folder / f"{name}.pem"
        file.write_bytes(content)
        lines.append(f'  {name}: "{file}"\n')
    return "tls {\n" + "".join(lines) + "}\n"
