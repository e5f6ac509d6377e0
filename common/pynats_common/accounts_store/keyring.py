"""The keys of one run: what is stored, and what will be stored with the first JWT that is saved."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import read_text
from pynats_common.accounts_store.keystore import KeyStore
from pynats_common.creds import CredsError, extract_key_pair
from pynats_common.nkeys import (
    KeyPair,
    NkeyError,
    Prefix,
    create_pair,
    from_public_key,
    from_seed,
    is_valid_public,
)


class Keyring:
    """A new key is stored only with a JWT, so that a failed command leaves no key behind."""

    def __init__(self, keys: KeyStore) -> None:
        self.keys = keys
        self._kept: list[KeyPair] = []

    def load(self, text: str, *expected: Prefix) -> KeyPair:
        """Pair for a seed, a public key (with its stored seed if any), or a key file's path."""
        pair = self._find(text)
        if expected and pair.prefix not in expected:
            wanted = " or ".join(kind.label for kind in expected)
            raise StoreError(f"expected {wanted} key, got {pair.prefix.label} key")
        return pair

    def _find(self, text: str) -> KeyPair:
        try:
            if is_valid_public(text):
                return self.stored(text) or from_public_key(text)
            if text.startswith("S") and len(text) == 58:
                return from_seed(text)
            path = Path(text).expanduser()
            if path.is_file():
                return extract_key_pair(read_text(path))
        except (NkeyError, CredsError) as error:
            raise StoreError(f"invalid key: {error}") from None
        raise StoreError("not a key: expected a seed, a public key, or the path of a key file")

    def new(self, prefix: Prefix) -> KeyPair:
        """A new key, which can sign at once and is stored with the next JWT."""
        pair = create_pair(prefix)
        self.keep(pair)
        return pair

    def keep(self, pair: KeyPair) -> None:
        """Stores a key when a JWT is saved; it can sign before."""
        self._kept.append(pair)

    def store_kept(self) -> None:
        """Stores what `keep` and `new` took: before a JWT, which is useless without its key."""
        while self._kept:
            self.keys.save(self._kept[0])
            del self._kept[0]

    def stored(self, public: str) -> KeyPair | None:
        """Pair of a key that is stored, or will be stored with the next JWT."""
        kept = next((pair for pair in self._kept if pair.public_key == public), None)
        return kept or self.keys.get(public)

    def first_stored(self, publics: Iterable[str]) -> KeyPair | None:
        """Pair of the first of these keys that is stored."""
        return next((pair for pair in map(self.stored, publics) if pair is not None), None)
