"""A key that signs: Ed25519 over PyNaCl."""

from __future__ import annotations

from nacl import bindings
from nacl.exceptions import CryptoError

from pynats_common.nkeys import codec
from pynats_common.nkeys.codec import Prefix
from pynats_common.nkeys.errors import (
    CannotOpenError,
    CannotSealError,
    InvalidSignatureError,
    PublicKeyOnlyError,
    WipedKeyError,
)

SIGNATURE_BYTES = 64


class KeyPair:
    """A public key, and its seed when this side owns it.

    Make one with `create_pair`, `from_seed` or `from_public_key`. The representation shows the
    public key only; `wipe()` erases the seed in place.
    """

    __slots__ = ("_public", "_seed", "_wiped", "prefix")

    def __init__(self, prefix: Prefix, public: bytes, seed: bytes | None = None) -> None:
        self.prefix = prefix
        self._public = public
        self._seed = bytearray(seed) if seed is not None else None
        self._wiped = False

    @classmethod
    def from_raw_seed(cls, prefix: Prefix, raw: bytes) -> KeyPair:
        """Pair from 32 secret bytes."""
        public, _ = bindings.crypto_sign_seed_keypair(raw)
        return cls(prefix, public, raw)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.public_key!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KeyPair):
            return NotImplemented
        return self.prefix == other.prefix and self._public == other._public

    def __hash__(self) -> int:
        return hash((self.prefix, self._public))

    def __reduce__(self) -> str:
        # Pickling would copy the seed to places that `wipe` cannot reach.
        raise TypeError("key pairs cannot be pickled; hand over the seed on purpose")

    @property
    def public_key(self) -> str:
        """Public key text, 56 characters."""
        return codec.encode_public(self.prefix, self._public)

    @property
    def raw_public_key(self) -> bytes:
        """The 32 bytes of the public key."""
        return self._public

    @property
    def has_seed(self) -> bool:
        """True when this pair can act for its owner (sign or open)."""
        return self._seed is not None

    @property
    def seed(self) -> str:
        """Seed text, 58 characters. Raises PublicKeyOnlyError or WipedKeyError."""
        return codec.encode_seed(self.prefix, self._secret())

    @property
    def private_key(self) -> str:
        """Expanded private key text (letter P): the seed followed by the public key."""
        return codec.encode_private(self._secret() + self._public)

    def sign(self, data: bytes) -> bytes:
        """Ed25519 signature, 64 bytes. Raises PublicKeyOnlyError, WipedKeyError."""
        _, secret = bindings.crypto_sign_seed_keypair(self._secret())
        return bindings.crypto_sign(data, secret)[:SIGNATURE_BYTES]

    def verify(self, data: bytes, signature: bytes) -> None:
        """Return when `signature` over `data` was made by this key; else InvalidSignatureError."""
        if len(signature) != SIGNATURE_BYTES:
            raise InvalidSignatureError("invalid signature")
        try:
            bindings.crypto_sign_open(signature + data, self._public)
        except CryptoError:
            raise InvalidSignatureError("invalid signature") from None

    def seal(self, data: bytes, recipient: str) -> bytes:
        """Curve keys only."""
        raise CannotSealError("cannot seal with a signing key: use a curve key")

    def open(self, sealed: bytes, sender: str) -> bytes:
        """Curve keys only."""
        raise CannotOpenError("cannot open with a signing key: use a curve key")

    def wipe(self) -> None:
        """Overwrite the seed; the public half stays usable."""
        if self._seed is not None:
            self._seed[:] = bytes(len(self._seed))
            self._seed = None
            self._wiped = True

    def _secret(self) -> bytes:
        if self._wiped:
            raise WipedKeyError("the private key was wiped")
        if self._seed is None:
            raise PublicKeyOnlyError("no seed or private key available: this is a public key")
        return bytes(self._seed)
