"""JetStream in one account: its streams, their folders, and the account's limits."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from pynats_common.go.durations import SECOND_NS, human_duration_ns
from pynats_common.go.times import format_time_ns, parse_time_ns

from pynats_server.core.account import Account
from pynats_server.core.interest.subscription import Subscription
from pynats_server.jetstream.advisories import unique_id
from pynats_server.jetstream.claims import Claims
from pynats_server.jetstream.config.context import Limits
from pynats_server.jetstream.config.model import ConsumerLimits, StreamConfig
from pynats_server.jetstream.config.validation import prepare_create
from pynats_server.jetstream.consumer.keeping import Found, found_in
from pynats_server.jetstream.context import AccountContext, JetStreamContext
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.figures import AccountFigures
from pynats_server.jetstream.folders import move_in, put_aside
from pynats_server.jetstream.quota import Usage
from pynats_server.jetstream.store import (
    FileConfig,
    MemoryConfig,
    Store,
    StoreError,
    choose_block_size,
    open_store,
)
from pynats_server.jetstream.store.consumers.folder import StoredConsumer
from pynats_server.jetstream.store.file.meta import read_meta, write_new_stream
from pynats_server.jetstream.stream.host import Neighbours
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.log.logger import Logger
from pynats_server.options import AccountLimits
from pynats_server.work import Work, finish

if TYPE_CHECKING:
    from pynats_server.jetstream.store.format.crypt import Keys


T = TypeVar("T")
ASYNC_SYNC_INTERVAL_S = 120.0  # between the fsyncs of a stream with persist_mode async


def _meta(config: StreamConfig, created: int) -> dict[str, Any]:
    """What meta.inf says of a stream."""
    return {"Created": format_time_ns(created), **config.as_dict()}


def _close(store: Store) -> None:
    """Closes a store on the error path: the first error is the one to report."""
    with contextlib.suppress(StoreError, OSError):
        store.close()


@dataclass(frozen=True, slots=True)
class AccountSurroundings:
    """See `config.context.Surroundings`."""

    account: JetStreamAccount

    def stream(self, name: str) -> StreamConfig | None:
        """The one of that name."""
        found = self.account.streams.get(name)
        return found.config if found is not None else None

    def others(self, name: str) -> int:
        """How many streams there are with other names, those being restored included."""
        return self.account.claims.others(name)

    def promised(self, storage: str, name: str) -> int:
        """The bytes that those with other names have claimed."""
        return self.account.claims.promised(storage, name)

    def captured(self, subjects: list[bytes], name: str) -> Work[bool]:
        """Whether one with another name listens to some of these subjects."""
        return self.account.claims.captured(subjects, name)

    def beyond(self, limits: ConsumerLimits, name: str) -> Work[list[str]]:
        """The names of those of its consumers that have more than such limits allow."""
        return self.account.streams[name].consumers.beyond(limits)

    def limits(self, replicas: int, name: str) -> Limits:
        """What the server and the account allow."""
        own, account = self.account.limits, self.account
        return Limits(
            duplicate_window_ns=int(account.server.options.limits.duplicate_window * SECOND_NS),
            memory_left=account.unreserved("memory", name),
            storage_left=account.unreserved("file", name),
            max_streams=own.max_streams,
            max_consumers=own.max_consumers,
            max_memory=own.max_memory,
            max_storage=own.max_storage,
            memory_max_stream_bytes=own.memory_max_stream_bytes,
            storage_max_stream_bytes=own.storage_max_stream_bytes,
            max_bytes_required=own.max_bytes_required,
        )


class JetStreamAccount:
    """The streams of one account. `enabled` is False for an account without JetStream, whose
    requests are refused, and after the end of one that had it."""

    def __init__(
        self,
        server: JetStreamContext,
        account: Account,
        limits: AccountLimits,
        enabled: bool = True,
    ) -> None:
        self.server = server
        self.account = account
        self.context = AccountContext(server, account, limits)
        self.advisories = self.context.advisories
        self.limits = limits
        self.enabled = enabled
        self.streams: dict[str, Stream] = {}
        self.claims = Claims(server.reserved, server.restoring)
        self.neighbours = Neighbours(self.streams.get)  # tells mirrors and sources of streams
        self.broken: dict[str, str] = {}  # folder that could not be opened -> why
        self.changing = self.context.changing
        self.api_total = 0
        self.api_errors = 0

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name

    @property
    def is_system(self) -> bool:
        """Whether it is the system account, which has no streams."""
        return self.account.is_system

    @property
    def strict(self) -> bool:
        """Whether requests with unknown fields are refused."""
        return self.server.options.strict

    @property
    def server_name(self) -> str:
        """The server's name."""
        return self.server.server_name

    @property
    def log(self) -> Logger:
        """The server's log."""
        return self.server.log

    @property
    def domain(self) -> str:
        """The JetStream domain; empty without one."""
        return self.server.domain

    # -- for the API --------------------------------------------------------------------------

    def publish(
        self, subject: bytes, payload: bytes, reply: bytes = b"", headers: bytes = b""
    ) -> int:
        """Publishes in the account; returns how many got it."""
        return self.context.publish(subject, payload, reply, headers)

    def subscribe(
        self, subject: str, callback: Callable[..., object], with_source: bool = False
    ) -> Subscription:
        """Calls `callback` with every message of a subject, see `Account.subscribe`."""
        return self.account.subscribe(subject.encode(), callback, b"", with_source)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Ends a subscription. Idempotent."""
        self.account.unsubscribe(subscription)

    async def in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        """See `JetStreamContext.in_thread`."""
        return await self.server.in_thread(work, *arguments)

    async def sliced(self, work: Work[T], client: object = None) -> T:
        """See `AccountContext.sliced`."""
        return await self.context.sliced(work, client)

    def staging_folder(self) -> Path:
        """A name for a folder beside the streams."""
        return self.server.staging / unique_id()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs something in the background until the server stops."""
        self.server.spawn(work)

    # -- figures ------------------------------------------------------------------------------

    def usage(self, storage: str) -> Usage:
        """What the account's streams hold of a kind of storage."""
        return self.context.usage(storage)

    def room(self, storage: str) -> int | None:
        """Bytes that still fit into the account and the server; None = unlimited."""
        usage = self.usage(storage)
        rooms = [
            limit.limit - limit.used
            for limit in (usage, usage.parent)
            if limit is not None and limit.limit >= 0
        ]
        return min(rooms, default=None)

    def reserved(self, storage: str) -> int:
        """Bytes that streams have claimed by their max_bytes."""
        return self.claims.reserved.of(storage)

    def unreserved(self, storage: str, name: str) -> int:
        """Bytes that no stream of the server has claimed, but perhaps that of the name; -1 =
        unlimited."""
        limit = self.server.usage(storage).limit
        return -1 if limit < 0 else max(0, limit - self.claims.promised_by_server(storage, name))

    @property
    def surroundings(self) -> AccountSurroundings:
        """What configurations of this account are checked against."""
        return AccountSurroundings(self)

    @property
    def folder(self) -> Path:
        """Where the account's streams are."""
        return self.server.folder / self.name / "streams"

    def stream(self, name: str) -> Stream:
        """The stream of that name. Raises ApiError 10059."""
        found = self.streams.get(name)
        if found is None:
            raise api_error(10059)
        return found

    # -- life -------------------------------------------------------------------------------

    def recover(self) -> None:
        """Opens every stream on disk. What cannot be opened stays where it is and is named in
        `broken`."""
        if not self.folder.is_dir():
            return
        for folder in sorted(self.folder.iterdir()):
            if not folder.is_dir():
                continue
            self._try_open(folder)
        self.neighbours.all_changed()
        for stream in self.streams.values():  # which may store what others tell
            stream.consumers.tell_damage()

    def _try_open(self, folder: Path) -> None:
        """Opens the stream of a folder, or notes in `broken` and the log why it cannot be."""
        try:
            finish(self._listening(self._open(folder)))
        except Exception as error:  # a broken folder must not keep the others from being served
            self.broken[folder.name] = str(error) or repr(error)
            self.log.error(
                f"JetStream stream '{self.name} > {folder.name}' could not be recovered, "
                f"its files stay in {folder}: {error!r}"
            )

    def _open(self, folder: Path) -> Stream:
        config, created = self._read(folder)
        begun_ns = time.perf_counter_ns()
        store, found = self._opened(config, folder)
        return self._run(config, created, store, found, folder, begun_ns)

    async def _open_aside(self, folder: Path, restored: list[StoredConsumer]) -> Stream:
        """`_open`, with the work of a large stream in a thread. It has these consumers besides
        those in the folder."""
        config, created = self._read(folder)
        begun_ns = time.perf_counter_ns()
        opening = self.server.loop.run_in_executor(None, self._opened, config, folder, True)
        try:
            store, found = await asyncio.shield(opening)
        except asyncio.CancelledError:
            await asyncio.wait([opening])
            if opening.exception() is None:
                _close(opening.result()[0])
            raise
        store.attach(self.server.syncer)
        found.restored.extend(restored)
        return self._run(config, created, store, found, folder, begun_ns)

    def _read(self, folder: Path) -> tuple[StreamConfig, int]:
        """The configuration of a stream on disk, and when it was created. Raises ValueError."""
        meta = read_meta(FileConfig(folder.name, folder, keys=self._keys()))
        created = parse_time_ns(meta.pop("Created", "0001-01-01T00:00:00Z"))
        try:
            config = msgspec.convert(meta, StreamConfig)
        except msgspec.ValidationError as error:
            raise ValueError(f"unsupported configuration: {error}") from None
        if config.name != folder.name:
            raise ValueError(f"the configuration is of a stream {config.name!r}")
        self.log.notice(f"  Starting restore for stream '{self.name} > {config.name}'")
        return config, created

    def _run(
        self, config: StreamConfig, created: int, store: Store, found: Found, folder: Path,
        begun_ns: int,
    ) -> Stream:  # fmt: skip
        """The stream of an open store, started."""
        shown = f"stream '{self.name} > {config.name}'"
        stream = self._started(config, created, store, found, folder)
        took = human_duration_ns(time.perf_counter_ns() - begun_ns)
        self.log.notice(f"  Restored {stream.store.msgs:,} messages for {shown} in {took}")
        return stream

    def _started(
        self, config: StreamConfig, created: int, store: Store, found: Found,
        folder: Path | None = None,
    ) -> Stream:  # fmt: skip
        """A running stream. On an error only its files remain."""
        if not self.enabled:  # switched off since this was asked for
            _close(store)
            raise StoreError("JetStream not enabled for account")
        try:
            stream = Stream(self.context, self.neighbours, config, created, store, folder, found)
        except Exception:
            _close(store)
            raise
        try:
            stream.start()
        except Exception:
            with contextlib.suppress(StoreError, OSError):  # the first error is reported
                stream.abandon()
            raise
        self.streams[config.name] = stream
        self._at_desk(stream)
        return stream

    def _at_desk(self, stream: Stream) -> None:
        """Requests for single messages are answered where they arrive, if the stream allows it."""
        if stream.config.allow_direct:
            self.context.desk.put(stream.name.encode(), stream.store)
        else:
            self.context.desk.drop(stream.name.encode())

    def _listening(self, stream: Stream) -> Work[None]:
        """What a stream still needs to be whole, after it was started or configured."""
        yield from self.claims.put(stream.config)
        yield from stream.subscribing()

    def set_limits(self, limits: AccountLimits) -> None:
        """Changes the limits. Messages already stored stay, even above the new limits."""
        self.limits = limits
        self.context.set_limits(limits)

    def end(self) -> list[Stream]:
        """Has no streams any more; the caller closes them. The folders stay."""
        self.enabled = False
        streams = list(self.streams.values())
        for name in self.streams:
            self.context.desk.drop(name.encode())
        self.streams.clear()
        self.claims.clear()
        return streams

    # -- changes ----------------------------------------------------------------------------

    async def create(self, config: StreamConfig, client: object = None) -> Stream:
        """Makes a stream of a valid configuration that a client asked for. Raises ApiError 10049,
        and leaves nothing."""
        created = time.time_ns()
        if config.storage == "memory":
            store = open_store(MemoryConfig(config.name, max(config.first_seq, 1)))
            stream = self._started(config, created, store, Found())
            return await self._whole(stream, client)
        built = self.staging_folder()
        try:
            meta = _meta(config, created)
            plain = self.file_config(config, built)
            await self.in_thread(write_new_stream, plain, meta)
            return await self._settle(built, config.name, client)
        except (OSError, StoreError, ValueError) as error:
            await self.in_thread(shutil.rmtree, built, True)
            raise api_error(10049, err=error) from error

    async def adopt(
        self, asked: StreamConfig, config: StreamConfig, memory: Store | None, built: Path,
        consumers: list[StoredConsumer],
    ) -> Stream:  # fmt: skip
        """Makes a stream of a store that was built elsewhere: in memory, or in the folder `built`,
        which moves to its place with all that is in it. `consumers` are those that are on no disk.
        `config` was prepared from `asked` earlier; other streams may have been created since.
        Raises ApiError (10062 and others), and leaves the folder where it was."""
        async with self.changing:
            if config.name in self.streams:
                raise api_error(10130)
            await self.sliced(prepare_create(asked, self.surroundings))
            if memory is not None:
                found = Found(restored=consumers)
                return await self._whole(self._started(config, time.time_ns(), memory, found))
            try:
                return await self._settle(built, config.name, restored=consumers)
            except (OSError, StoreError, ValueError) as error:
                raise api_error(10062, err=error) from error

    async def _settle(
        self, built: Path, name: str, client: object = None,
        restored: list[StoredConsumer] | None = None,
    ) -> Stream:  # fmt: skip
        """Moves a whole stream from the staging to its place and opens it, one that was `restored`,
        with these consumers in memory, in a thread: a crash leaves all of it or nothing under its
        name. On an error it is back in the staging."""
        folder = self.folder / name
        await self.in_thread(move_in, built, folder)
        try:
            if restored is None:
                stream = self._open(folder)
            else:
                stream = await self._open_aside(folder, restored)
        except BaseException:
            folder.rename(built)
            raise
        self.broken.pop(name, None)  # in case an empty folder had that name
        return await self._whole(stream, client)

    async def _whole(self, stream: Stream, client: object = None) -> Stream:
        """A new stream when it listens and its followers know it."""
        await self.sliced(self._listening(stream), client)
        self.neighbours.changed(stream.name)
        return stream

    async def update(self, stream: Stream, config: StreamConfig, client: object = None) -> None:
        """Gives a stream another valid configuration that a client asked for. Raises ApiError
        10069; then the stream keeps the old one, also after a restart."""
        store = stream.store
        if store.on_disk:
            old, new = _meta(stream.config, stream.created), _meta(config, stream.created)
            try:
                store.guard()
                doubt = await self.in_thread(store.change_meta, old, new)
            except (OSError, StoreError) as error:
                raise api_error(10069, err=error) from error
            if doubt is not None:
                store.fail(doubt)
                raise api_error(10069, err=doubt)
        if self.enabled:  # else the stream has ended; the configuration holds after the next start
            stream.configure(config)
            self._at_desk(stream)
            await self.sliced(self._listening(stream), client)
            self.neighbours.changed(stream.name)  # how they read it may have changed
        self.advisories.stream_action(stream.name, "modify")

    async def delete(self, stream: Stream) -> None:
        """Ends a stream and removes its files. Raises ApiError 10050, and then everything is still
        there."""
        del self.streams[stream.name]
        self.context.desk.drop(stream.name.encode())
        forgetting = self.claims.drop(stream.name)
        self.neighbours.changed(stream.name)
        await self.sliced(forgetting)
        try:
            await stream.discard()
        except OSError as error:  # its files are removed anyway
            self.log.warn(f"JetStream {stream.label} did not close: {error}")
        if stream.folder is not None:
            # Not the stream's name with a suffix: that may already be as long as the disk allows.
            doomed = self.staging_folder()
            try:
                unsynced = await self.in_thread(put_aside, stream.folder, doomed)
            except OSError as error:
                self._try_open(stream.folder)
                self.neighbours.changed(stream.name)
                raise api_error(10050, err=error) from error
            if unsynced is not None:
                self.log.error(
                    f"{stream.folder} is deleted, but a power cut may undo it: {unsynced}"
                )
            self.server.remove_later(doomed)
        self.advisories.stream_action(stream.name, "delete")

    def _keys(self) -> Keys | None:
        options = self.server.options
        if not options.key:
            return None
        from pynats_server.jetstream.store.format.crypt import (
            Keys,  # importing takes 10 ms, so only with encryption
        )

        return Keys(options.key, self.name, options.cipher)

    def file_config(self, config: StreamConfig, folder: Path) -> FileConfig:
        """How a stream is kept in a folder."""
        keys = self._keys()
        sync_interval_s = self.server.options.sync_interval
        if config.persist_mode == "async" and sync_interval_s <= 0:
            sync_interval_s = ASYNC_SYNC_INTERVAL_S  # the stream asks for speed before durability
        return FileConfig(
            config.name,
            folder,
            block_size=choose_block_size(
                config.max_bytes,
                config.retention == "limits",
                config.max_msgs_per_subject > 0,
                keys is not None,
            ),
            compress=config.compression == "s2",
            keys=keys,
            sync_interval_s=sync_interval_s,
            first_seq=max(config.first_seq, 1),
        )

    def _file_store(self, config: StreamConfig, folder: Path, in_thread: bool = False) -> Store:
        """The store in a folder; one that is opened `in_thread` is to be attached to the loop."""

        def on_problem(text: str) -> None:
            self.log.error(f"JetStream stream '{self.name} > {config.name}': {text}")

        syncer = None if in_thread else self.server.syncer
        return open_store(self.file_config(config, folder), syncer, on_problem=on_problem)

    def _opened(
        self, config: StreamConfig, folder: Path, in_thread: bool = False
    ) -> tuple[Store, Found]:
        """The store and the consumers in a folder. See `_file_store`."""
        store = self._file_store(config, folder, in_thread)
        try:
            return store, found_in(self.file_config(config, folder), store)
        except Exception:
            _close(store)
            raise

    def served(self, name: str = "") -> list[Stream]:
        """Its streams in order of creation; with a name, only that one."""
        if not name:
            return list(self.streams.values())
        found = self.streams.get(name)
        return [found] if found is not None else []

    def unrecovered(self) -> dict[str, str]:
        """Its streams on disk that could not be opened, and why."""
        return dict(self.broken)

    def figures(self) -> AccountFigures:
        """Its numbers, for monitoring."""
        return AccountFigures(
            name=self.name,
            memory=self.usage("memory").used,
            storage=self.usage("file").used,
            max_memory=self.limits.max_memory,
            max_storage=self.limits.max_storage,
            reserved_memory=self.reserved("memory"),
            reserved_storage=self.reserved("file"),
            streams=len(self.streams),
            broken=len(self.broken),
            consumers=self.context.consumers.count,
            api_total=self.api_total,
            api_errors=self.api_errors,
        )

    def info(self) -> dict[str, Any]:
        """The figures of `$JS.API.INFO`."""
        limits = self.limits
        return {
            "memory": self.usage("memory").used,
            "storage": self.usage("file").used,
            "reserved_memory": self.reserved("memory"),
            "reserved_storage": self.reserved("file"),
            "streams": len(self.streams),
            "consumers": self.context.consumers.count,
            "limits": {
                "max_memory": limits.max_memory,
                "max_storage": limits.max_storage,
                "max_streams": limits.max_streams,
                "max_consumers": limits.max_consumers,
                "max_ack_pending": limits.max_ack_pending,
                "memory_max_stream_bytes": limits.memory_max_stream_bytes,
                "storage_max_stream_bytes": limits.storage_max_stream_bytes,
                "max_bytes_required": limits.max_bytes_required,
            },
        }
