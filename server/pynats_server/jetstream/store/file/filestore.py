"""A `Store` on disk, in nats-server's folder layout: opening, removing, closing."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from functools import partial
from typing import Any

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.contract import SEQ_MAX
from pynats_server.jetstream.store.errors import StoreError, StoreFull, StoreHeld
from pynats_server.jetstream.store.file.burying import BuriedBlocks
from pynats_server.jetstream.store.file.config import FileConfig
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.folder import SOURCES, StreamFolder
from pynats_server.jetstream.store.file.meta import read_meta, replace_meta
from pynats_server.jetstream.store.file.starting.found import Recovered
from pynats_server.jetstream.store.file.starting.recover import recover
from pynats_server.jetstream.store.file.syncing.group_commit import Syncer
from pynats_server.jetstream.store.file.writing import only_up_to
from pynats_server.jetstream.store.format.index_db import encode_around
from pynats_server.jetstream.store.format.meta_inf import encode_meta
from pynats_server.jetstream.store.format.purge_note import VOID
from pynats_server.jetstream.store.format.sources_db import SavedPlaces, decode_note, encode_sources
from pynats_server.jetstream.store.inventory.names import highest_key
from pynats_server.jetstream.store.removal.disposal import dispose
from pynats_server.jetstream.store.search.listing import SubjectListing
from pynats_server.jetstream.store.search.queries import WALK

ENDLESS = 1 << 62  # bytes of a block


class FileStore(BuriedBlocks):
    """A `Store` on disk. Opening recovers; a damaged folder opens with `lost` filled."""

    def __init__(
        self,
        config: FileConfig,
        syncer: Syncer | None = None,
        disk: Disk | None = None,
        random: Callable[[int], bytes] = os.urandom,
        on_problem: Callable[[str], None] | None = None,
        on_remark: Callable[[str], None] | None = None,
    ) -> None:
        disk = disk or Disk()
        files = StreamFolder(config, disk, random, on_problem, on_remark)
        super().__init__(files, syncer or Syncer())
        if not files.held:
            files.make_messages()
        files.open_stream_key()
        names = disk.names(files.messages)
        if not files.held:
            files.remove_unfinished(names)
        files.tell_strays(names)
        self.top_index = highest_key(names)  # its block may come back, and need it
        found = recover(files, self.ledger)
        saved = files.read_sources()
        if files.held:
            self._hold(found, saved)
        else:
            self._open(found, saved)

    def attach(self, syncer: Syncer) -> None:
        """See `Store.attach`."""
        self.syncer = self.committer.syncer = syncer
        if self.dirty:
            self.on_dirty()

    @property
    def problems(self) -> list[str]:
        """Everything that was reported to the operator."""
        return self.files.problems

    def _open(self, found: Recovered, saved: SavedPlaces | None) -> None:
        """Continue where the folder ends."""
        self.take_blocks(found.blocks)
        self.top_index = max(found.top_index, self.top_index)
        self.saved_index.tail_sum = found.saved.tail_sum if found.saved is not None else b""
        if self.tail is not None:
            self.tail.file = self.disk.open(self.files.path_of(self.tail))
            if not self.tail.loaded:  # other blocks were looked at since
                self.load_block(self.tail)
            self._remember()
        self.dead = True
        self._name_losses()
        if found.missing is not None:
            last, ts = found.missing
            self.skip(last - self.last_seq, ts)
        elif self.tail is None:
            self.roll_block()
        self._remember()
        self._durable = self._written
        self._find_places(found, saved)
        self._resume_purges(found.purges)
        for number, error in self.ledger.unreadable.items():
            self.cannot_read(number, error)
        if not self.losses.unsaved:
            self.ledger.opened(self.blocks, found.claims)

    def _hold(self, found: Recovered, saved: SavedPlaces | None) -> None:
        """Serve what is intact, and refuse every change until the next start."""
        self.take_blocks(found.blocks)
        if found.missing is not None:
            self.last_seq, self.last_ts = found.missing
        self.tail = Block(found.top_index + 1, self.last_seq + 1, self.config.name)
        self.blocks.append(self.tail)
        self.block_size = ENDLESS  # nothing is written, and no file begins
        self._remember()
        self._name_losses()
        self._find_places(found, saved)
        self._resume_purges(found.purges)
        self.failed = StoreHeld(f"the stream is read-only: {self.files.held}")
        self.files.problem(f"is read-only until the next start: {self.files.held}")

    def _find_places(self, found: Recovered, saved: SavedPlaces | None) -> None:
        """Take over how far the sources have come, as far as others than their copies tell it."""
        notes = []
        for note in found.notes:
            with contextlib.suppress(ValueError):  # not one of ours
                notes.append(decode_note(note))

        def was_stored(seq: int) -> bool:
            return self.is_live(seq) or found.has_removed(seq)

        if not self.places.recovered(saved, notes, self.last_seq, was_stored):
            self.files.problem(
                f"{SOURCES} speaks of messages that are not there; how far the sources have come "
                "is looked for in the messages"
            )

    def expired(
        self, now: int, max_age_ns: int = 0, ttl: bool = True, most: int = SEQ_MAX + 1
    ) -> Iterator[tuple[int, bytes, int, bool]]:
        """See `Store.expired`. What was lost had been stored before, so it ages, too."""
        if max_age_ns and self.losses.all and self.losses.aged(now - max_age_ns):
            self.touch()
        return super().expired(now, max_age_ns, ttl, most)

    def truncate(self, seq: int) -> None:
        """Delete everything above `seq`; a new block then carries on from there. Blocks until
        it is durable: only recovery of a replicated log does this. Raises StoreFull before anything
        has changed."""
        self.guard()
        self.flush()
        tail = self.roll_block()
        going = [b for b in self.blocks if b is not tail and (b.first_seq > seq or not b.msgs)]
        cut = self.blocks[self.block_at(seq + 1)] if seq < self.last_seq else None
        room = self._make_room(cut) if cut is not None and cut.first_seq <= seq else None
        self.dead = False  # blocks that are, go below; the last sequence would be marked as used up
        try:
            self._begin_again(tail, seq, going)
        except StoreError:
            if room is not None:
                self.disk.give_up(room)
            raise
        finally:
            self.dead = True
        # Sequences will be used again: an index that knew the old ones must not vouch for them.
        self.retire_index()
        self.ledger.cut(seq)
        if self.places.has_notes:
            self._save_places()  # blocks with notes may go
        self._drain()
        self.forget_above(seq)
        while (last := self.previous_of(b">", seq + 1, self.last_seq)) is not None:
            self.unlink(last.seq)
        for block in [block for block in going if block in self.blocks]:
            if block.msgs:
                self.unlink_all(block)  # all that is left of them is damaged
            self._release([block])
        last_ts = self.last_ts
        for block in [b for b in self.blocks if b is not tail and b.last_seq > seq]:
            if not block.loaded:
                self.load_block(block)
            block.last_seq, last_ts, *_ = block.live()[-1]
            block.last_ts = last_ts
            block.deleted = only_up_to(block.deleted, block.last_seq)
            block.scan(block.compacted(0, seq + 1))
            block.written = block.buffered
            self._rewrite(block, block.content(), room=room, must=True)
        tail.first_seq, tail.last_seq, tail.base = seq + 1, seq, seq + 1
        self.last_seq, self.last_ts = seq, last_ts
        self.losses.cut(seq)
        self.find_first()
        self._remember()
        self.floor_due = True
        with contextlib.suppress(StoreFull):
            self.flush()
        self._drain()
        self.tell_swept()

    def _begin_again(self, tail: Block, seq: int, going: list[Block]) -> None:
        """Have the tail know what will be the last sequence, and what was removed before it as far
        as blocks say so that are `going`. Raises StoreFull."""
        tail.mark_floor(0, self.last_ts, VOID)
        for block in going:
            if not block.loaded:
                self.load_block(block)
            for gone, ts in block.tombstones():
                if self.first_seq <= gone <= seq and not self.is_live(gone):
                    tail.mark(gone, ts, True)
        if not self.is_live(seq):
            tail.mark(seq, self.last_ts, True)  # nothing else remembers it
        self.flush()

    # The stream's configuration.

    def write_meta(self, meta: dict[str, Any]) -> None:
        """See `Store.write_meta`."""
        data = encode_meta(meta, self.files.sealer, self.files.random)
        replace_meta(self.disk, self.config.folder, self.config.name, data)

    def change_meta(self, old: dict[str, Any], new: dict[str, Any]) -> Exception | None:
        """See `Store.change_meta`."""
        try:
            self.write_meta(new)
        except (OSError, StoreError):
            try:
                if read_meta(self.config) != old:
                    self.write_meta(old)
            except (OSError, StoreError, ValueError) as error:
                return error
            raise
        return None

    # The end.

    def write_index(self) -> None:
        """Save the state now, so that the next start needs no scan."""
        self.background = None
        self.save_index()
        self._drain()

    def when_idle(self, done: Callable[[], None]) -> None:
        """Call `done` once no thread works for this store, which must take nothing more."""

        def look(_: OSError | None = None) -> None:
            if self.committer.busy:
                # Behind the sync that runs, and behind the file work that follows it.
                self.committer.wait(lambda _: self.syncer.run(lambda: None, look))
            else:
                done()

        look()

    def close(self, keep: bool = True) -> None:
        """Flush, sync, save the index, release every file. Safe to call twice. With `keep` off
        nothing is written and nothing blocks: the folder is about to be deleted, and no thread
        works for it."""
        if self._closed:
            return
        self._stop_timers()
        try:
            if self.failed is None and keep:
                self.flush()
                self._drain()
                if not self.places.is_saved:
                    self._save_places()
                    self._drain()
                assert self.tail is not None
                # An idle store is closed without writing.
                if not self.saved_index.is_current(self.tail.last_sum(), self.index_state):
                    self.write_index()
        finally:
            if keep:
                self.syncer.settle()
            self._end()

    async def closing(self, threads: Executor) -> None:
        """See `Store.closing`."""
        if self._closed:
            return
        self._stop_timers()
        loop = asyncio.get_running_loop()
        try:
            if self.failed is None:
                self.flush()
                durable: asyncio.Future[StoreError | None] = loop.create_future()
                self.committer.wait(partial(self._committed, durable.set_result))
                error = await durable
                await self._idle()
                if error is not None:
                    raise error
                if not self._closed:  # by somebody else meanwhile
                    await self._save_last(threads)
        finally:
            await self._idle()
            if not self._closed:
                self._end()

    async def _idle(self) -> None:
        idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.when_idle(lambda: idle.set_result(None))
        await idle

    async def _save_last(self, threads: Executor) -> None:
        """Save where the sources are and the index, after everything is durable and while nothing
        changes."""
        work: list[Callable[[], None]] = []
        if not self.places.is_saved:
            data = encode_sources(self.places.known, self.last_seq + 1, self.files.hash_key)
            work.append(partial(self.files.write_sources, data))  # first, as in `save_index`
        if self.indexable:
            state, listing = self.index_state_with(b""), SubjectListing(self.tree, self.blocks)
            before, after = encode_around(state)
            while listing.step(WALK):
                await asyncio.sleep(0)
            parts = [before, *listing.parts, after]
            work.append(partial(self.saved_index.finish, state.tail_sum, parts))

        def save() -> None:
            for each in work:
                each()

        try:
            await asyncio.get_running_loop().run_in_executor(threads, save)
        except OSError as error:
            self._not_saved(error)

    def _stop_timers(self) -> None:
        timers = (
            self._sync_timer, self._index_timer, self._places_timer, self._cache_timer,
            self._again_timer,
        )  # fmt: skip
        for timer in timers:
            if timer is not None:
                timer.cancel()

    def _end(self) -> None:
        self._closed = True
        self._stop_timers()
        self.committer.abandon()
        for block in self.blocks:
            if block.file is not None:
                self.disk.close(block.file)
                block.file = None
        dispose(self.tree.part())
