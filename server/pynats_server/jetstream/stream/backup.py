"""Streams as archives: what the snapshot API sends and the restore API takes.

Outgoing archives have nats-server 2.15's form (`store.format.archive`); incoming ones may also be
the tar of blocks that earlier versions make (`store.file.snapshot`).
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Annotated, Protocol

import msgspec
from pynats_common.go.times import format_time_ns, parse_time_ns

from pynats_server.jetstream.config.context import Surroundings
from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.config.validation import prepare_create
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.store import (
    SEQ_MAX,
    FileConfig,
    MemoryConfig,
    Store,
    StoreError,
    open_store,
)
from pynats_server.jetstream.store.file.snapshot import unpack_snapshot
from pynats_server.jetstream.store.format.archive import (
    Entry,
    read_archive,
    restore_messages,
    write_archive,
)
from pynats_server.jetstream.store.format.s2 import StreamDecoder
from pynats_server.jetstream.store.format.sources_db import Place
from pynats_server.jetstream.stream.stream import Stream

PROBE = 512  # bytes needed to tell the two formats apart
ROOM_IF_UNLIMITED = 1 << 50
STATE = b"state.json"


class ArchivedPlace(msgspec.Struct):
    """How far a source has come."""

    seq: Annotated[int, msgspec.Meta(ge=0, le=SEQ_MAX)]
    ident: str = ""


class ArchivedState(msgspec.Struct):
    """What of an archive's state its messages do not tell."""

    last_seq: Annotated[int, msgspec.Meta(ge=0, le=SEQ_MAX)] = 0
    last_ts: str = ""
    sources: dict[str, ArchivedPlace] = {}


class BackupError(Exception):
    """A backup cannot go on; the text is the status to send."""


def outgoing(stream: Stream) -> Iterator[bytes]:
    """The archive of a stream as of now, without messages that are removed while it is made."""
    # Readers ignore what they do not know: nats-server ignores the sources.
    places = stream.store.places.known
    sources = {
        name.decode(errors="replace"): ArchivedPlace(place.seq, place.identity.decode())
        for name, place in places.items()
        if place.seq
    }
    state = stream.state().as_dict() | ({"sources": sources} if sources else {})
    documents = [Entry(STATE, time.time_ns(), 0, b"", msgspec.json.encode(state))]
    return write_archive(stream.store, documents, stream.store.last_seq)


class Destination(Protocol):
    """The account that an archive becomes a stream of."""

    @property
    def surroundings(self) -> Surroundings:
        """What configurations of the account are checked against."""
        ...

    def staging_folder(self) -> Path:
        """A name for a folder beside the streams."""
        ...

    def room(self, storage: str) -> int | None:
        """Bytes that still fit into the account and the server; None = unlimited."""
        ...

    def detached_store(self, config: StreamConfig, folder: Path) -> Store:
        """A store in another folder that any one thread may fill and close."""
        ...

    async def in_thread(self, work: Callable[[], Store | None]) -> Store | None:
        """Runs what waits for the disk off the loop."""
        ...

    async def adopt(
        self, asked: StreamConfig, config: StreamConfig, memory: Store | None, built: Path
    ) -> Stream:
        """The stream of a store that is in memory or in the folder `built`. Raises ApiError."""
        ...


class Incoming:
    """An archive as it arrives, and the stream it becomes. Raises ApiError if the account cannot
    have such a stream."""

    def __init__(self, account: Destination, asked: StreamConfig) -> None:
        self.account = account
        self._asked = asked
        self.config = prepare_create(asked, account.surroundings)
        self.size = 0
        self.refused = ""
        self.folder = account.staging_folder()
        self.folder.mkdir(parents=True, mode=0o700)
        self._file: IO[bytes] = (self.folder / "archive").open("xb+")
        room = account.room(self.config.storage)
        self._room = ROOM_IF_UNLIMITED if room is None else room

    def write(self, chunk: bytes) -> None:
        """Keeps a chunk. What is too large or cannot be written is refused at the end."""
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
            store = await self.account.in_thread(self._build)
        except (StoreError, ValueError, OSError) as error:
            raise api_error(10062, err=error) from error
        return await self.account.adopt(self._asked, self.config, store, self.folder / "stream")

    def _build(self) -> Store | None:
        """Builds the store beside the streams, off the loop. A memory store is returned, a
        file store is closed and in `folder`/stream."""
        self._file.flush()
        self._file.seek(0)
        plain = StreamDecoder().feed(self._file.read(PROBE * 128))
        self._file.seek(0)
        if self.config.storage == "memory":
            target = open_store(MemoryConfig(self.config.name, max(self.config.first_seq, 1)))
        else:
            target = self.account.detached_store(self.config, self.folder / "stream")
        if plain.startswith(b"NATSARC1"):
            for document in restore_messages(target, read_archive(self._file, self._room)):
                if document.name == STATE:
                    _restore_state(target, document)
        else:
            self._copy_blocks(target)
        if not target.on_disk:
            return target
        created = format_time_ns(time.time_ns())
        target.write_meta({"Created": created, **self.config.as_dict()})
        target.close()
        return None

    def _copy_blocks(self, target: Store) -> None:
        """From the tar form: unpacked and checked first, then read message by message."""
        unpacked = self.folder / "unpacked"
        unpack_snapshot(
            self._file, self.config.name, unpacked, self.folder / "unpacking", self._room
        )
        source = open_store(FileConfig(self.config.name, unpacked))
        try:
            if source.lost:
                raise ValueError(f"messages are missing in the archive: {list(source.lost)[:20]}")
            restore_messages(target, _entries(source))
            if source.last_seq > target.last_seq:
                target.skip(source.last_seq - target.last_seq, source.last_ts)
            target.places.restored(source.places.known)
        finally:
            source.close()

    def clean_up(self) -> None:
        """Removes what is left of the staging."""
        with contextlib.suppress(OSError):
            self._file.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _restore_state(target: Store, document: Entry) -> None:
    """Sequences are not used again, and sources go on where they were, also if no message is left
    to tell. Raises ValueError and StoreError."""
    state = msgspec.json.decode(document.payload, type=ArchivedState)
    if state.last_seq > target.last_seq:
        last_ts = min(parse_time_ns(state.last_ts), time.time_ns()) if state.last_ts else 0
        target.skip(state.last_seq - target.last_seq, max(last_ts, target.last_ts))
    target.places.restored(
        {
            name.encode(): Place(place.seq, place.ident.encode())
            for name, place in state.sources.items()
        }
    )


def _entries(source: Store) -> Iterator[Entry]:
    for seq, _ in source.oldest():
        message = source.load(seq)
        yield Entry(message.subject, message.ts, seq, message.headers or b"", message.payload)


__all__ = ["BackupError", "Incoming", "outgoing"]
