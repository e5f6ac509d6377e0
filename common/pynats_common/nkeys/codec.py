"""NKey text form: base32 of prefix byte(s), payload and CRC-16, without padding.

A public key is one prefix byte and 32 bytes: 56 characters. A seed spreads its two prefixes
(S and the kind) over two bytes and carries 32 bytes: 58 characters. Decoding is strict: text that
does not re-encode to itself is refused, so a key has exactly one spelling.
"""

from __future__ import annotations

import base64
import binascii
import enum
import re

from pynats_common.nkeys.errors import (
    InvalidChecksumError,
    InvalidEncodingError,
    InvalidKeyLengthError,
    InvalidPrefixError,
    InvalidSeedError,
)

KEY_BYTES = 32
PUBLIC_CHARS = 56
# A private key of 64 bytes is the longest text; nothing longer is worth decoding.
TEXT_CHARS_MAX = 128


class Prefix(enum.IntEnum):
    """Kinds of keys; the value is the byte that gives the kind's letter in base32."""

    ACCOUNT = 0
    CLUSTER = 2 << 3
    SERVER = 13 << 3
    OPERATOR = 14 << 3
    PRIVATE = 15 << 3
    SEED = 18 << 3
    USER = 20 << 3
    CURVE = 23 << 3
    UNKNOWN = 25 << 3

    @property
    def letter(self) -> str:
        """First character of a public key of this kind."""
        return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[self >> 3]

    @property
    def label(self) -> str:
        """Lower-case word for messages and command lines, for example `account`."""
        return self.name.lower()


PUBLIC_PREFIXES = (
    Prefix.OPERATOR,
    Prefix.ACCOUNT,
    Prefix.USER,
    Prefix.SERVER,
    Prefix.CLUSTER,
    Prefix.CURVE,
)
_BASE32 = re.compile("[A-Z2-7]+")
_DIGITS = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghijklmnopqrstuv")
_PUBLIC_VALUES = frozenset(int(prefix) for prefix in PUBLIC_PREFIXES)


def crc16(data: bytes) -> int:
    """CRC-16/XMODEM (polynomial 0x1021, start 0)."""
    return binascii.crc_hqx(data, 0)


def _encode_text(body: bytes) -> str:
    return base64.b32encode(body + crc16(body).to_bytes(2, "little")).rstrip(b"=").decode()


def _decode_text(text: str) -> bytes:
    """Body without its checksum. Raises InvalidEncodingError or InvalidChecksumError."""
    if not isinstance(text, str) or not 4 <= len(text) <= TEXT_CHARS_MAX:
        raise InvalidEncodingError("invalid encoded key")
    # By one large number, which takes a tenth of the time that `base64` does.
    size, spare = divmod(5 * len(text), 8)
    if spare >= 5 or not _BASE32.fullmatch(text) or size < 3:
        raise InvalidEncodingError("invalid encoded key")
    number = int(text.encode().translate(_DIGITS), 32)
    if number & ((1 << spare) - 1):
        raise InvalidEncodingError("invalid encoded key: not in canonical form")
    raw = (number >> spare).to_bytes(size)
    body, checksum = raw[:-2], raw[-2:]
    if crc16(body).to_bytes(2, "little") != checksum:
        raise InvalidChecksumError("invalid checksum")
    return body


def encode_public(prefix: Prefix, key: bytes) -> str:
    """Text of a public key from its 32 bytes."""
    if prefix not in _PUBLIC_VALUES:
        raise InvalidPrefixError("invalid prefix byte")
    if len(key) != KEY_BYTES:
        raise InvalidKeyLengthError("invalid public key: a key has 32 bytes")
    return _encode_text(bytes([prefix]) + key)


def decode_public(text: str, *expected: Prefix) -> tuple[Prefix, bytes]:
    """Kind and 32 bytes of a public key; with `expected`, the kind must be one of those.

    Raises InvalidEncodingError, InvalidChecksumError, InvalidPrefixError or
    InvalidKeyLengthError.
    """
    body = _decode_text(text)
    if body[0] not in _PUBLIC_VALUES:
        raise InvalidPrefixError("invalid prefix byte: not a public key")
    prefix = Prefix(body[0])
    if len(body) != 1 + KEY_BYTES:
        raise InvalidKeyLengthError("invalid public key: a key has 32 bytes")
    if expected and prefix not in expected:
        wanted = " or ".join(kind.label for kind in expected)
        raise InvalidPrefixError(f"expected {wanted} key, got {prefix.label} key")
    return prefix, body[1:]


def is_valid_public(text: object, *expected: Prefix) -> bool:
    """True when `text` is a public key, of one of the expected kinds if any are given."""
    if not isinstance(text, str):
        return False
    try:
        decode_public(text, *expected)
    except ValueError:
        return False
    return True


def encode_seed(prefix: Prefix, raw: bytes) -> str:
    """Text of a seed from its 32 bytes."""
    if prefix not in _PUBLIC_VALUES:
        raise InvalidPrefixError("invalid prefix byte")
    if len(raw) != KEY_BYTES:
        raise InvalidKeyLengthError("invalid seed: a seed has 32 bytes")
    head = bytes([Prefix.SEED | (prefix >> 5), (prefix & 31) << 3])
    return _encode_text(head + raw)


def decode_seed(text: str) -> tuple[Prefix, bytes]:
    """Kind and 32 bytes of a seed. Errors as for `decode_public`, and InvalidSeedError."""
    body = _decode_text(text)
    if len(body) < 2 or body[0] & 0xF8 != Prefix.SEED:
        raise InvalidSeedError("invalid seed: a seed begins with the letter S")
    kind = (body[0] & 7) << 5 | (body[1] & 0xF8) >> 3
    if kind not in _PUBLIC_VALUES or body[1] & 7:
        raise InvalidPrefixError("invalid prefix byte: unknown kind of seed")
    if len(body) != 2 + KEY_BYTES:
        raise InvalidSeedError("invalid seed: a seed has 32 bytes")
    return Prefix(kind), body[2:]


def encode_private(raw: bytes) -> str:
    """Text of an expanded private key (64 bytes for Ed25519, 32 for curve keys)."""
    return _encode_text(bytes([Prefix.PRIVATE]) + raw)


def prefix_of(text: str) -> Prefix:
    """Kind of any key text: a public key's own kind, SEED, PRIVATE, or UNKNOWN."""
    try:
        body = _decode_text(text)
    except ValueError:
        return Prefix.UNKNOWN
    if body[0] in _PUBLIC_VALUES or body[0] == Prefix.PRIVATE:
        return Prefix(body[0])
    return Prefix.SEED if body[0] & 0xF8 == Prefix.SEED else Prefix.UNKNOWN
