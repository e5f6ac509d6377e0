"""Keys and signatures in files, as `nk` and `nats auth nkey` write them."""

from __future__ import annotations

import base64
import binascii

from pynats_common.nkeys.errors import InvalidSignatureError, NkeyError
from pynats_common.nkeys.keypair import KeyPair
from pynats_common.nkeys.make import from_text


def key_in_text(text: str) -> KeyPair | None:
    """The first line that is a seed or public key; comments and other lines are skipped."""
    for line in text.splitlines():
        try:
            return from_text(line.strip())
        except NkeyError:
            continue
    return None


def encode_signature(signature: bytes) -> str:
    """Text of a signature: base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(signature).rstrip(b"=").decode()


def decode_signature(text: bytes) -> bytes:
    """A signature in the standard or the URL alphabet, padded or not. Raises NkeyError."""
    text = text.strip().translate(bytes.maketrans(b"+/", b"-_")).rstrip(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidSignatureError("no base64 signature") from None
