"""The consumers of one stream as they are on the disk: made before they run, removed before they
are forgotten, saved as they go on.

Those of streams in memory, and those that ask for it, are on no disk.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pynats_common.ids.nuid import new_nuid

from pynats_server.jetstream.clock import now_ns
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.consumer.consumer import Consumer
from pynats_server.jetstream.consumer.saving import SavedConsumer
from pynats_server.jetstream.store import FileConfig, Store
from pynats_server.jetstream.store.consumers.folder import (
    ConsumerFiles,
    StoredConsumer,
    planned,
    prepare_folder,
)
from pynats_server.jetstream.store.consumers.recovery import (
    Extent,
    RecoveredConsumer,
    recover_consumers,
)
from pynats_server.jetstream.stream.host import StreamHost
from pynats_server.work import Work, finish

STEP: Final = 50
"""Consumers that end in one pass of the loop."""
GIVE_UP: Final = 500
"""Consumers that are told in one pass of the loop that they are not saved any more."""


@dataclass(frozen=True, slots=True)
class Found:
    """The consumers that a stream has when it starts, and the stream's folder; None in memory.
    `restored`: those of a backup that are on no disk. `broken`: name of one that cannot go on ->
    why."""

    folder: FileConfig | None = None
    recovered: list[RecoveredConsumer] = field(default_factory=list)
    restored: list[StoredConsumer] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)


def found_in(folder: FileConfig, store: Store) -> Found:
    """What is in the folder of a stream. Waits for the disk. Raises OSError."""

    def since(ts_ns: int) -> int:
        return finish(store.find_since(ts_ns))

    extent = Extent(store.last_seq, since, store.whole_to)
    recovery = recover_consumers(folder, extent, now_ns())
    return Found(folder, recovery.consumers, broken=recovery.broken)


def stored(consumer: Consumer) -> Work[StoredConsumer]:
    """A consumer as it is now, for a folder or a backup."""
    consumer.feed.settle()
    config, snapshot = consumer.config.as_dict(), consumer.state.snapshot()
    return StoredConsumer(consumer.name, config, (yield from snapshot.saving()))


def _prepare(stream: Path, staging: Path) -> None:
    staging.mkdir(mode=0o700, exist_ok=True)
    prepare_folder(stream)


class KeptConsumers:
    """`folder` is that of the stream, None where it has none."""

    def __init__(self, host: StreamHost, folder: FileConfig | None) -> None:
        self._host = host
        self._folder = folder
        self._saved: dict[str, SavedConsumer] = {}
        self._is_prepared = False  # the stream's folder may have consumers
        self._preparing = asyncio.Lock()

    def _last_seq(self) -> int:
        return self._host.store.last_seq

    # -- making, changing, removing -----------------------------------------------------------

    async def make(self, consumer: Consumer) -> None:
        """Makes the files of a new consumer. Raises OSError, and leaves nothing."""
        if self._folder is None or consumer.config.mem_storage:
            return
        server, now_s = self._host.account.server, self._host.account.server.loop.time()
        about = finish(stored(consumer))  # it has delivered nothing
        plan = planned(self._folder, about, consumer.created, self._last_seq(), now_s)
        async with self._preparing:
            if not self._is_prepared:
                await self._prepare()
        built = server.staging / new_nuid()
        try:
            await server.states.build(plan, built)
        except FileNotFoundError:  # somebody has tidied up
            await self._prepare()
            await server.states.build(plan, built)
        self.adopt(consumer, plan.files)

    async def _prepare(self) -> None:
        """Makes the folders that the files of consumers need. Raises OSError."""
        assert self._folder is not None
        server = self._host.account.server
        await server.in_thread(_prepare, self._folder.folder, server.staging)
        self._is_prepared = True

    def adopt(self, consumer: Consumer, files: ConsumerFiles, are_alike: bool = True) -> None:
        """Saves a consumer in its files from now on; `are_alike`: they say what its state is."""
        saved = self._host.account.saving.add(consumer.state, files, self._last_seq, are_alike)
        self._saved[consumer.name] = consumer.saved = saved

    async def change(self, consumer: Consumer, config: ConsumerConfig) -> Exception | None:
        """Replaces its configuration. Raises OSError, and then a restart finds the old one; returns
        an error where nobody knows."""
        saved = self._saved.get(consumer.name)
        if saved is None:
            return None
        server = self._host.account.server
        return await server.in_thread(saved.files.change, config.as_dict(), consumer.created)

    async def remove(self, consumer: Consumer) -> OSError | None:
        """Removes the files of a consumer that has stopped. Raises OSError, and then they are still
        there and `consumer` is to run again; returns an error if a power cut may bring them
        back."""
        saved = self._saved.pop(consumer.name, None)
        if saved is None:
            return None
        await saved.end()
        server = self._host.account.server
        doomed = server.staging / new_nuid()
        try:
            try:
                return await server.states.remove(saved.files, doomed)
            except FileNotFoundError:  # somebody has tidied up
                await self._prepare()
                return await server.states.remove(saved.files, doomed)
        except OSError:
            self.adopt(consumer, saved.files, are_alike=False)
            raise

    async def forget(self) -> None:
        """The end of all with their stream: nothing more is saved."""
        for step, saved in enumerate(list(self._saved.values())):
            if step % GIVE_UP == GIVE_UP - 1:
                await asyncio.sleep(0)
            saved.give_up()  # before any is waited for: meanwhile the others would be written
        step = 0
        while self._saved:
            step += 1
            if step % STEP == 0:
                await asyncio.sleep(0)  # others are served in between
            _, saved = self._saved.popitem()
            await saved.end()

    async def close(self) -> None:
        """Saves how far they are, and no more."""
        await self._host.account.saving.flush(self._saved.values())
        await self.forget()
