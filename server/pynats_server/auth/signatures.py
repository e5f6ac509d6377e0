"""Signatures of the nonce that INFO has: its text is signed, not what it may stand for."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from typing import Final

SIGNATURE_BYTES: Final = 64
NONCE_BYTES: Final = 11  # 15 characters of text
_LINE_ENDS = str.maketrans("", "", "\r\n")  # stand for nothing, wherever they are
_URL_SAFE = re.compile(r"[A-Za-z0-9_-]*")


def new_nonce() -> str:
    """The nonce of a connection."""
    return secrets.token_urlsafe(NONCE_BYTES)


def decode(text: str) -> bytes | None:
    """A signature in the URL-safe form without padding, or the standard one with it. None if it is
    neither."""
    found = decode_plain(text)
    if found is not None:
        return found
    try:
        return base64.b64decode(text.translate(_LINE_ENDS), validate=True)
    except ValueError:
        return None


def decode_plain(text: str) -> bytes | None:
    """A signature in the URL-safe form without padding; None if it is not in that."""
    text = text.translate(_LINE_ENDS)
    if not _URL_SAFE.fullmatch(text):
        return None
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None


def is_signed(nonce: str, signature: bytes, key: str) -> bool:
    """Whether the owner of a public key has signed this nonce. That takes some 60 µs. Never with an
    empty nonce: its signature would be good on every connection."""
    # PyNaCl is not loaded where there are no keys.
    from pynats_common.nkeys import NkeyError, from_public_key

    if not nonce or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        from_public_key(key).verify(nonce.encode(), signature)
    except NkeyError:
        return False
    return True


def prepare() -> None:
    """Loads what `is_signed` needs: that takes longer than the loop may wait."""
    import pynats_common.nkeys.make  # noqa: F401
