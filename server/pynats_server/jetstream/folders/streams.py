"""The streams of one account on the disk: how each is kept in its folder, read and opened."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from pynats_common.go.times import format_time_ns, parse_time_ns

from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.config.rules import is_asset_name
from pynats_server.jetstream.consumer.keeping import Found, found_in
from pynats_server.jetstream.context import JetStreamContext
from pynats_server.jetstream.folders.keys import ring_of, take_key
from pynats_server.jetstream.store import (
    BadKey,
    FileConfig,
    Store,
    StoreError,
    choose_block_size,
    open_store,
)
from pynats_server.jetstream.store.file.meta import read_meta
from pynats_server.jetstream.store.rekeying.ring import KeyLost

if TYPE_CHECKING:
    from pynats_server.jetstream.store.format.crypt import Keys

ASYNC_SYNC_INTERVAL_S = 120.0  # between the fsyncs of a stream with persist_mode async


def meta_of(config: StreamConfig, created: int) -> dict[str, Any]:
    """What meta.inf says of a stream."""
    return {"Created": format_time_ns(created), **config.as_dict()}


def unknown_config(name: str) -> StreamConfig:
    """The configuration of a stream whose own cannot be read: it takes nothing and removes
    nothing."""
    return StreamConfig(
        name=name,
        max_consumers=-1,
        max_msgs=-1,
        max_bytes=-1,
        max_msgs_per_subject=-1,
        max_msg_size=-1,
        discard="new",
        num_replicas=1,
        sealed=True,
        deny_delete=True,
        deny_purge=True,
    )


def close_after(store: Store) -> None:
    """Closes a store on the error path: the first error is the one to report."""
    with contextlib.suppress(StoreError, OSError):
        store.close()


class StreamFolders:
    """Of the account of that name."""

    def __init__(self, server: JetStreamContext, account: str) -> None:
        self._server = server
        self._account = account

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self._server.folder / self._account / "streams"

    def file_config(self, config: StreamConfig, folder: Path) -> FileConfig:
        """How a stream is kept in a folder."""
        keys = self._keys()
        sync_interval_s = self._server.options.sync_interval
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

    def take_key(self, folder: Path) -> StoreError | None:
        """Brings a folder that nobody has opened under the configured key. Returns an error where
        the key opens no documents of the stream; it may open messages. Raises StoreError."""
        try:
            take_key(folder, self._account, self._server.options, self._server.log)
        except (BadKey, KeyLost) as error:
            return error
        return None

    def read(self, folder: Path) -> tuple[StreamConfig, int]:
        """The configuration of a stream on disk, and when it was created. Raises ValueError."""
        meta = read_meta(FileConfig(folder.name, folder, keys=self._keys()))
        told = meta.pop("Created", "0001-01-01T00:00:00Z")
        if not isinstance(told, str):
            raise ValueError(f"unsupported time of creation: {told!r}")
        created = parse_time_ns(told)
        huge = [
            name
            for name, value in meta.items()
            if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64
        ]
        if huge:
            raise ValueError(f"unsupported configuration: {', '.join(huge)} out of range")
        try:
            config = msgspec.convert(meta, StreamConfig)
        except msgspec.ValidationError as error:
            raise ValueError(f"unsupported configuration: {error}") from None
        if config.name != folder.name:
            raise ValueError(f"the configuration is of a stream {config.name!r}")
        return config, created

    def opened_unknown(self, folder: Path, error: Exception) -> tuple[StreamConfig, Store, Found]:
        """What is intact of a stream of which nobody can tell the configuration, for reading only:
        nothing in the folder is changed. Raises the error if there is nothing intact."""
        missing_key = isinstance(error, BadKey) and self._keys() is None
        if missing_key or not is_asset_name(folder.name):
            raise error
        config = unknown_config(folder.name)
        told: list[str] = []
        held = replace(
            self.file_config(config, folder), held=f"its configuration cannot be read: {error}"
        )
        store = open_store(held, self._server.syncer, told.append)
        try:
            if not store.msgs:
                raise error
            for text in told:
                self._problem(folder.name, text)
            return config, store, found_in(held, store)
        except Exception:
            close_after(store)
            raise

    def opened(
        self, config: StreamConfig, folder: Path, in_thread: bool = False
    ) -> tuple[Store, Found]:
        """The store and the consumers in a folder. See `_file_store`."""
        store = self._file_store(config, folder, in_thread)
        try:
            return store, found_in(self.file_config(config, folder), store)
        except Exception:
            close_after(store)
            raise

    async def opened_aside(self, config: StreamConfig, folder: Path) -> tuple[Store, Found]:
        """`opened`, with the work of a large stream in a thread."""
        opening = self._server.loop.run_in_executor(None, self.opened, config, folder, True)
        try:
            store, found = await asyncio.shield(opening)
        except asyncio.CancelledError:
            await asyncio.wait([opening])
            if opening.exception() is None:
                close_after(opening.result()[0])
            raise
        store.attach(self._server.syncer)
        return store, found

    def _keys(self) -> Keys | None:
        ring = ring_of(self._server.options, self._account)
        return ring.current if ring is not None else None

    def _problem(self, name: str, text: str) -> None:
        self._server.log.error(f"JetStream stream '{self._account} > {name}': {text}")

    def _file_store(self, config: StreamConfig, folder: Path, in_thread: bool = False) -> Store:
        """The store in a folder; one that is opened `in_thread` is to be attached to the loop."""

        def on_problem(text: str) -> None:
            self._problem(config.name, text)

        def on_remark(text: str) -> None:
            self._server.log.warn(f"JetStream stream '{self._account} > {config.name}': {text}")

        syncer = None if in_thread else self._server.syncer
        return open_store(self.file_config(config, folder), syncer, on_problem, on_remark)
