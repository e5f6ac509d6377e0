"""Streams on disk: what is kept beside the messages, and how a store fails.

sources.db, lost.db and index.db are saved in the background, and say nothing that is not durable.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

from pynats_server.jetstream.store.errors import (
    StoreClosed,
    StoreError,
    StoreFailed,
    StoreFull,
    StoreHeld,
)
from pynats_server.jetstream.store.file.disk import FULL
from pynats_server.jetstream.store.file.diskblocks import DiskBlocks
from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.jetstream.store.file.saved_index import SavedIndex
from pynats_server.jetstream.store.file.syncing.group_commit import Committer, Syncer, Task
from pynats_server.jetstream.store.format.sources_db import encode_note, encode_sources
from pynats_server.jetstream.store.inventory.ledger import Ledger
from pynats_server.jetstream.store.inventory.losses import LOST
from pynats_server.jetstream.store.places import SourcePlaces
from pynats_server.jetstream.store.search.listing import SubjectListing
from pynats_server.work import Work

PLACES_WAIT_S = 1.0  # how long sources.db lacks what the log says of sources whose copies are gone
NOTE_MAX = 4096  # bytes: longer ones are not repeated for so long


class KeptBlocks(DiskBlocks):
    """Blocks on disk, with the files beside them."""

    def __init__(self, files: StreamFolder, syncer: Syncer) -> None:
        super().__init__(files)
        self.config = files.config
        self.places = SourcePlaces()
        self.disk = files.disk
        self.syncer = syncer
        self.committer = Committer(syncer, self.disk, self.fail)
        self.saved_index = SavedIndex(files, self.committer, self._not_saved)
        self.ledger = Ledger(files.config.folder, files.hash_key, self.disk, self.committer)
        self._removed = False  # something has been removed since the last flush, not by limits
        self._places_due = False
        self._places_timer: asyncio.TimerHandle | None = None
        self._index_timer: asyncio.TimerHandle | None = None
        self._saving_losses = False
        self._closed = False

    def fail(self, error: Exception) -> None:
        """Refuse every change from now on."""
        if self.failed is None:
            self.failed = error
            self.committer.end(error)
            held = isinstance(error, StoreHeld)
            ended = "" if held else "storage failed and takes no more changes: "
            self.files.problem(f"{ended}{error}")
            if self.on_failed is not None:
                self.on_failed()

    def guard(self) -> None:
        """Raise unless the store is open and sound."""
        if self._closed:
            raise StoreClosed("the store is closed")
        self._check()

    def attempt(self, work: Callable[[], Any]) -> Any:
        """Do disk work at once: a full disk raises StoreFull, other failures are final."""
        try:
            return work()
        except OSError as error:
            if error.errno in FULL:
                raise self.full() from error
            self.fail(error)
            raise StoreFailed(str(error)) from error

    def full(self) -> StoreFull:
        """What a full disk is raised as; whoever runs the server hears of it, too."""
        if self.on_full is not None:
            self.on_full()
        return StoreFull(f"no space for stream {self.config.name}")

    def _not_saved(self, error: OSError | None) -> None:
        """What is saved in the background may wait for room; other failures are final."""
        if error is not None and error.errno not in FULL:
            self.fail(error)

    def _append_note(self, note: bytes) -> None:
        """Append a floor that is there already, or none: the note alone counts."""
        assert self.tail is not None
        self.tail.mark_floor(self.tail.floor, self.last_ts, note)
        self.touch()

    # How far the sources have come.

    def _note_places(self, is_live: Callable[[int], bool] | None = None) -> None:
        """Append what sources.db lacks, or only what is told by copies that are not `is_live`. A
        power cut may keep any of the writes since the last sync: so the same write has the note
        and, behind it, the removal; and every new block begins with one."""
        note = self.places.note(self.last_seq + 1, is_live)
        for each in (self.places.earlier(note), note):
            if each.places and self.tail is not None:
                data = encode_note(each)
                self._append_note(data)
                self._places_due = self._places_due or len(data) > NOTE_MAX

    def _before_removal(self) -> None:
        """Copies may be removed that alone tell how far their sources have come."""
        self._check()
        if self.places.unsaved:
            self._note_places()
            self._places_due = True

    def _keep_notes(self, leaving: bool) -> None:
        """Have sources.db say what the notes of the log say: at once where a block that may have
        some is `leaving`, or after a removal that somebody asked for, else before long."""
        loop = self.syncer.loop
        if leaving or self._places_due or loop is None:
            self._save_places(must=self._places_due)
        elif self._places_timer is None:
            self._places_timer = loop.call_later(PLACES_WAIT_S, self._on_places_timer)

    def _on_places_timer(self) -> None:
        self._places_timer = None
        if not self._closed and self.failed is None and self.places.has_notes:
            with contextlib.suppress(StoreError):
                self._places_due = True
                self.flush()
                self.committer.start()

    def _save_places(self, must: bool = False) -> None:
        """Save sources.db after the next sync; everything in it must have been written: what it
        says has been copied must not be lost."""
        self._places_due = False
        saved = self.places.begin_save()
        data = encode_sources(self.places.known, self.last_seq + 1, self.files.hash_key)

        def done(error: OSError | None) -> None:
            if error is None:
                saved()
            self._not_saved(error)

        self.committer.after(Task(partial(self.files.write_sources, data), done, must))

    # lost.db.

    def on_loss(self) -> None:
        """Have losses written down with the next flush."""
        self.touch()

    def _save_losses(self) -> None:
        """Save lost.db after the next sync."""
        if self._saving_losses:
            return
        self._saving_losses = True
        done = self.losses.begin_save()

        def saved(error: OSError | None) -> None:
            self._saving_losses = False
            done(error is None)
            self._not_saved(error)

        work = partial(self.files.write_losses, self.losses.encoded())
        self.committer.after(Task(work, saved))

    def _name_losses(self) -> None:
        """Tell what is lost, and have it written down before anything else is."""
        told = self.losses.told()
        if told:
            self.files.problem(told)
        if self.losses.unsaved and not self.files.held:
            done = self.losses.begin_save()
            try:
                self.files.write_losses(self.losses.encoded())
            except OSError as error:
                self.files.problem(f"{LOST} cannot be written: {error}")
            else:
                done(True)

    # index.db.

    def retire_index(self) -> None:
        """Records are about to leave the disk for good: the old index must no longer count them.
        It is kept while it alone knows what is lost."""
        if not self.losses.unsaved:
            self.saved_index.retire()

    @property
    def indexable(self) -> bool:
        """Whether an index may be saved: not while the one on disk alone knows what is lost, nor
        with subjects that count messages which are not there."""
        return not (self.miscounted or self.losses.unsaved)

    def _on_index_timer(self) -> None:
        self._index_timer = None
        if not self._closed and self.failed is None:
            with contextlib.suppress(StoreError):
                self.save_index()

    def save_index(self) -> None:
        """Save the state in the background, once the data it speaks of is durable."""
        self.flush()
        if not self.places.is_saved:
            self._save_places()  # before the index: then only notes behind it count
        if not self.indexable:
            return
        if self.background is None:
            self.listing = None
            self.saved_index.save(self.index_state)
            self.committer.start()
        elif self.listing is None:
            self.background(self._saving())

    def _saving(self) -> Work[None]:
        if self._closed or self.failed is not None or self.listing is not None:
            return
        self.flush()
        listing = self.listing = SubjectListing(self.tree, self.blocks)
        try:
            for _ in self.saved_index.saving(self.index_state_with(b""), listing):
                yield
                if self.listing is not listing or not self.indexable:
                    return  # the state is not what it was; a change, so there will be another time
        finally:
            if self.listing is listing:
                self.listing = None
        self.committer.start()
