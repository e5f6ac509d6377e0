"""Encryption at rest, byte-compatible with nats-server's.

A key-encryption key is HMAC-SHA256(main key, account + context). It seals a random 32-byte seed
per stream (context = name), block (`name:index`) and consumer (`name.consumer`); the sealed form
is nonce + ciphertext. Metadata use the AEAD under the seed, block contents the bare stream cipher
under (seed, nonce) at the byte's offset in the file.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl import bindings
from nacl.exceptions import CryptoError

from pynats_server.jetstream.store.errors import BadKey

CipherName = Literal["chacha", "aes"]
SEED_SIZE = 32


def _xchacha(key: bytes, nonce: bytes, block: int) -> Cipher[None]:
    """XChaCha20 at 64-byte block `block`.

    HChaCha20 is ChaCha20's core without the final addition of its input, so the subkey is read
    off a key stream block by subtracting that input again.
    """
    stream = Cipher(algorithms.ChaCha20(key, nonce[:16]), None).encryptor().update(bytes(64))
    words = struct.unpack("<16I", stream)
    start = (*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<12I", key + nonce[:16]))
    mixed = [(w - s) & 0xFFFFFFFF for w, s in zip(words, start, strict=True)]
    subkey = struct.pack("<8I", *mixed[:4], *mixed[12:])
    tail = struct.pack("<I", block) + bytes(4) + nonce[16:24]
    return Cipher(algorithms.ChaCha20(subkey, tail), None)


@dataclass(frozen=True, slots=True)
class Sealer:
    """The AEAD under one key: `seal` prepends a fresh nonce, `open` expects it."""

    cipher: CipherName
    key: bytes = field(repr=False)

    @property
    def nonce_size(self) -> int:
        """Bytes of nonce in front of a sealed text."""
        return 24 if self.cipher == "chacha" else 16

    def seal(self, plain: bytes, nonce: bytes) -> bytes:
        """nonce + ciphertext + tag."""
        if self.cipher == "chacha":
            return nonce + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(
                plain, None, nonce, self.key
            )
        return nonce + AESGCM(self.key).encrypt(nonce, plain, None)

    def open(self, sealed: bytes) -> bytes:
        """The plain text; BadKey when key or data are wrong."""
        nonce, body = sealed[: self.nonce_size], sealed[self.nonce_size :]
        if len(body) < 16:
            raise BadKey("sealed data is too short")
        try:
            if self.cipher == "chacha":
                return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
                    body, None, nonce, self.key
                )
            return AESGCM(self.key).decrypt(nonce, body, None)
        except (CryptoError, InvalidTag):
            raise BadKey("sealed data does not open with this key") from None


@dataclass(frozen=True, slots=True)
class BlockCipher:
    """The unauthenticated stream over one block file."""

    cipher: CipherName
    seed: bytes = field(repr=False)
    nonce: bytes = field(repr=False)

    def apply(self, data: bytes, offset: int = 0) -> bytes:
        """Encrypt or decrypt the bytes at `offset` of the file."""
        unit = 64 if self.cipher == "chacha" else 16
        block, lead = divmod(offset, unit)
        if self.cipher == "chacha":
            stream = _xchacha(self.seed, self.nonce, block).encryptor()
        else:
            counter = (int.from_bytes(self.nonce, "big") + block) % (1 << 128)
            mode = modes.CTR(counter.to_bytes(16, "big"))
            stream = Cipher(algorithms.AES(self.seed), mode).encryptor()
        stream.update(bytes(lead))
        return stream.update(data)


@dataclass(frozen=True, slots=True)
class Keys:
    """Everything derived from a server's main key for one account."""

    main: str = field(repr=False)
    account: str
    cipher: CipherName = "chacha"

    def sealer_for(self, context: str) -> Sealer:
        """The key-encryption key of a context."""
        text = (self.account + context).encode()
        return Sealer(self.cipher, hmac.new(self.main.encode(), text, hashlib.sha256).digest())

    def create(self, context: str, random: Callable[[int], bytes]) -> tuple[bytes, bytes]:
        """(sealed seed for the key file, the seed)."""
        kek = self.sealer_for(context)
        seed = random(SEED_SIZE)
        return kek.seal(seed, random(kek.nonce_size)), seed

    def recover(self, context: str, sealed: bytes) -> bytes:
        """The seed in a key file; BadKey when it does not open."""
        if len(sealed) < 64:
            raise BadKey("its key file is too short")
        return self.sealer_for(context).open(sealed)

    def seed_sealer(self, seed: bytes) -> Sealer:
        """What metadata are sealed with under a seed."""
        return Sealer(self.cipher, seed)

    def block_cipher(self, sealed: bytes, seed: bytes) -> BlockCipher:
        """The stream cipher of a block; its nonce is the one its seed was sealed with."""
        return BlockCipher(self.cipher, seed, sealed[: 24 if self.cipher == "chacha" else 16])
