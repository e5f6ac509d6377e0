"""Streams as archives: what the snapshot API sends and the restore API takes.

Outgoing archives have nats-server 2.15's form (`store.archive`); incoming ones may also be the tar
of blocks that earlier versions make (`store.snapshot`).
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

import msgspec

from pynats_server.jetstream.advisories import unique_id
from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.config.validation import prepare_create
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.store import FileConfig, FileStore, MemoryStore, StoreError
from pynats_server.jetstream.store.file.meta import write_meta
from pynats_server.jetstream.store.format.archive import (
    Entry,
    read_archive,
    restore_messages,
    write_archive,
)
from pynats_server.jetstream.store.format.s2 import StreamDecoder
from pynats_server.jetstream.store.format.snapshot import unpack_snapshot
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.jetstream.times import format_time

if TYPE_CHECKING:
    from pynats_server.jetstream.account import JetStreamAccount

PROBE = 512  # bytes that tell one form from the other
ROOM_IF_UNLIMITED = 1 << 50


class BackupError(Exception):
    """A backup cannot go on; the text is the status that says why."""


def outgoing(stream: Stream) -> Iterator[bytes]:
    """The archive of a stream as of now; messages that go meanwhile are left out."""
    state = msgspec.json.encode(stream.state().as_dict())
    documents = [Entry(b"state.json", time.time_ns(), 0, b"", state)]
    return write_archive(stream.store, documents, stream.store.last_seq)


class Incoming:
    """An archive while it arrives, and the stream it becomes. Raises ApiError where there cannot
    be such a stream."""

    def __init__(self, account: JetStreamAccount, asked: StreamConfig) -> None:
        self.account = account
        self._asked = asked
        self.config = prepare_create(asked, account.surroundings)
        self.size = 0
        self.refused = ""
        self.folder = account.manager.staging / unique_id()
        self.folder.mkdir(parents=True, mode=0o700)
        self._file: IO[bytes] = (self.folder / "archive").open("xb+")
        self._room = self._available()

    def _available(self) -> int:
        usage = self.account.usage(self.config.storage)
        rooms = [
            limit.limit - limit.used
            for limit in (usage, usage.parent)
            if limit is not None and limit.limit >= 0
        ]
        return min(rooms, default=ROOM_IF_UNLIMITED)

    def write(self, chunk: bytes) -> None:
        """Keeps a chunk; what is too much or cannot be kept is refused at the end."""
        self.size += len(chunk)
        if self.refused:
            return
        if self.size > self._room:
            self.refused = "the archive is larger than the account's limits allow"
            return
        try:
            self._file.write(chunk)
        except OSError as error:
            self.refused = str(error)

    async def finish(self) -> Stream:
        """The restored stream. Raises ApiError 10062 and leaves nothing behind."""
        if self.refused:
            raise api_error(10062, err=self.refused)
        try:
            store = await self.account.manager.in_thread(self._build)
        except (StoreError, ValueError, OSError) as error:
            raise api_error(10062, err=error) from error
        async with self.account.changing:
            # Other streams may have come since the archive was announced.
            if self.config.name in self.account.streams:
                raise api_error(10130)
            prepare_create(self._asked, self.account.surroundings)
            return await self.account.adopt(self.config, store, self.folder / "stream")

    def _build(self) -> MemoryStore | None:
        """Builds the store beside the streams, off the loop. A memory store is returned, a
        file store is closed and in `folder`/stream."""
        self._file.flush()
        self._file.seek(0)
        plain = StreamDecoder().feed(self._file.read(PROBE * 128))
        self._file.seek(0)
        target: FileStore | MemoryStore
        if self.config.storage == "memory":
            target = MemoryStore(self.config.name, max(self.config.first_seq, 1))
        else:
            target = self.account.detached_store(self.config, self.folder / "stream")
        if plain.startswith(b"NATSARC1"):
            restore_messages(target, read_archive(self._file, self._room))
        else:
            self._copy_blocks(target)
        if isinstance(target, MemoryStore):
            return target
        created = format_time(time.time_ns())
        write_meta(target, {"Created": created, **self.config.as_dict()})
        target.close()
        return None

    def _copy_blocks(self, target: FileStore | MemoryStore) -> None:
        """From the tar form: unpacked and checked first, then read message by message."""
        unpacked = self.folder / "unpacked"
        unpack_snapshot(
            self._file, self.config.name, unpacked, self.folder / "unpacking", self._room
        )
        source = FileStore(FileConfig(self.config.name, unpacked))
        try:
            if source.lost:
                raise ValueError(f"messages are missing in the archive: {list(source.lost)[:20]}")
            restore_messages(target, _entries(source))
            if source.last_seq > target.last_seq:
                target.skip(source.last_seq - target.last_seq, source.last_ts)
        finally:
            source.close()

    def clean_up(self) -> None:
        """Removes what is left of the staging."""
        with contextlib.suppress(OSError):
            self._file.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _entries(source: FileStore) -> Iterator[Entry]:
    for seq, _ in source.oldest():
        message = source.load(seq)
        yield Entry(message.subject, message.ts, seq, message.headers or b"", message.payload)


__all__ = ["BackupError", "Incoming", "outgoing"]
