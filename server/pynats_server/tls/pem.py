"""Certificates and private keys in PEM files, of whatever tools wrote them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pynats_common.go.errno import error_text
from pynats_common.records import dataclass

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate

FILE_MAX: Final = 16 * 1024 * 1024  # bytes; bundles of all public authorities have 1 % of it
_BLOCK: Final = re.compile(
    rb"^-----BEGIN ([^\r\n]*?)-----[ \t]*\r?\n(.*?)^-----END \1-----[ \t]*\r?$",
    re.MULTILINE | re.DOTALL,
)
_CERTIFICATE: Final = "CERTIFICATE"
_KEY: Final = "PRIVATE KEY"


class PemError(ValueError):
    """A file cannot be used; the text says why, and nothing of what is in it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with what may follow it in its file, and its key."""

    chain: tuple[bytes, ...]  # DER
    key: bytes = field(repr=False)  # PKCS 8, DER
    leaf: Certificate = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Block:
    kind: str
    data: bytes = field(repr=False)
    encrypted: bool


def read_file(path: Path) -> bytes:
    """Raises PemError in the words of the real server."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_MAX + 1)
    except OSError as error:
        action = "read" if path.is_dir() else "open"
        raise PemError(f"{action} {path}: {error_text(error)}") from None
    if len(data) > FILE_MAX:
        raise PemError(f"read {path}: it is larger than {FILE_MAX} bytes")
    return data


def read_pair(cert_file: Path, key_file: Path) -> Pair:
    """Raises PemError."""
    certificate, key = read_file(cert_file), read_file(key_file)
    return pair_of(certificate, key)


def pair_of(certificate: bytes, key: bytes) -> Pair:
    """The pair in the contents of two files. Raises PemError."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    chain = _certificates(certificate)
    block = _key_block(key)
    leaf = _parsed(chain[0])
    for der in chain[1:]:
        _parsed(der)
    private = _private_key(block)
    _match(leaf, private)
    return Pair(
        chain,
        private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        leaf,
    )


def read_authorities(path: Path) -> tuple[bytes, ...]:
    """The certificates in a file, DER; those that cannot be read do not count, as bundles of many
    have odd ones. Raises PemError if there are none."""
    found: dict[bytes, None] = {}
    for block in _blocks(read_file(path)):
        if block.kind == _CERTIFICATE:
            try:
                _parsed(block.data)
            except PemError:
                continue
            found[block.data] = None
    if not found:
        raise PemError("failed to parse root ca certificate")
    return tuple(found)


def _blocks(data: bytes) -> Iterator[_Block]:
    for found in _BLOCK.finditer(data):
        body = found[2]
        encrypted = b"ENCRYPTED" in body
        headers, blank, rest = body.replace(b"\r\n", b"\n").rpartition(b"\n\n")
        if blank and b":" in headers:
            body = rest
        try:
            decoded = base64.b64decode(b"".join(body.split()), validate=True)
        except binascii.Error:
            continue  # then it is no block, as in the real server
        yield _Block(found[1].decode("latin-1"), decoded, encrypted)


def _certificates(data: bytes) -> tuple[bytes, ...]:
    blocks = list(_blocks(data))
    found = tuple(block.data for block in blocks if block.kind == _CERTIFICATE)
    if found:
        return found
    skipped = [block.kind for block in blocks]
    if not skipped:
        raise PemError("tls: failed to find any PEM data in certificate input")
    if len(skipped) == 1 and skipped[0].endswith(_KEY):
        raise PemError(
            "tls: failed to find certificate PEM data in certificate input, but did find a private "
            "key; PEM inputs may have been switched"
        )
    raise PemError(
        f'tls: failed to find "{_CERTIFICATE}" PEM block in certificate input after skipping PEM '
        f"blocks of the following types: [{' '.join(skipped)}]"
    )


def _key_block(data: bytes) -> _Block:
    skipped: list[str] = []
    for block in _blocks(data):
        if block.kind == _KEY or block.kind.endswith(f" {_KEY}"):
            return block
        skipped.append(block.kind)
    if not skipped:
        raise PemError("tls: failed to find any PEM data in key input")
    if skipped == [_CERTIFICATE]:
        raise PemError("tls: found a certificate rather than a key in the PEM for the private key")
    raise PemError(
        f'tls: failed to find PEM block with type ending in "{_KEY}" in key input after skipping '
        f"PEM blocks of the following types: [{' '.join(skipped)}]"
    )


def _parsed(der: bytes) -> Certificate:
    from cryptography import x509

    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, TypeError):  # its words are about parts of the encoding
        raise PemError("x509: malformed certificate") from None


def _private_key(block: _Block) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    failed = "tls: failed to parse private key"
    if block.encrypted or block.kind.startswith("ENCRYPTED"):
        raise PemError(f"{failed}: it is encrypted; write it without a password first")
    try:
        return load_der_private_key(block.data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise PemError(failed) from None


def _match(leaf: Certificate, key: PrivateKeyTypes) -> None:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        public = leaf.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise PemError("tls: unknown public key algorithm") from None
    own = key.public_key()
    if type(own) is not type(public):
        raise PemError("tls: private key type does not match public key type")
    if own != public:
        raise PemError("tls: private key does not match public key")
