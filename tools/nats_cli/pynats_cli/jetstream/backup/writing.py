"""Archives of messages as they are written: entries in, pieces of an S2 stream out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pynats_common.archive import END, MAGIC, Entry, encode_entry

from pynats_cli.jetstream.backup.folder import new_file

PIECE: Final = 1 << 16


class Writer:
    """A new file that becomes an archive. Raises OSError."""

    def __init__(self, path: Path) -> None:
        from pynats_common.s2 import IDENTIFIER, encode_chunks  # compiled: not on every system

        self._path = path
        self._encode = encode_chunks
        self._out = new_file(path)
        self._out.write(IDENTIFIER)
        self._held = bytearray(MAGIC)

    def add(self, entry: Entry) -> None:
        """The next entry."""
        self._held += encode_entry(entry)
        if len(self._held) >= PIECE:
            self._flush()

    def _flush(self) -> None:
        self._out.write(self._encode(bytes(self._held)))
        self._held.clear()

    def finish(self, place: Path) -> int:
        """Ends the archive and gives it its name, once it is on the disk; its size."""
        self.add(END)
        self._flush()
        self._out.flush()
        os.fsync(self._out.fileno())
        size = self._out.tell()
        self._out.close()
        self._path.replace(place)
        return size

    def discard(self) -> None:
        """Nothing of it stays, unless it is finished."""
        self._out.close()
        self._path.unlink(missing_ok=True)


def encoded(entries: Iterable[Entry]) -> Iterator[bytes]:
    """An archive in pieces that fit into messages."""
    from pynats_common.s2 import IDENTIFIER, encode_chunks

    yield IDENTIFIER
    held = bytearray(MAGIC)
    for entry in entries:
        held += encode_entry(entry)
        while len(held) >= PIECE:
            yield encode_chunks(bytes(held[:PIECE]))
            del held[:PIECE]
    yield encode_chunks(bytes(held + encode_entry(END)))
