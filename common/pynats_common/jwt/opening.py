"""Opening a token: its three parts, and whose signature it has.

Read as the reference reads it. The body, not the header, says which of the two ways of signing was
used: from version 2 on `header.payload` is signed, before it was the payload part alone. Line ends
within the parts do not count, padding is refused.
"""

from __future__ import annotations

import binascii
import functools
import json
import re
from dataclasses import dataclass

from pynats_common.jwt.errors import (
    IssuerError,
    MalformedTokenError,
    SignatureError,
    UnsupportedTokenError,
)
from pynats_common.nkeys import NkeyError, Prefix, decode_public

ALGORITHM = "ed25519-nkey"
ALGORITHM_V1 = "ed25519"
TOKEN_CHARS_MAX = 1024 * 1024
HEADER_CHARS_MAX = 1024  # the usual one has 47
SIGNATURE_BYTES = 64
_ALPHABET = re.compile(r"[A-Za-z0-9_-]+\Z", re.ASCII)
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class Opened:
    """The parts of a token whose signature nobody has checked yet."""

    algorithm: str  # in lower case
    head: bytes  # as in the token
    body: bytes
    payload: bytes
    signature: bytes

    def signed(self, version: int) -> bytes:
        """What the signature of a token of this version covers."""
        return self.body if version <= 1 else self.head + b"." + self.body


def open_token(token: str) -> Opened:
    """Raises MalformedTokenError or UnsupportedTokenError."""
    if not isinstance(token, str) or len(token) > TOKEN_CHARS_MAX:
        raise MalformedTokenError("token is larger than 1 MiB")
    parts = token.split(".", 3)
    if len(parts) != 3:
        raise MalformedTokenError("expected 3 chunks")
    head, body, signature = parts
    if len(head) > HEADER_CHARS_MAX:
        raise MalformedTokenError("not a JWT: its header is too long")
    algorithm = _algorithm(head)
    return Opened(
        algorithm, head.encode(), body.encode("ascii", "replace"),
        decode_part(body), decode_part(signature),
    )  # fmt: skip


def decode_part(text: str) -> bytes:
    """The bytes of a part. Raises MalformedTokenError."""
    if "\n" in text or "\r" in text:
        text = text.replace("\n", "").replace("\r", "")
    if not _ALPHABET.match(text) or len(text) % 4 == 1:
        raise MalformedTokenError("not a JWT: a part is not base64url without padding")
    encoded = text.encode().translate(_TO_STANDARD) + b"=" * (-len(text) % 4)
    return binascii.a2b_base64(encoded)


@functools.lru_cache(64)
def _algorithm(head: str) -> str:
    """Of a header, in lower case. Nearly all tokens have the same header."""
    try:
        header = json.loads(decode_part(head).decode())
    except (ValueError, RecursionError):
        raise MalformedTokenError("not a JWT: its header cannot be decoded") from None
    if not isinstance(header, dict):
        raise MalformedTokenError("not a JWT: its header is no object")
    found = {key.lower(): value for key, value in header.items()}
    kind, algorithm = found.get("typ"), found.get("alg")
    if not isinstance(kind, str) or kind.upper() != "JWT":
        raise UnsupportedTokenError(f"not supported type {str(kind)[:32]!r}")
    if not isinstance(algorithm, str) or algorithm.lower() not in (ALGORITHM, ALGORITHM_V1):
        raise UnsupportedTokenError(f"unexpected JWT algorithm {str(algorithm)[:32]!r}")
    return algorithm.lower()


@functools.lru_cache(4096)
def signer_key(issuer: str) -> bytes:
    """The 32 bytes of the public key of an issuer. Raises IssuerError."""
    try:
        prefix, raw = decode_public(issuer)
    except NkeyError as error:
        raise IssuerError(f"issuer is no public key: {error}") from None
    if prefix is Prefix.CURVE:
        raise IssuerError("issuer is a curve key, which cannot sign")
    return raw


def check_signature(opened: Opened, issuer: object, version: int) -> None:
    """Raises SignatureError unless the issuer has signed, IssuerError if it is no key."""
    if not isinstance(issuer, str) or not issuer:
        raise IssuerError("issuer is missing")
    key = signer_key(issuer)
    if len(opened.signature) != SIGNATURE_BYTES or not is_signed(
        opened.signed(version), opened.signature, key
    ):
        way = "V1" if version <= 1 else "V2"
        raise SignatureError(f"claim failed {way} signature verification")


def is_signed(data: bytes, signature: bytes, key: bytes) -> bool:
    """Whether `signature` (64 bytes) over the data was made with the private half of `key`."""
    from nacl import bindings
    from nacl.exceptions import CryptoError

    try:
        bindings.crypto_sign_open(signature + data, key)
    except CryptoError:
        return False
    return True
