"""JetStream in one account: its streams, their folders, and the account's limits."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pynats_common.go.durations import human_duration_ns
from pynats_common.ids.nuid import new_nuid

from pynats_server.core.account import Account
from pynats_server.core.interest.subscription import Subscription
from pynats_server.jetstream.claims import Claims
from pynats_server.jetstream.clock import now_ns
from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.config.validation import prepare_create
from pynats_server.jetstream.consumer.keeping import Found
from pynats_server.jetstream.context import AccountContext, JetStreamContext
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.figures import AccountFigures
from pynats_server.jetstream.folders.moving import may_be_dir, move_in, put_aside, shown_name
from pynats_server.jetstream.folders.streams import StreamFolders, close_after, meta_of
from pynats_server.jetstream.quota import Usage
from pynats_server.jetstream.store import (
    SEQ_MAX,
    FileConfig,
    MemoryConfig,
    Store,
    StoreError,
    open_store,
)
from pynats_server.jetstream.store.consumers.folder import StoredConsumer
from pynats_server.jetstream.store.file.meta import write_new_stream
from pynats_server.jetstream.stream.host import Neighbours
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.jetstream.surroundings import AccountSurroundings
from pynats_server.log.logger import Logger
from pynats_server.options import AccountLimits
from pynats_server.work import Work, finish

if TYPE_CHECKING:
    pass


T = TypeVar("T")
TIER = "R1"  # the limits that count on a server alone
NOTHING = AccountLimits(0, 0, 0, 0, 0, 0, 0)


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
        self.folders = StreamFolders(server, account.name)
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
    def tiers(self) -> Mapping[str, AccountLimits]:
        """The limits by number of replicas, where they are."""
        return self.context.tiers

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
        return self.server.staging / new_nuid()

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

    @property
    def surroundings(self) -> AccountSurroundings:
        """What configurations of this account are checked against."""
        return AccountSurroundings(self.context, self.streams, self.claims)

    @property
    def folder(self) -> Path:
        """Where the account's streams are."""
        return self.folders.folder

    def file_config(self, config: StreamConfig, folder: Path) -> FileConfig:
        """How a stream is kept in a folder."""
        return self.folders.file_config(config, folder)

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
            if may_be_dir(folder):
                self._try_open(folder)
        self.neighbours.all_changed()
        for stream in self.streams.values():  # which may store what others tell
            stream.consumers.tell_damage()

    def _try_open(self, folder: Path) -> None:
        """Opens the stream of a folder, or notes in `broken` and the log why it cannot be."""
        begun_ns = time.perf_counter_ns()
        shown = f"stream '{self.name} > {shown_name(folder)}'"
        try:
            locked = self.folders.take_key(folder)
            self.log.notice(f"  Starting restore for {shown}")
            stream = self._open(folder, locked)
            took = human_duration_ns(time.perf_counter_ns() - begun_ns)
            self.log.notice(f"  Restored {stream.store.msgs:,} messages for {shown} in {took}")
            finish(self._listening(stream))
        except Exception as error:  # a broken folder must not keep the others from being served
            name = shown_name(folder)
            self.broken[name] = str(error) or repr(error)
            reason = self.broken[name] if isinstance(error, StoreError) else repr(error)
            self.log.error(
                f"JetStream stream '{self.name} > {name}' could not be recovered, "
                f"its files stay in {folder}: {reason}"
            )

    def _open(self, folder: Path, locked: StoreError | None = None) -> Stream:
        """`locked`: why the key does not open the stream's own documents, if it does not."""
        try:
            if locked is not None:
                raise locked
            config, created = self.folders.read(folder)
        except Exception as error:  # whatever it may be that is wrong with it
            config, store, found = self.folders.opened_unknown(folder, error)
            return self._started(config, store.state().first_ts, store, found, folder)
        store, found = self.folders.opened(config, folder)
        return self._started(config, created, store, found, folder)

    async def _open_aside(self, folder: Path, restored: list[StoredConsumer]) -> Stream:
        """`_open` in a thread. It has these consumers besides those in the folder."""
        config, created = self.folders.read(folder)
        store, found = await self.folders.opened_aside(config, folder)
        found.restored.extend(restored)
        return self._started(config, created, store, found, folder)

    def _started(
        self, config: StreamConfig, created: int, store: Store, found: Found,
        folder: Path | None = None,
    ) -> Stream:  # fmt: skip
        """A running stream. On an error only its files remain."""
        if not self.enabled:  # switched off since this was asked for
            close_after(store)
            raise StoreError("JetStream not enabled for account")
        try:
            stream = Stream(self.context, self.neighbours, config, created, store, folder, found)
        except Exception:
            close_after(store)
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
        # The desk does not know which of those that are missing are unavailable.
        if stream.config.allow_direct and stream.store.whole_to == SEQ_MAX:
            self.context.desk.put(stream.name.encode(), stream.store)
        else:
            self.context.desk.drop(stream.name.encode())

    def _listening(self, stream: Stream) -> Work[None]:
        """What a stream still needs to be whole, after it was started or configured."""
        yield from self.claims.put(stream.config)
        yield from stream.subscribing()

    def set_limits(
        self, limits: AccountLimits, tiers: Mapping[str, AccountLimits] | None = None
    ) -> None:
        """Changes the limits. Messages already stored stay, even above the new limits."""
        self.limits = limits
        self.context.set_limits(limits, tiers)

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
        created = now_ns()
        if config.storage == "memory":
            store = open_store(MemoryConfig(config.name, max(config.first_seq, 1)))
            stream = self._started(config, created, store, Found())
            return await self._whole(stream, client)
        built = self.staging_folder()
        try:
            meta = meta_of(config, created)
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
                return await self._whole(self._started(config, now_ns(), memory, found))
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
            old, new = meta_of(stream.config, stream.created), meta_of(config, stream.created)
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
            max_streams=self.limits.max_streams,
            max_consumers=self.limits.max_consumers,
            streams=len(self.streams),
            broken=len(self.broken),
            consumers=self.context.consumers.count,
            api_total=self.api_total,
            api_errors=self.api_errors,
            tiered=bool(self.tiers),
        )

    def info(self) -> dict[str, Any]:
        """The figures of `$JS.API.INFO`."""
        return self._usage() | {"limits": _shown(NOTHING if self.tiers else self.limits)}

    def info_of_tiers(self) -> dict[str, Any]:
        """The same by number of replicas, where limits are: all that there is has one."""
        used = self._usage()
        unused = dict.fromkeys(used, 0)
        return {
            name: {**(used if name == TIER else unused), "limits": _shown(limits)}
            for name, limits in sorted(self.tiers.items())
        }

    def _usage(self) -> dict[str, Any]:
        return {
            "memory": self.usage("memory").used,
            "storage": self.usage("file").used,
            "reserved_memory": self.reserved("memory"),
            "reserved_storage": self.reserved("file"),
            "streams": len(self.streams),
            # The real server has a hidden consumer for each copier, and counts it here alone.
            "consumers": self.context.consumers.count + self.context.copiers.count,
        }


def _shown(limits: AccountLimits) -> dict[str, Any]:
    return {
        "max_memory": limits.max_memory,
        "max_storage": limits.max_storage,
        "max_streams": limits.max_streams,
        "max_consumers": limits.max_consumers,
        "max_ack_pending": limits.max_ack_pending,
        "memory_max_stream_bytes": limits.memory_max_stream_bytes,
        "storage_max_stream_bytes": limits.storage_max_stream_bytes,
        "max_bytes_required": limits.max_bytes_required,
    }
