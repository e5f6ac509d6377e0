"""JetStream in one account: its streams, their folders, and the account's limits."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from pynats_common.subjects import subjects_overlap
from pynats_common.units import human_duration

from pynats_server.core.account import Account
from pynats_server.jetstream import advisories
from pynats_server.jetstream.advisories import unique_id
from pynats_server.jetstream.config.context import Limits
from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.folders import change_meta, move_in, put_aside
from pynats_server.jetstream.quota import Usage
from pynats_server.jetstream.store import (
    FileConfig,
    FileStore,
    MemoryStore,
    StoreError,
    choose_block_size,
)
from pynats_server.jetstream.store.file.meta import read_meta, write_new_stream
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.jetstream.times import SECOND, format_time, parse_time
from pynats_server.options import AccountLimits

if TYPE_CHECKING:
    from pynats_server.jetstream.manager import JetStream
    from pynats_server.jetstream.store.format.crypt import Keys
    from pynats_server.jetstream.stream.origins import Follower


ASYNC_SYNC_INTERVAL = 120.0  # seconds between the fsyncs of a stream with persist_mode async


def _meta(config: StreamConfig, created: int) -> dict[str, Any]:
    """What meta.inf says of a stream."""
    return {"Created": format_time(created), **config.as_dict()}


def _close(store: FileStore | MemoryStore) -> None:
    """Releases a store of which nothing has to be kept: an error is about to be told."""
    with contextlib.suppress(StoreError, OSError):
        store.close()


@dataclass(frozen=True, slots=True)
class AccountSurroundings:
    """See `surroundings.Surroundings`."""

    account: JetStreamAccount

    def streams(self) -> list[StreamConfig]:
        """The account's configurations."""
        return [stream.config for stream in self.account.streams.values()]

    def stream(self, name: str) -> StreamConfig | None:
        """The one of that name."""
        found = self.account.streams.get(name)
        return found.config if found is not None else None

    def limits(self, replicas: int) -> Limits:
        """What the server and the account allow."""
        own, manager = self.account.limits, self.account.manager
        return Limits(
            duplicate_window=int(manager.options.limits.duplicate_window * SECOND),
            memory_left=manager.unreserved("memory"),
            storage_left=manager.unreserved("file"),
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
        self, manager: JetStream, account: Account, limits: AccountLimits, enabled: bool = True
    ) -> None:
        self.manager = manager
        self.account = account
        self.limits = limits
        self.enabled = enabled
        self.streams: dict[str, Stream] = {}
        self.followers: list[Follower] = []  # mirrors and sources, told of new and ended streams
        self.broken: dict[str, str] = {}  # folder that could not be opened -> why
        self.changing = asyncio.Lock()  # held from the checks of a new configuration to its effect
        self.api_total = 0
        self.api_errors = 0
        self._usage = {
            "file": Usage(limits.max_storage, manager.file_usage),
            "memory": Usage(limits.max_memory, manager.memory_usage),
        }

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name

    def usage(self, storage: str) -> Usage:
        """What the account's streams hold of a kind of storage."""
        return self._usage[storage]

    def reserved(self, storage: str) -> int:
        """Bytes that streams with max_bytes lay claim to."""
        return sum(
            s.config.max_bytes
            for s in self.streams.values()
            if s.config.storage == storage and s.config.max_bytes > 0
        )

    @property
    def surroundings(self) -> AccountSurroundings:
        """What configurations of this account are checked against."""
        return AccountSurroundings(self)

    @property
    def folder(self) -> Path:
        """Where the account's streams are."""
        return self.manager.folder / self.name / "streams"

    def stream(self, name: str) -> Stream:
        """The stream of that name. Raises ApiError 10059."""
        found = self.streams.get(name)
        if found is None:
            raise api_error(10059)
        return found

    def matching(self, subject: str) -> Iterator[Stream]:
        """Streams, by name, that listen to a subject or part of a wildcard."""
        for _, stream in sorted(self.streams.items()):
            if not subject or any(subjects_overlap(subject, own) for own in stream.config.subjects):
                yield stream

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
        self._streams_changed()

    def _try_open(self, folder: Path) -> None:
        """Opens the stream of a folder, or notes in `broken` and the log why it cannot be."""
        try:
            self._open(folder)
        except Exception as error:  # whatever is wrong with one folder, the others are served
            self.broken[folder.name] = str(error) or repr(error)
            self.manager.log.error(
                f"JetStream stream '{self.name} > {folder.name}' could not be recovered, "
                f"its files stay in {folder}: {error!r}"
            )

    def _open(self, folder: Path) -> Stream:
        meta = read_meta(FileConfig(folder.name, folder, keys=self._keys()))
        created = parse_time(meta.pop("Created", "0001-01-01T00:00:00Z"))
        try:
            config = msgspec.convert(meta, StreamConfig)
        except msgspec.ValidationError as error:
            raise ValueError(f"unsupported configuration: {error}") from None
        if config.name != folder.name:
            raise ValueError(f"the configuration is of a stream {config.name!r}")
        shown = f"stream '{self.name} > {config.name}'"
        self.manager.log.notice(f"  Starting restore for {shown}")
        begun = time.perf_counter_ns()
        stream = self._started(config, created, self._file_store(config, folder), folder)
        took = human_duration(time.perf_counter_ns() - begun)
        self.manager.log.notice(f"  Restored {stream.store.msgs:,} messages for {shown} in {took}")
        return stream

    def _started(
        self, config: StreamConfig, created: int, store: FileStore | MemoryStore,
        folder: Path | None,
    ) -> Stream:  # fmt: skip
        """A stream that takes messages. On an error nothing of it is left but its files."""
        if not self.enabled:  # switched off since this was asked for
            raise StoreError("JetStream not enabled for account")
        try:
            stream = Stream(self, config, created, store, folder)
        except Exception:
            _close(store)
            raise
        try:
            stream.start()
        except Exception:
            with contextlib.suppress(StoreError, OSError):  # the first error is the one to tell
                stream.leave()
            raise
        self.streams[config.name] = stream
        return stream

    def _streams_changed(self) -> None:
        for follower in list(self.followers):
            follower.attach()

    def set_limits(self, limits: AccountLimits) -> None:
        """Other limits from now on. What is there already stays, even if it is more."""
        self.limits = limits
        self._usage["file"].limit = limits.max_storage
        self._usage["memory"].limit = limits.max_memory

    def stop(self) -> None:
        """Stops every stream; the folders stay."""
        self._close_all(Stream.stop)

    def end(self) -> None:
        """The same while the server goes on: nothing of the account is counted any more."""
        self.enabled = False
        self._close_all(Stream.leave)
        self.streams.clear()

    def _close_all(self, close: Callable[[Stream], None]) -> None:
        for stream in self.streams.values():
            try:
                close(stream)
            except (OSError, StoreError) as error:
                self.manager.log.error(
                    f"JetStream stream '{self.name} > {stream.name}' did not close: {error}"
                )

    # -- changes ----------------------------------------------------------------------------

    async def create(self, config: StreamConfig) -> Stream:
        """A new stream of a valid configuration. Raises ApiError 10049; nothing is left then."""
        created = time.time_ns()
        if config.storage == "memory":
            store = MemoryStore(config.name, max(config.first_seq, 1))
            stream = self._started(config, created, store, None)
            self._streams_changed()
            return stream
        built = self.manager.staging / unique_id()
        try:
            meta = _meta(config, created)
            plain = self._file_config(config, built)
            await self.manager.in_thread(write_new_stream, plain, meta)
            return await self._settle(built, config.name)
        except (OSError, StoreError, ValueError) as error:
            await self.manager.in_thread(shutil.rmtree, built, True)
            raise api_error(10049, err=error) from error

    async def adopt(self, config: StreamConfig, memory: MemoryStore | None, built: Path) -> Stream:
        """A stream out of a store that was built elsewhere: in memory, or in the folder `built`,
        which moves to its place. Raises ApiError 10062; the folder is where it was then."""
        if memory is not None:
            stream = self._started(config, time.time_ns(), memory, None)
            self._streams_changed()
            return stream
        try:
            return await self._settle(built, config.name)
        except (OSError, StoreError, ValueError) as error:
            raise api_error(10062, err=error) from error

    async def _settle(self, built: Path, name: str) -> Stream:
        """Moves a whole stream from the staging to its place and opens it: a crash leaves all of
        it or nothing under its name. On an error it is back in the staging."""
        folder = self.folder / name
        await self.manager.in_thread(move_in, built, folder)
        try:
            stream = self._open(folder)
        except Exception:
            folder.rename(built)
            raise
        self.broken.pop(name, None)  # an empty folder of that name
        self._streams_changed()
        return stream

    async def update(self, stream: Stream, config: StreamConfig) -> None:
        """Gives a stream another valid configuration. Raises ApiError 10069; it has the old one
        then, also after a restart."""
        store = stream.store
        if isinstance(store, FileStore):
            old, new = _meta(stream.config, stream.created), _meta(config, stream.created)
            try:
                store.guard()
                doubt = await self.manager.in_thread(change_meta, store, old, new)
            except (OSError, StoreError) as error:
                raise api_error(10069, err=error) from error
            if doubt is not None:
                store.fail(doubt)
                raise api_error(10069, err=doubt)
        if self.enabled:  # else it is written for the next time, and the stream has ended
            stream.configure(config)
        advisories.stream_action(self, stream.name, "modify")

    async def delete(self, stream: Stream) -> None:
        """Ends a stream and removes its files. Raises ApiError 10050; it is all there then."""
        del self.streams[stream.name]
        self._streams_changed()
        try:
            await stream.discard()
        except OSError as error:  # of what is removed anyway
            self.manager.log.warn(
                f"JetStream stream '{self.name} > {stream.name}' did not close: {error}"
            )
        if stream.folder is not None:
            # Its own name may be as long as names of files can be.
            doomed = self.manager.staging / unique_id()
            try:
                unsynced = await self.manager.in_thread(put_aside, stream.folder, doomed)
            except OSError as error:
                self._try_open(stream.folder)
                self._streams_changed()
                raise api_error(10050, err=error) from error
            if unsynced is not None:
                self.manager.log.error(
                    f"{stream.folder} is deleted, but a power cut may undo it: {unsynced}"
                )
            self.manager.remove_later(doomed)
        advisories.stream_action(self, stream.name, "delete")

    def _keys(self) -> Keys | None:
        options = self.manager.options
        if not options.key:
            return None
        from pynats_server.jetstream.store.format.crypt import (
            Keys,  # 10 ms that only an encrypted store has to pay
        )

        return Keys(options.key, self.name, options.cipher)

    def _file_config(self, config: StreamConfig, folder: Path) -> FileConfig:
        keys = self._keys()
        sync_interval = self.manager.options.sync_interval
        if config.persist_mode == "async" and sync_interval <= 0:
            sync_interval = ASYNC_SYNC_INTERVAL  # the stream asks for speed before durability
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
            sync_interval=sync_interval,
            first_seq=max(config.first_seq, 1),
        )

    def _file_store(self, config: StreamConfig, folder: Path) -> FileStore:
        def on_problem(text: str) -> None:
            self.manager.log.error(f"JetStream stream '{self.name} > {config.name}': {text}")

        return FileStore(
            self._file_config(config, folder), self.manager.syncer, on_problem=on_problem
        )

    def detached_store(self, config: StreamConfig, folder: Path) -> FileStore:
        """A store in another folder that any one thread may fill and close."""
        return FileStore(self._file_config(config, folder))

    def figures(self) -> dict[str, Any]:
        """The figures of `$JS.API.INFO`."""
        limits = self.limits
        return {
            "memory": self._usage["memory"].used,
            "storage": self._usage["file"].used,
            "reserved_memory": self.reserved("memory"),
            "reserved_storage": self.reserved("file"),
            "streams": len(self.streams),
            "consumers": 0,
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
