"""Turning encryption on or off, or changing its key or cipher, when a stream's folder is opened.

A file and the key that opens it cannot change in one step. So every new key is first written
beside the old one (`meta.key.next`, `<n>.key.next`), then the content is replaced, then the new
key takes the old one's name; the stream's `meta.key` changes last of all. After a crash anywhere
the same steps run again: what opens with the new key is done, what opens with the old is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.errors import BadKey
from pynats_server.jetstream.store.file.config import FileConfig
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.meta import read_sums, replace_meta
from pynats_server.jetstream.store.format import consumer_state
from pynats_server.jetstream.store.format import index_db as index
from pynats_server.jetstream.store.format.blockfile import unpack_block
from pynats_server.jetstream.store.format.highway import digest64
from pynats_server.jetstream.store.format.meta_inf import meta_sum, name_key
from pynats_server.jetstream.store.format.names import block_number

if TYPE_CHECKING:
    from pynats_server.jetstream.store.format.crypt import BlockCipher, Keys, Sealer

NEXT = ".next"
INDEX_HEAD, CONSUMER_HEAD = bytes((index.MAGIC,)), bytes((consumer_state.MAGIC,))


def convert(config: FileConfig, disk: Disk, random: Callable[[int], bytes]) -> bool:
    """Bring a folder to `config.keys` from `config.prev_keys`, or from or to no encryption;
    False when it is there already. Raises BadKey when neither key opens it."""
    sealed = _read(disk, config.folder / "meta.key")
    if sealed is None:
        fresh = not disk.names(config.folder / "msgs")
        old: Keys | None = None
        if config.keys is None or fresh:
            return False
    elif config.keys is not None and _opens(config.keys, config.name, sealed):
        return False
    else:
        old = config.prev_keys
        if old is None:
            return False  # opening says what is missing
        old.recover(config.name, sealed)
    _Rekey(config, disk, random, old, config.keys).run()
    return True


def _opens(keys: Keys, context: str, sealed: bytes) -> bool:
    try:
        keys.recover(context, sealed)
    except BadKey:
        return False
    return True


def _read(disk: Disk, path: Path) -> bytes | None:
    try:
        return disk.read(path)
    except FileNotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class _Rekey:
    config: FileConfig
    disk: Disk
    random: Callable[[int], bytes]
    old: Keys | None
    new: Keys | None

    def run(self) -> None:
        home, name = self.config.folder, self.config.name
        for path in sorted(self.disk.names(home / "msgs")):
            number = block_number(path)
            if number is not None:
                self._block(number)
        for consumer in self.disk.names(home / "obs"):
            folder = home / "obs" / consumer
            if not folder.is_dir():
                continue  # nobody's, but it may lie there
            with _Switch(self, folder, f"{name}.{consumer}") as switch:
                switch.document(folder / "o.dat")
                switch.described(folder, f"{name}/{consumer}")
        with _Switch(self, home, name) as switch:
            switch.index(home / "msgs" / "index.db", name_key(name))
            switch.described(home, name)

    def _block(self, number: int) -> None:
        folder = self.config.folder / "msgs"
        path, key, following = (folder / f"{number}{end}" for end in (".blk", ".key", ".key.next"))
        context = f"{self.config.name}:{number}"
        sealed = _read(self.disk, key)
        if self.new is not None and sealed is not None and _opens(self.new, context, sealed):
            return
        before: BlockCipher | None = None
        if sealed is not None:
            if self.old is None or not _opens(self.old, context, sealed):
                return  # recovery names it and keeps a copy
            before = self.old.block_cipher(sealed, self.old.recover(context, sealed))
        data = self.disk.read(path)
        if self.new is None:
            if not self._readable(number, data, None):
                self.disk.replace(path, before.apply(data) if before else data)
            self.disk.remove(key)
            self.disk.sync_folder(folder)
            return
        half = _read(self.disk, following)
        if half is not None and _opens(self.new, context, half):
            after = self.new.block_cipher(half, self.new.recover(context, half))
            done = self._readable(number, data, after) and not self._readable(number, data, before)
        else:
            done = False
        if not done:
            fresh, seed = self.new.create(context, self.random)
            self.disk.replace(following, fresh)
            plain = before.apply(data) if before else data
            self.disk.replace(path, self.new.block_cipher(fresh, seed).apply(plain))
        self.disk.rename(following, key)
        self.disk.sync_folder(folder)

    def _readable(self, number: int, data: bytes, cipher: BlockCipher | None) -> bool:
        plain, _ = unpack_block(data, cipher)
        block = Block(number, 1, self.config.name)
        _, _, holes = block.scan(plain)
        return sum(size for _, size in holes) < len(plain)


class _Switch:
    """The documents one `meta.key` seals; leaving the context makes the new key the current."""

    def __init__(self, rekey: _Rekey, folder: Path, context: str) -> None:
        self._rekey, self._disk = rekey, rekey.disk
        self._key, self._next = folder / "meta.key", folder / ("meta.key" + NEXT)
        self._context = context
        self._before: Sealer | None = None
        self._after: Sealer | None = None

    def __enter__(self) -> _Switch:
        old, new, context = self._rekey.old, self._rekey.new, self._context
        sealed = _read(self._disk, self._key)
        if new is not None and sealed is not None and _opens(new, context, sealed):
            self._before = self._after = new.seed_sealer(new.recover(context, sealed))
            return self
        if old is not None and sealed is not None:
            self._before = old.seed_sealer(old.recover(context, sealed))
        if new is not None:
            half = _read(self._disk, self._next)
            if half is None or not _opens(new, context, half):
                half, _ = new.create(context, self._rekey.random)
                self._disk.replace(self._next, half)
            self._after = new.seed_sealer(new.recover(context, half))
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            return
        if self._after is None:
            self._disk.remove(self._key)
        elif self._after is not self._before:
            self._disk.rename(self._next, self._key)
        self._disk.sync_folder(self._key.parent)

    def _converted(self, data: bytes, head: bytes) -> bytes:
        """The content under the new key. `head` starts the plain form. Content that opens
        with no key and does not start so is sealed with a lost key: it stays as it is."""
        plain = data
        for sealer in (self._after, self._before):
            if sealer is not None:
                try:
                    plain = sealer.open(data)
                except BadKey:
                    continue
                if sealer is self._after:
                    return data
                break
        if self._after is None or not plain.startswith(head):
            return plain
        return self._after.seal(plain, self._rekey.random(self._after.nonce_size))

    def document(self, path: Path) -> None:
        """A sealed file without a checksum of its own."""
        data = _read(self._disk, path)
        if data is not None:
            self._disk.replace(path, self._converted(data, CONSUMER_HEAD))

    def index(self, path: Path, hash_key: bytes) -> None:
        """index.db: sealed body and checksum. A damaged one is left for recovery to report."""
        data = _read(self._disk, path)
        if data is not None and digest64(hash_key, data[:-8]) == data[-8:]:
            body = self._converted(data[:-8], INDEX_HEAD)
            self._disk.replace(path, body + digest64(hash_key, body))

    def described(self, folder: Path, hash_name: str) -> None:
        """meta.inf and its meta.sum; a pair that does not match stays as it is."""
        data = _read(self._disk, folder / "meta.inf")
        if data is None or meta_sum(hash_name, data) not in read_sums(folder, self._disk):
            return
        replace_meta(self._disk, folder, hash_name, self._converted(data, b'{"'))
