"""Ways to obtain a key pair."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from pynats_common.nkeys import codec
from pynats_common.nkeys.codec import Prefix
from pynats_common.nkeys.curve import CurveKeyPair
from pynats_common.nkeys.errors import InvalidKeyLengthError, InvalidPrefixError
from pynats_common.nkeys.keypair import KeyPair


def _class_for(prefix: Prefix) -> type[KeyPair]:
    return CurveKeyPair if prefix is Prefix.CURVE else KeyPair


def create_pair(prefix: Prefix, entropy: Callable[[int], bytes] = secrets.token_bytes) -> KeyPair:
    """New pair of this kind; `entropy(n)` must return n secret random bytes."""
    if prefix not in codec.PUBLIC_PREFIXES:
        raise InvalidPrefixError("invalid prefix byte: no keys of this kind")
    raw = entropy(codec.KEY_BYTES)
    if len(raw) != codec.KEY_BYTES:
        raise InvalidKeyLengthError("entropy source ended early: a seed needs 32 bytes")
    return _class_for(prefix).from_raw_seed(prefix, raw)


def from_seed(text: str | bytes | bytearray) -> KeyPair:
    """Pair from seed text. Raises an NkeyError that does not repeat the text."""
    prefix, raw = codec.decode_seed(_as_text(text))
    return _class_for(prefix).from_raw_seed(prefix, raw)


def from_public_key(text: str) -> KeyPair:
    """Pair that can only verify (or, for curve keys, name a recipient)."""
    prefix, raw = codec.decode_public(text)
    return _class_for(prefix)(prefix, raw)


def from_text(text: str) -> KeyPair:
    """Pair from a seed or a public key, whichever `text` is."""
    if text.startswith("S"):
        return from_seed(text)
    return from_public_key(text)


def _as_text(text: str | bytes | bytearray) -> str:
    return text if isinstance(text, str) else bytes(text).decode("ascii", "replace")
