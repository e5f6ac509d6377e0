"""Streams as archives: what the snapshot API sends and the restore API takes.

Outgoing archives have nats-server 2.15's form (`store.format.archive`); incoming ones may also be
the tar of blocks that earlier versions make (`store.file.snapshot`).
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Protocol

import msgspec
from pynats_common.go.times import format_time_ns

from pynats_server.jetstream.config.context import Surroundings
from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.config.rules import NAME_MAX, is_asset_name
from pynats_server.jetstream.config.validation import prepare_create
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.store import FileConfig, MemoryConfig, Store, StoreError, open_store
from pynats_server.jetstream.store.file.consumers import (
    StoredConsumer,
    read_consumers,
    write_consumers,
)
from pynats_server.jetstream.store.file.snapshot import unpack_snapshot
from pynats_server.jetstream.store.format.archive import (
    Entry,
    read_archive,
    restore_messages,
    write_archive,
)
from pynats_server.jetstream.store.format.consumer_state import state_from_json, state_to_json
from pynats_server.jetstream.store.format.s2 import StreamDecoder
from pynats_server.jetstream.stream.dormant import DormantConsumers
from pynats_server.jetstream.stream.stream import Stream

CONSUMERS = b"consumers/"  # before the names of consumers in an archive
PROBE = 512  # bytes needed to tell the two formats apart
ROOM_IF_UNLIMITED = 1 << 50


class BackupError(Exception):
    """A backup cannot go on; the text is the status to send."""


def outgoing(stream: Stream, consumers: Iterable[StoredConsumer]) -> Iterator[bytes]:
    """The archive of a stream as of now and of its consumers, without messages that are removed
    while it is made."""
    now, kept = time.time_ns(), list(consumers)
    state = {**stream.state().as_dict(), "consumer_count": len(kept)}
    documents = [Entry(b"state.json", now, 0, b"", msgspec.json.encode(state))]
    for consumer in kept:
        about = {"config": consumer.config, "state": state_to_json(consumer.state)}
        name = CONSUMERS + consumer.name.encode()
        documents.append(Entry(name, now, 0, b"", msgspec.json.encode(about)))
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

    def file_config(self, config: StreamConfig, folder: Path) -> FileConfig:
        """How a stream is kept in a folder. Any one thread may fill and close a store there."""
        ...

    async def in_thread(self, work: Callable[[], Store | None]) -> Store | None:
        """Runs what waits for the disk off the loop."""
        ...

    async def adopt(
        self, asked: StreamConfig, config: StreamConfig, memory: Store | None, built: Path,
        consumers: DormantConsumers,
    ) -> Stream:  # fmt: skip
        """The stream of a store that is in memory with its `consumers`, or with them in the folder
        `built`. Raises ApiError."""
        ...


class Incoming:
    """An archive as it arrives, and the stream it becomes. Raises ApiError if the account cannot
    have such a stream."""

    def __init__(self, account: Destination, asked: StreamConfig) -> None:
        self.account = account
        self._asked = asked
        self.config = prepare_create(asked, account.surroundings)
        self._consumers: list[StoredConsumer] = []
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
        return await self.account.adopt(
            self._asked, self.config, store, self.folder / "stream",
            DormantConsumers(in_memory=self._consumers),
        )  # fmt: skip

    def _build(self) -> Store | None:
        """Builds the store beside the streams, off the loop. A memory store is returned, a
        file store is closed and in `folder`/stream."""
        self._file.flush()
        self._file.seek(0)
        plain = StreamDecoder().feed(self._file.read(PROBE * 128))
        self._file.seek(0)
        plan: FileConfig | None = None
        if self.config.storage == "memory":
            target = open_store(MemoryConfig(self.config.name, max(self.config.first_seq, 1)))
        else:
            plan = self.account.file_config(self.config, self.folder / "stream")
            target = open_store(plan)
        if plain.startswith(b"NATSARC1"):
            documents = restore_messages(target, read_archive(self._file, self._room))
            self._consumers = list(_consumers_of(documents))
        else:
            self._copy_blocks(target)
        if plan is None:
            return target
        now = time.time_ns()
        created = format_time_ns(now)
        write_consumers(plan, self._consumers, created, now)
        target.write_meta({"Created": created, **self.config.as_dict()})
        target.close()
        return None

    def _copy_blocks(self, target: Store) -> None:
        """From the tar form: unpacked and checked first, then read message by message."""
        unpacked = self.folder / "unpacked"
        unpack_snapshot(
            self._file, self.config.name, unpacked, self.folder / "unpacking", self._room
        )
        plan = FileConfig(self.config.name, unpacked)
        self._consumers = read_consumers(plan)
        source = open_store(plan)
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


def _consumers_of(documents: Iterable[Entry]) -> Iterator[StoredConsumer]:
    """Those of an archive. Raises ValueError."""
    seen: set[str] = set()
    for entry in documents:
        if not entry.name.startswith(CONSUMERS):
            continue
        name = entry.name.removeprefix(CONSUMERS).decode()
        about = msgspec.json.decode(entry.payload)
        if not is_asset_name(name) or len(name.encode()) > NAME_MAX or name in seen:
            raise ValueError(f"unexpected consumer {name!r} in the archive")
        if not isinstance(about, dict) or not isinstance(about.get("config"), dict):
            raise ValueError(f"the archive has no configuration of consumer {name!r}")
        seen.add(name)
        yield StoredConsumer(name, about["config"], state_from_json(about.get("state")))


def _entries(source: Store) -> Iterator[Entry]:
    for seq, _ in source.oldest():
        message = source.load(seq)
        yield Entry(message.subject, message.ts, seq, message.headers or b"", message.payload)


__all__ = ["BackupError", "Incoming", "outgoing"]
