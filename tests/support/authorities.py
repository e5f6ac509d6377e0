"""Authorities and certificates for tests: made anew in each run, so no secret lies in the tree."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import AuthorityInformationAccessOID as Access
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
KeyKind = Literal["p256", "p384", "p521", "p224", "rsa", "rsa1024", "ed25519"]
DAY = datetime.timedelta(days=1)
SERVER_NAMES = ("localhost", "127.0.0.1")
_CURVES = {
    "p224": ec.SECP224R1,
    "p256": ec.SECP256R1,
    "p384": ec.SECP384R1,
    "p521": ec.SECP521R1,
}
_USAGES = {"server": Usage.SERVER_AUTH, "client": Usage.CLIENT_AUTH, "ocsp": Usage.OCSP_SIGNING}
_ATTRIBUTES = {
    "CN": NameOID.COMMON_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "C": NameOID.COUNTRY_NAME,
    "DC": NameOID.DOMAIN_COMPONENT,
}


def new_key(kind: KeyKind = "p256") -> Key:
    """A new private key."""
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind]())
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 1024 if kind == "rsa1024" else 2048)


@cache
def spare_rsa_key(number: int = 0) -> rsa.RSAPrivateKey:
    """An RSA key for whoever needs one in this run: they take long to make."""
    return rsa.generate_private_key(65537, 2048)


def distinguished(text: str) -> x509.Name:
    """The name of `CN=a,OU=b`; of the empty text, one without attributes."""
    parts = [part.split("=", 1) for part in text.split(",")] if text else []
    return x509.Name([x509.NameAttribute(_ATTRIBUTES[key], value) for key, value in parts])


@dataclass(frozen=True)
class Certificate:
    """A certificate, its private key, and those that signed it, up to the authority."""

    certificate: x509.Certificate
    key: Key = field(repr=False)
    signers: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def chain_pem(self) -> bytes:
        """It and those between it and the root."""
        between = self.signers[:-1]
        return self.pem + b"".join(each.public_bytes(Encoding.PEM) for each in between)

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The same, each DER."""
        return self.der, *(each.public_bytes(Encoding.DER) for each in self.signers[:-1])

    @property
    def key_pem(self) -> bytes:
        return key_pem(self.key)

    @property
    def key_der(self) -> bytes:
        return self.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    @property
    def pin(self) -> str:
        """As `pinned_certs` has it: the hash of its public key."""
        digest = hashes.Hash(hashes.SHA256())
        digest.update(
            self.certificate.public_key().public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
        )
        return digest.finalize().hex()

    @property
    def fingerprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """`name.pem` and `name-key.pem` in `folder`: its chain, its key."""
        paths = folder / f"{name}.pem", folder / f"{name}-key.pem"
        paths[0].write_bytes(self.chain_pem)
        paths[1].write_bytes(self.key_pem)
        return paths


def key_pem(
    key: Key, format: PrivateFormat = PrivateFormat.PKCS8, password: bytes | None = None
) -> bytes:
    """A private key as text; with a password, encrypted."""
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, format, lock)


class Authority:
    """Signs certificates; a root, or one that `parent` has signed."""

    def __init__(
        self, name: str = "Test CA", key: Key | None = None, parent: Authority | None = None
    ) -> None:
        self._parent = parent
        own = _signed(
            distinguished(f"CN={name}"), key or new_key(), parent.root if parent else None,
            authority=True,
        )  # fmt: skip
        self.root = own

    @property
    def pem(self) -> bytes:
        return self.root.pem

    @property
    def der(self) -> bytes:
        return self.root.der

    def issue(
        self,
        subject: str | x509.Name = "CN=localhost",
        names: Sequence[str | x509.GeneralName] = SERVER_NAMES,
        usage: Sequence[str] = ("server", "client"),
        key: Key | None = None,
        starts: datetime.timedelta = -DAY,
        ends: datetime.timedelta = 365 * DAY,
        ocsp_url: str = "",
        status_request: bool = False,
    ) -> Certificate:
        """A new certificate. `subject` is a simple name or one made elsewhere; `names` are
        addresses, host names, `spiffe:` or other URIs, and mail addresses; `starts` and `ends`
        count from now."""
        return _signed(
            distinguished(subject) if isinstance(subject, str) else subject,
            key or new_key(), self.root, names, usage, starts, ends,
            ocsp_url=ocsp_url, status_request=status_request,
        )  # fmt: skip


def general_name(text: str) -> x509.GeneralName:
    """The kind of name that `text` looks like."""
    if "://" in text:
        return x509.UniformResourceIdentifier(text)
    if "@" in text:
        return x509.RFC822Name(text)
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _signed(
    subject: x509.Name,
    key: Key,
    signer: Certificate | None,
    names: Sequence[str | x509.GeneralName] = (),
    usage: Sequence[str] = (),
    starts: datetime.timedelta = -DAY,
    ends: datetime.timedelta = 3650 * DAY,
    authority: bool = False,
    ocsp_url: str = "",
    status_request: bool = False,
) -> Certificate:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    builder = x509.CertificateBuilder(
        signer.certificate.subject if signer else subject,
        subject,
        key.public_key(),
        x509.random_serial_number(),
        now + starts,
        now + ends,
    )
    builder = builder.add_extension(
        x509.BasicConstraints(ca=authority, path_length=None), critical=True
    )
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
    )
    if signer is not None:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
        builder = builder.add_extension(issuer, critical=False)
    if names:
        alternatives = x509.SubjectAlternativeName(
            [general_name(name) if isinstance(name, str) else name for name in names]
        )
        builder = builder.add_extension(alternatives, critical=not list(subject))
    if usage:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([_USAGES[each] for each in usage]), critical=False
        )
    if ocsp_url:
        where = x509.UniformResourceIdentifier(ocsp_url)
        access = x509.AccessDescription(Access.OCSP, where)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    if status_request:
        feature = x509.TLSFeature([x509.TLSFeatureType.status_request])
        builder = builder.add_extension(feature, critical=False)
    signing = signer.key if signer else key
    digest = None if isinstance(signing, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    certificate = builder.sign(signing, digest)
    signers = (signer.certificate, *signer.signers) if signer else ()
    return Certificate(certificate, key, signers)
