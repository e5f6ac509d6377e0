"""One block and its key file under the current key.

They are two files and cannot change in one step: the new key waits as `<n>.key.next` while the
content is replaced, then takes the old one's place. What is interrupted in between shows by the
content, which is read with either key.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.format.blockfile import unpack_block
from pynats_server.jetstream.store.rekeying.ring import KeyRing, Opened, Random, read_if_there

if TYPE_CHECKING:
    from pynats_server.jetstream.store.format.crypt import BlockCipher

NEXT: Final = ".next"
PIECE: Final = 256 * 1024  # bytes that are encrypted before others may have the interpreter


@dataclass(frozen=True, slots=True)
class BlockKeys:
    """The blocks of one stream, by number; it holds one of them at a time."""

    name: str  # the stream's
    folder: Path  # msgs
    ring: KeyRing
    disk: Disk
    random: Random

    def is_settled(self, number: int) -> bool:
        """Whether its key is the current one; for one without a `<n>.key.next`. Raises
        Unreadable."""
        now = self._opened(number, self._key(number))
        return now is not None and self.ring.is_current(now)

    def settle(self, number: int) -> bool:
        """Brings a block under the current key; whether that changed something. One that no key
        opens stays as it is: recovery tells what cannot be read. Raises OSError, and Unreadable
        where nothing was changed."""
        data = read_if_there(self.disk, self._path(number)) or b""
        now, half = (self._opened(number, path) for path in (self._key(number), self._next(number)))
        before = self._sealed_with(number, data, now, half)
        if isinstance(before, _Unknown):
            return False
        if half is not None and before is half:  # interrupted before the last step
            self._take_next(number, half)
            now = half
        if isinstance(before, Opened):
            if self.ring.is_current(before):
                self.disk.remove(self._next(number))  # of a change that was taken back
                return before is half
            data = _applied(before.cipher, data)
        if before is None and now is not None and self.ring.is_current(now):
            # The real server's: it writes the key first.
            self.disk.replace(self._path(number), _applied(now.cipher, data))
            return True
        fresh = self.ring.make(self._context(number), self.random)
        self.disk.replace(self._next(number), fresh.sealed)
        self.disk.replace(self._path(number), _applied(fresh.cipher, data))
        self._take_next(number, fresh)
        return True

    def _sealed_with(
        self, number: int, data: bytes, now: Opened | None, half: Opened | None
    ) -> Opened | _Unknown | None:
        """What a block's content is under; None: it is in the clear."""
        if half is None and now is not None and not self.ring.is_current(now):
            return now  # without a look at it: also what is damaged in it stays what it was
        if not data:
            return now if now is not None and half is None else None
        for opened in (half, now):
            if opened is not None and self._is_readable(number, data, opened.cipher):
                return opened
        return None if self._is_readable(number, data, None) else _Unknown()

    def _is_readable(self, number: int, data: bytes, cipher: BlockCipher | None) -> bool:
        plain, _ = unpack_block(data, cipher)
        _, _, holes = Block(number, 1, self.name).scan(plain)
        return sum(size for _, size in holes) < len(plain)

    def _take_next(self, number: int, half: Opened) -> None:
        self.disk.replace(self._key(number), half.sealed)
        self.disk.remove(self._next(number))  # if it comes back, it is the same

    def _opened(self, number: int, path: Path) -> Opened | None:
        sealed = read_if_there(self.disk, path)
        return self.ring.open(self._context(number), sealed) if sealed is not None else None

    def _context(self, number: int) -> str:
        return f"{self.name}:{number}"

    def _path(self, number: int) -> Path:
        return self.folder / f"{number}.blk"

    def _key(self, number: int) -> Path:
        return self.folder / f"{number}.key"

    def _next(self, number: int) -> Path:
        return self.folder / f"{number}.key{NEXT}"


def _applied(cipher: BlockCipher, data: bytes) -> bytes:
    return b"".join(cipher.apply(data[at : at + PIECE], at) for at in range(0, len(data), PIECE))


class _Unknown:
    """Sealed with a key that is not here, or damaged all over."""
