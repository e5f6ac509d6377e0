"""Streams as archives: what the snapshot API sends and the restore API takes.

Outgoing archives have nats-server 2.15's form (`pynats_common.archive`); incoming ones may also be
the tar of blocks that earlier versions make (`store.file.snapshot`).
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import IO, Annotated, Any, Protocol, TypeVar

import msgspec
from pynats_common.archive import CONSUMERS, MAGIC, STATE, Entry, unpacked
from pynats_common.go.quoting import quote
from pynats_common.go.times import format_time_ns, parse_time_ns

from pynats_server.core import subject
from pynats_server.jetstream.clock import now_ns
from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.config.rules import NAME_MAX, is_asset_name
from pynats_server.jetstream.consumer.config.stored import read_stored
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.quota import Usage
from pynats_server.jetstream.store import (
    SEQ_MAX,
    FileConfig,
    MemoryConfig,
    Store,
    StoreError,
    open_store,
)
from pynats_server.jetstream.store.consumers.folder import StoredConsumer, write_consumer
from pynats_server.jetstream.store.consumers.recovery import cut_off, read_consumers
from pynats_server.jetstream.store.file.snapshot import take_index, unpack_snapshot
from pynats_server.jetstream.store.format.archive import (
    read_archive,
    restore_messages,
    write_archive,
)
from pynats_server.jetstream.store.format.consumer_state import state_from_json, state_to_json
from pynats_server.jetstream.store.format.sources_db import Place
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.subjects.collisions import PatternIndex
from pynats_server.work import finish

CONSUMER_MAX = 8 << 20  # bytes of one of them: its JSON is read in one go
DOCUMENTS_MAX = 64 << 20  # bytes of all documents in an archive, which are held in memory
PROBE_MAX = 8 << 20  # bytes that are unpacked at most to tell the two formats apart
KNOWN_MAX = 10_000  # subjects that need no second look
SHOWN = 200  # bytes of a subject in a refusal
ROOM_IF_UNLIMITED = 1 << 50
STATE_MAX = 1 << 20  # bytes that are parsed in one go


class ArchivedPlace(msgspec.Struct):
    """How far a source has come."""

    seq: Annotated[int, msgspec.Meta(ge=0, le=SEQ_MAX)]
    ident: str = ""


class ArchivedState(msgspec.Struct):
    """What of an archive's state its messages do not tell."""

    last_seq: Annotated[int, msgspec.Meta(ge=0, le=SEQ_MAX)] = 0
    last_ts: str = ""
    sources: dict[str, ArchivedPlace] = {}


T = TypeVar("T")


class BackupError(Exception):
    """A backup cannot go on; the text is the status to send."""


def archived(consumers: Iterable[StoredConsumer]) -> list[Entry]:
    """What an archive says of consumers. For threads."""
    made = []
    for consumer in consumers:
        about = {"config": consumer.config, "state": state_to_json(consumer.state)}
        name = CONSUMERS + consumer.name.encode()
        made.append(Entry(name, now_ns(), 0, b"", msgspec.json.encode(about)))
    return made


def outgoing(stream: Stream, consumers: list[Entry]) -> Iterator[bytes]:
    """The archive of a stream as of now and of its `archived` consumers, without messages that are
    removed while it is made."""
    # Readers ignore what they do not know: nats-server ignores the sources.
    sources = {
        name.decode(errors="replace"): ArchivedPlace(place.seq, place.identity.decode())
        for name, place in stream.store.places.known.items()
        if place.seq
    }
    state = {**stream.state().as_dict(), "consumer_count": len(consumers)}
    if sources:
        state["sources"] = sources
    about = Entry(STATE, now_ns(), 0, b"", msgspec.json.encode(state))
    return write_archive(stream.store, [about, *consumers], stream.store.last_seq)


class Destination(Protocol):
    """The account that an archive becomes a stream of."""

    def staging_folder(self) -> Path:
        """A name for a folder beside the streams."""
        ...

    def room(self, storage: str) -> int | None:
        """Bytes that still fit into the account and the server; None = unlimited."""
        ...

    def usage(self, storage: str) -> Usage:
        """What the account holds of a kind of storage."""
        ...

    def file_config(self, config: StreamConfig, folder: Path) -> FileConfig:
        """How a stream is kept in a folder. Any one thread may fill and close a store there."""
        ...

    async def in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        """Runs what waits for the disk off the loop."""
        ...

    async def adopt(
        self, asked: StreamConfig, config: StreamConfig, memory: Store | None, built: Path,
        consumers: list[StoredConsumer],
    ) -> Stream:  # fmt: skip
        """The stream of a store that is in memory, or in the folder `built` with those consumers
        that belong on the disk; `consumers` are the others. Raises ApiError."""
        ...


class Incoming:
    """An archive as it arrives, and the stream it becomes. `config` was prepared from `asked`.

    What lies in the staging counts as the account's: as much as the archive, what is unpacked of
    it, or what is built, whichever is the most. Raises OSError.
    """

    def __init__(self, account: Destination, asked: StreamConfig, config: StreamConfig) -> None:
        self.account = account
        self._asked = asked
        self.config = config
        self._documents = Documents()
        self._consumers: list[StoredConsumer] = []
        self.size = 0
        self.refused = ""
        self.folder = account.staging_folder()
        self.folder.mkdir(parents=True, mode=0o700)
        try:
            self._file: IO[bytes] = (self.folder / "archive").open("xb+")
        except OSError:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self._counted = 0  # bytes, of the account's usage
        self._built: Store | None = None

    def book(self, chunk: bytes) -> bool:
        """Counts a chunk that has arrived. False when it is not to be kept, because the account
        has no room: then the restore is refused at its end."""
        self.size += len(chunk)
        return not self.refused and self._count(self.size)

    def _count(self, size: int) -> bool:
        more = size - self._counted
        room = self.account.room(self.config.storage)
        if more > 0 and room is not None and more > room:
            self.refused = "the archive is larger than the account's limits allow"
        elif more > 0:
            self.account.usage(self.config.storage).add(more)
            self._counted = size
        return not self.refused

    async def write(self, chunk: bytes) -> None:
        """Keeps a chunk. What cannot be written is refused at the end."""
        try:
            await self.account.in_thread(self._file.write, chunk)
        except OSError as error:
            self.refused = str(error)

    async def build(self) -> None:
        """Makes a store of the archive. Raises ApiError 10062. Threads do it in small steps, so
        that it can be given up between them, and takes no more room than there is."""
        if self.refused:
            raise api_error(10062, err=self.refused)
        room = self.account.room(self.config.storage)
        limit = ROOM_IF_UNLIMITED if room is None else room + self._counted
        steps = self._build(limit)
        try:
            made = 0
            while (more := await self.account.in_thread(next, steps, None)) is not None:
                made = max(0, made + more)
                if not self._count(made):
                    raise api_error(10062, err=self.refused)
        except (StoreError, ValueError, OSError) as error:
            raise api_error(10062, err=error) from error
        finally:
            await self.account.in_thread(steps.close)

    async def settle(self) -> Stream:
        """The stream of what was built. Raises ApiError."""
        self._release()  # from now on the stream itself counts
        folder = self.folder / "stream"
        return await self.account.adopt(
            self._asked, self.config, self._built, folder, self._consumers
        )

    def _build(self, limit: int) -> Generator[int, None, None]:
        """Builds the store beside the streams: a memory store is kept, a file store is closed and
        in `folder`/stream. Yields how many more bytes there are of it."""
        self._file.flush()
        self._file.seek(0)
        try:
            start = next(unpacked(self._file, PROBE_MAX), b"")
        except ValueError:
            start = b""  # whoever reads on says why
        self._file.seek(0)
        plan: FileConfig | None = None
        if self.config.storage == "memory":
            target = open_store(MemoryConfig(self.config.name, max(self.config.first_seq, 1)))
        else:
            plan = self.account.file_config(self.config, self.folder / "stream")
            target = open_store(plan)
        try:
            if start.startswith(MAGIC):
                entries = self._documents.apart(read_archive(self._file, limit))
                yield from restore_messages(target, entries, self._checker())
                _restore_state(target, self._documents.state)
                self._consumers = self._documents.consumers()
            else:
                yield from self._copy_blocks(target, limit)
            for one in self._consumers:
                read_stored(one.name, one.config)
            self._consumers = [cut_off(one, target.last_seq) for one in self._consumers]
            if plan is not None:
                now = now_ns()
                created = format_time_ns(now)
                held = self._consumers
                self._consumers = [one for one in held if one.config.get("mem_storage")]
                for consumer in held:
                    if not consumer.config.get("mem_storage"):
                        write_consumer(plan, consumer, now, target.last_seq)
                        yield 0
                target.write_meta({"Created": created, **self.config.as_dict()})
            else:
                self._built = target
        finally:
            if target.on_disk:
                target.close()

    def _copy_blocks(self, target: Store, limit: int) -> Iterator[int]:
        """From the tar form: unpacked and checked first, then read message by message."""
        folder, name = self.folder / "unpacked", self.config.name
        size = 0
        for more in unpack_snapshot(self._file, name, folder, self.folder / "unpacking", limit):
            size += more
            yield more
        yield -size
        expected = take_index(folder, name)
        plan = FileConfig(name, folder)
        self._consumers = read_consumers(plan)
        source = open_store(plan)
        try:
            if source.lost:
                raise ValueError(f"messages are missing in the archive: {list(source.lost)[:20]}")
            if expected is not None and expected.last_seq > source.last_seq:
                raise ValueError(f"messages after {source.last_seq} are missing in the archive")
            yield from restore_messages(target, _entries(source), self._checker())
            if source.last_seq > target.last_seq:
                target.skip(source.last_seq - target.last_seq, source.last_ts)
            target.places.restored(source.places.known)
        finally:
            source.close()

    def _checker(self) -> Callable[[Entry], Entry]:
        """Raises ValueError for messages that the stream could not have stored itself."""
        return Checker(self.config, now_ns())

    def clean_up(self) -> None:
        """Removes what is left of the staging."""
        self._release()
        with contextlib.suppress(OSError):
            self._file.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _release(self) -> None:
        self.account.usage(self.config.storage).add(-self._counted)
        self._counted = 0


class Checker:
    """What holds for messages that come from outside: the subject is one that the stream has
    (unless it gets messages from elsewhere), the size is allowed, and the time is not to come."""

    def __init__(self, config: StreamConfig, now_ns: int) -> None:
        self._now_ns = now_ns
        self._size_max = config.max_msg_size
        self._subjects = PatternIndex()
        copies = config.mirror is not None or config.sources or config.subject_transform is not None
        self._subjects.add([">"] if copies else config.subjects, config.name)
        self._known: set[bytes] = set()

    def __call__(self, entry: Entry) -> Entry:
        """The message to store. Raises ValueError."""
        if entry.name not in self._known:
            self._check_subject(entry)
        if 0 <= self._size_max < len(entry.headers) + len(entry.payload):
            raise ValueError(f"message sequence {entry.seq} exceeds maximum message size")
        return entry if entry.ts <= self._now_ns else entry._replace(ts=self._now_ns)

    def _check_subject(self, entry: Entry) -> None:
        name = entry.name
        if not (subject.is_literal(name) and finish(self._subjects.overlaps([name]))):
            shown = quote(name[:SHOWN])
            raise ValueError(f"message sequence {entry.seq}: {shown} is no subject of the stream")
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known.add(name)


class Documents:
    """What an archive has besides messages. Raises ValueError for what does not belong there."""

    def __init__(self) -> None:
        self._held: dict[bytes, bytes] = {}
        self._size = 0

    def apart(self, entries: Iterable[Entry | None]) -> Iterator[Entry | None]:
        """The messages alone; documents are kept here."""
        for entry in entries:
            if entry is None or entry.seq:
                yield entry
                continue
            self._size += len(entry.payload)
            if self._size > DOCUMENTS_MAX or entry.name in self._held:
                raise ValueError(f"unexpected {entry.name[:SHOWN]!r} in the archive")
            self._held[entry.name] = entry.payload

    @property
    def state(self) -> bytes:
        """That of the stream, as JSON; empty without one. What is too large for one is ignored."""
        state = self._held.get(STATE, b"")
        return state if len(state) <= STATE_MAX else b""

    def consumers(self) -> list[StoredConsumer]:
        """Those of the archive."""
        return [
            _consumer(name.removeprefix(CONSUMERS).decode(), payload)
            for name, payload in self._held.items()
            if name.startswith(CONSUMERS)
        ]


def _consumer(name: str, payload: bytes) -> StoredConsumer:
    if not is_asset_name(name) or len(name.encode()) > NAME_MAX:
        raise ValueError(f"unexpected consumer {name[:SHOWN]!r} in the archive")
    if len(payload) > CONSUMER_MAX:
        raise ValueError(f"consumer {name!r} is too large")
    try:
        about = msgspec.json.decode(payload)
    except RecursionError:
        raise ValueError(f"consumer {name!r} is nested too deeply") from None
    if not isinstance(about, dict) or not isinstance(about.get("config"), dict):
        raise ValueError(f"the archive has no configuration of consumer {name!r}")
    return StoredConsumer(name, about["config"], state_from_json(about.get("state")))


def _restore_state(target: Store, document: bytes) -> None:
    """Sequences are not used again, and sources go on where they were, also if no message is left
    to tell. Raises ValueError and StoreError."""
    if not document:
        return
    state = msgspec.json.decode(document, type=ArchivedState)
    if state.last_seq > target.last_seq:
        last_ts = min(parse_time_ns(state.last_ts), now_ns()) if state.last_ts else 0
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
