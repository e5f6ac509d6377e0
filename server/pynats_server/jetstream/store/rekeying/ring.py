"""The key that is configured, and those that files may still be sealed with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pynats_common.go.errno import error_text

from pynats_server.jetstream.store.errors import BadKey, StoreError
from pynats_server.jetstream.store.file.disk import Disk

if TYPE_CHECKING:
    from pynats_server.jetstream.store.format.crypt import BlockCipher, CipherName, Keys, Sealer

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Opened:
    """A key file that opens: its content, the seed in it, and the key that sealed it."""

    keys: Keys
    sealed: bytes
    seed: bytes

    @property
    def sealer(self) -> Sealer:
        """What documents are sealed with."""
        return self.keys.seed_sealer(self.seed)

    @property
    def cipher(self) -> BlockCipher:
        """What a block is encrypted with."""
        return self.keys.block_cipher(self.sealed, self.seed)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """`current`: what everything is to be sealed with; `earlier`: what else it may be sealed with;
    `names`: what the configuration calls them."""

    current: Keys
    earlier: tuple[Keys, ...] = ()
    names: str = "jetstream.key"

    def open(self, context: str, sealed: bytes) -> Opened | None:
        """The content of a key file; None when none of the keys opens it."""
        for keys in (self.current, *self.earlier):
            try:
                return Opened(keys, sealed, keys.recover(context, sealed))
            except BadKey:
                continue
        return None

    def is_current(self, opened: Opened) -> bool:
        """Whether it is sealed as everything is to be."""
        return opened.keys == self.current

    def make(self, context: str, random: Random) -> Opened:
        """A new seed, for a key file that is not written yet."""
        sealed, seed = self.current.create(context, random)
        return Opened(self.current, sealed, seed)


def key_ring(key: str, prev_key: str, account: str, cipher: CipherName) -> KeyRing | None:
    """Of the files of an account; None without a key, whatever the previous one was. A file may be
    sealed with the other cipher, too."""
    if not key:
        return None
    from pynats_server.jetstream.store.format.crypt import (
        Keys,  # importing takes 10 ms, so only with encryption
    )

    ciphers: tuple[CipherName, CipherName] = (
        ("chacha", "aes") if cipher == "chacha" else ("aes", "chacha")
    )
    mains = (key, prev_key) if prev_key else (key,)
    current, *earlier = (Keys(main, account, each) for main in mains for each in ciphers)
    names = "jetstream.key and prev_key" if prev_key else "jetstream.key"
    return KeyRing(current, tuple(earlier), names)


class Unreadable(StoreError):
    """A file cannot be read: without permission, a folder in its place, a damaged disk."""


class KeyLost(StoreError):
    """The key of a stream's own documents is gone. Its messages have keys of their own."""


def read_if_there(disk: Disk, path: Path) -> bytes | None:
    """A file's content; None when it is missing. Raises Unreadable."""
    try:
        return disk.read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unreadable(f"{path.name}: cannot be read ({error_text(error)})") from error
