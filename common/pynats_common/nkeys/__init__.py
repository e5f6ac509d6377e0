"""NKeys: Ed25519 identities and X25519 sealing keys in NATS text form."""

from typing import TYPE_CHECKING, Any

from pynats_common.nkeys.codec import (
    Prefix,
    decode_public,
    decode_seed,
    encode_public,
    encode_seed,
    is_valid_public,
    prefix_of,
)
from pynats_common.nkeys.errors import (
    CannotOpenError,
    CannotSealError,
    CannotSignError,
    IncompatibleKeyError,
    InvalidChecksumError,
    InvalidEncodingError,
    InvalidKeyLengthError,
    InvalidPrefixError,
    InvalidSeedError,
    InvalidSignatureError,
    NkeyError,
    PublicKeyOnlyError,
    WipedKeyError,
)

if TYPE_CHECKING:
    from pynats_common.nkeys.curve import CurveKeyPair
    from pynats_common.nkeys.keypair import KeyPair
    from pynats_common.nkeys.make import create_pair, from_public_key, from_seed, from_text
    from pynats_common.nkeys.vanity import find_vanity_pair

__all__ = [
    "CannotOpenError",
    "CannotSealError",
    "CannotSignError",
    "CurveKeyPair",
    "IncompatibleKeyError",
    "InvalidChecksumError",
    "InvalidEncodingError",
    "InvalidKeyLengthError",
    "InvalidPrefixError",
    "InvalidSeedError",
    "InvalidSignatureError",
    "KeyPair",
    "NkeyError",
    "Prefix",
    "PublicKeyOnlyError",
    "WipedKeyError",
    "create_pair",
    "decode_public",
    "decode_seed",
    "encode_public",
    "encode_seed",
    "find_vanity_pair",
    "from_public_key",
    "from_seed",
    "from_text",
    "is_valid_public",
    "prefix_of",
]

# These import PyNaCl, which is not needed to read and write keys (at server start).
_LATE = {
    "CurveKeyPair": "curve",
    "KeyPair": "keypair",
    "create_pair": "make",
    "find_vanity_pair": "vanity",
    "from_public_key": "make",
    "from_seed": "make",
    "from_text": "make",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    globals()[name] = value
    return value
