"""The documents that one `meta.key` seals, a stream's or a consumer's, under the current key.

The new key waits as `meta.key.next` until all of them are sealed with it; then it takes the old
one's place. Until then each is opened with either. So `meta.key.next` also says that a change is
under way: without a key that opens it nobody may touch the folder.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pynats_server.jetstream.store.consumers.folder import KNOWN, META, PREVIOUS, STATE, SUMS
from pynats_server.jetstream.store.errors import BadKey
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.meta import SUM_FILES, read_sums, replace_meta
from pynats_server.jetstream.store.format import consumer_state
from pynats_server.jetstream.store.format import index_db as index
from pynats_server.jetstream.store.format.consumer_file import Known, decode_known, encode_known
from pynats_server.jetstream.store.format.highway import digest64
from pynats_server.jetstream.store.format.meta_inf import meta_sum, name_key
from pynats_server.jetstream.store.rekeying.blocks import NEXT
from pynats_server.jetstream.store.rekeying.ring import (
    KeyLost,
    KeyRing,
    Opened,
    Random,
    Unreadable,
    read_if_there,
)

if TYPE_CHECKING:
    from pynats_server.jetstream.store.format.crypt import Sealer

KEY: Final = "meta.key"
INDEX_HEAD, STATE_HEAD, META_HEAD = bytes((index.MAGIC,)), bytes((consumer_state.MAGIC,)), b'{"'


@dataclass(frozen=True, slots=True)
class Sealing:
    """From what the documents of a folder are sealed with to `after`."""

    disk: Disk
    random: Random
    before: tuple[Sealer, ...]
    after: Opened

    def opened(self, data: bytes) -> bytes | None:
        """The content; None when none of the keys has sealed it, or it is damaged."""
        for sealer in (self.after.sealer, *self.before):
            try:
                return sealer.open(data)
            except BadKey:
                continue
        return None

    def plain(self, data: bytes, head: bytes) -> bytes | None:
        """The content, which may be in the clear, too; then `head` starts it."""
        opened = self.opened(data)
        return data if opened is None and data.startswith(head) else opened

    def sealed(self, data: bytes, head: bytes) -> bytes:
        """The same under the new key. What does not open stays as it is, for recovery to report."""
        after = self.after.sealer
        try:
            after.open(data)
        except BadKey:
            plain = self.plain(data, head)
            return data if plain is None else after.seal(plain, self.random(after.nonce_size))
        return data

    def rewrite(self, path: Path, head: bytes) -> None:
        """Replaces a document that has no checksum of its own."""
        data = read_if_there(self.disk, path)
        if data is not None and (sealed := self.sealed(data, head)) != data:
            self.disk.replace(path, sealed)

    def rewrite_meta(self, folder: Path, label: str) -> bytes | None:
        """Replaces meta.inf and its checksum, and returns it; None when they do not match, and no
        key vouches for it: then they stay."""
        data = read_if_there(self.disk, folder / META)
        if data is None:
            return None
        matches = meta_sum(label, data) in read_sums(folder, self.disk)
        if not matches and self.opened(data) is None:
            return None
        sealed = self.sealed(data, META_HEAD)
        waiting = read_if_there(self.disk, folder / SUM_FILES[1])  # interrupted: two checksums
        if sealed != data or waiting is not None or not matches:
            replace_meta(self.disk, folder, label, sealed)
        return sealed


Rewrite = Callable[[Sealing], None]


class KeyFiles:
    """`meta.key` and `meta.key.next` of a folder. Raises BadKey, naming the file, when one of them
    opens with no key: nothing may be changed then. Raises Unreadable."""

    def __init__(
        self, folder: Path, context: str, ring: KeyRing, disk: Disk, random: Random
    ) -> None:
        self._folder, self._context = folder, context
        self._ring, self._disk, self._random = ring, disk, random
        self.now, self.half = self._opened(KEY), self._opened(KEY + NEXT)

    @property
    def exist(self) -> bool:
        """Whether there is one of them: what has none is in the clear."""
        return self.now is not None or self.half is not None

    @property
    def are_current(self) -> bool:
        """Whether the current key has sealed the documents, and nothing was interrupted."""
        return self.half is None and self.now is not None and self._ring.is_current(self.now)

    def begin(self, rewrite: Rewrite) -> None:
        """The new key is there beside the old one. Raises OSError."""
        if self.half is not None and not self._ring.is_current(self.half):
            # Another change was interrupted; its key goes once no document needs it.
            self._change(self.half, rewrite)
        if self.half is None and not self.are_current:
            fresh = self._ring.make(self._context, self._random)
            self._disk.replace(self._folder / (KEY + NEXT), fresh.sealed)
            self.half = fresh

    def finish(self, rewrite: Rewrite) -> None:
        """Rewrites the documents; the new key is the only one. Raises OSError."""
        if self.half is not None:
            self._change(self.half, rewrite)

    def _change(self, after: Opened, rewrite: Rewrite) -> None:
        before = (self.now.sealer,) if self.now is not None else ()
        rewrite(Sealing(self._disk, self._random, before, after))
        self._disk.replace(self._folder / KEY, after.sealed)
        self._disk.remove(self._folder / (KEY + NEXT))  # if it comes back, it is the same
        self.now, self.half = after, None

    def _opened(self, name: str) -> Opened | None:
        sealed = read_if_there(self._disk, self._folder / name)
        if sealed is None:
            return None
        opened = self._ring.open(self._context, sealed)
        if opened is None:
            raise BadKey(f"{name}: encrypted with another key than {self._ring.names}, or damaged")
        return opened


def is_clear_stream(folder: Path, name: str, disk: Disk) -> bool:
    """Whether a folder without a key file was never encrypted. Raises KeyLost if it was. False
    where meta.inf does not tell: whoever reads it says what is wrong."""
    try:
        data = read_if_there(disk, folder / META)
        if data is None or meta_sum(name, data) not in read_sums(folder, disk):
            return False
    except (OSError, Unreadable):
        return False
    if not data.startswith(META_HEAD):
        raise KeyLost(f"{KEY}: missing, and {META} is encrypted")
    return True


def is_clear_consumer(folder: Path, label: str, disk: Disk) -> bool:
    """The same of a consumer, which has a copy of its key."""
    data, known = read_if_there(disk, folder / META), read_if_there(disk, folder / KNOWN)
    copy = decode_known(known, name_key(label)) if known is not None else None
    return data is not None and data.startswith(META_HEAD) and (copy is None or not copy.sealed_key)


def look_at(folder: Path, disk: Disk) -> None:
    """Raises Unreadable, before anything is changed, if a document cannot be read: the key that it
    is sealed with would be gone."""
    for name in (META, SUMS, KNOWN, STATE, PREVIOUS):
        read_if_there(disk, folder / name)


def of_stream(folder: Path, name: str) -> Rewrite:
    """Rewrites what a stream's key seals."""

    def rewrite(sealing: Sealing) -> None:
        path, key = folder / "msgs" / "index.db", name_key(name)
        data = None
        with contextlib.suppress(Unreadable):  # the blocks tell the same
            data = read_if_there(sealing.disk, path)
        if data is not None and digest64(key, data[:-8]) == data[-8:]:
            body = sealing.sealed(data[:-8], INDEX_HEAD)
            if body != data[:-8]:
                sealing.disk.replace(path, body + digest64(key, body))
        sealing.rewrite_meta(folder, name)

    return rewrite


def of_consumer(folder: Path, label: str) -> Rewrite:
    """Rewrites what a consumer's key seals."""

    def rewrite(sealing: Sealing) -> None:
        _rewrite_known(sealing, folder, label, sealing.rewrite_meta(folder, label))
        for name in (STATE, PREVIOUS):
            sealing.rewrite(folder / name, STATE_HEAD)

    return rewrite


def _rewrite_known(sealing: Sealing, folder: Path, label: str, meta: bytes | None) -> None:
    """known.dat has a copy of meta.inf and of its key. Where meta.inf is damaged, the checksum
    goes on vouching for the copy."""
    data, disk = read_if_there(sealing.disk, folder / KNOWN), sealing.disk
    known = decode_known(data, name_key(label)) if data is not None else None
    if known is None:
        return
    vouched = meta is None and meta_sum(label, known.meta) in read_sums(folder, disk)
    if meta is not None and sealing.plain(known.meta, META_HEAD) == sealing.plain(meta, META_HEAD):
        copy = meta
    else:
        copy = sealing.sealed(known.meta, META_HEAD)
    new = encode_known(Known(copy, sealing.after.sealed, known.start), name_key(label))
    if new == data:
        return
    waiting = folder / SUM_FILES[1]
    if vouched:
        disk.replace(waiting, meta_sum(label, copy))
    disk.replace(folder / KNOWN, new)
    if vouched:
        disk.replace(folder / SUMS, meta_sum(label, copy))
        disk.remove(waiting)
