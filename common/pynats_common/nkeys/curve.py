"""Curve keys (letter X): sealed boxes `xkv1` between two X25519 keys.

A box is the four letters `xkv1`, a 24 byte nonce, and a NaCl box (XSalsa20-Poly1305) of the
message. The seed is the X25519 scalar itself.
"""

from __future__ import annotations

from nacl import bindings
from nacl.exceptions import CryptoError
from nacl.utils import random as random_bytes

from pynats_common.nkeys import codec
from pynats_common.nkeys.codec import Prefix
from pynats_common.nkeys.errors import CannotOpenError, CannotSealError, CannotSignError
from pynats_common.nkeys.keypair import KeyPair

BOX_VERSION = b"xkv1"
NONCE_BYTES = 24
TAG_BYTES = 16
BOX_OVERHEAD_BYTES = len(BOX_VERSION) + NONCE_BYTES + TAG_BYTES


class CurveKeyPair(KeyPair):
    """An X25519 key: seals for a recipient and opens what a sender sealed; never signs."""

    __slots__ = ()

    @classmethod
    def from_raw_seed(cls, prefix: Prefix, raw: bytes) -> CurveKeyPair:
        return cls(prefix, bindings.crypto_scalarmult_base(raw), raw)

    @property
    def private_key(self) -> str:
        """Expanded private key text (letter P) of the 32 byte scalar."""
        return codec.encode_private(self._secret())

    def sign(self, data: bytes) -> bytes:
        raise CannotSignError("cannot sign with a curve key")

    def verify(self, data: bytes, signature: bytes) -> None:
        raise CannotSignError("cannot verify with a curve key")

    def seal(self, data: bytes, recipient: str, *, nonce: bytes | None = None) -> bytes:
        """Box of `data` for the curve key `recipient`.

        `nonce` (24 bytes) is for test vectors; the default is random. Raises CannotSealError for a
        degenerate recipient key, and NkeyError if it is not a curve key.
        """
        nonce = random_bytes(NONCE_BYTES) if nonce is None else nonce
        if len(nonce) != NONCE_BYTES:
            raise CannotSealError("cannot seal: a nonce has 24 bytes")
        try:
            box = bindings.crypto_box(data, nonce, _peer_key(recipient), self._secret())
        except CryptoError:
            raise CannotSealError("cannot seal: recipient key is degenerate") from None
        return BOX_VERSION + nonce + box

    def open(self, sealed: bytes, sender: str) -> bytes:
        """Message of a box that `sender` sealed for this key. Raises CannotOpenError."""
        if len(sealed) < BOX_OVERHEAD_BYTES:
            raise CannotOpenError("cannot open: sealed data is too short")
        if not sealed.startswith(BOX_VERSION):
            raise CannotOpenError("cannot open: not an xkv1 box")
        nonce = sealed[len(BOX_VERSION) : len(BOX_VERSION) + NONCE_BYTES]
        box = sealed[len(BOX_VERSION) + NONCE_BYTES :]
        try:
            return bindings.crypto_box_open(box, nonce, _peer_key(sender), self._secret())
        except CannotSealError as error:
            raise CannotOpenError(f"cannot open: {error}") from None
        except CryptoError:
            raise CannotOpenError("cannot open: wrong key or damaged data") from None


def _peer_key(text: str) -> bytes:
    _, raw = codec.decode_public(text, Prefix.CURVE)
    if not any(raw):
        # An all-zero peer makes the shared secret public (the xkeys advisory of 2023).
        raise CannotSealError("invalid curve key: all zero")
    return raw
