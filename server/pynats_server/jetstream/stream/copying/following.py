"""What one stream copies: its mirror or its sources, by its configuration."""

from __future__ import annotations

import asyncio
from collections import Counter

from pynats_server.jetstream.config.model import SourceInfo, StreamConfig, StreamSource
from pynats_server.jetstream.store.format.sources_db import Place
from pynats_server.jetstream.stream.copying.distant import Distant
from pynats_server.jetstream.stream.copying.follower import RETRY_S
from pynats_server.jetstream.stream.copying.mirror import Mirror
from pynats_server.jetstream.stream.copying.names import name_of
from pynats_server.jetstream.stream.copying.places import find_places
from pynats_server.jetstream.stream.copying.reading import Reading
from pynats_server.jetstream.stream.copying.source import Source
from pynats_server.jetstream.stream.host import Neighbours, StreamHost
from pynats_server.jetstream.stream.operations import Follow
from pynats_server.work import Cancelled, Job, Work

SOURCES = 32  # sources begun or described before a rest


class Following:
    """The mirror or the sources of one stream."""

    def __init__(self, stream: StreamHost, neighbours: Neighbours) -> None:
        self.stream = stream
        self._neighbours = neighbours
        self.mirror: Mirror | None = None
        self._sources: dict[bytes, Source] = {}
        self._passing: set[bytes] = set()  # sources that have left out duplicates lately
        self._leaving: list[Reading | Distant] = []  # of those that are gone
        self._mirrored: StreamSource | None = None
        self._search: Job[None] | None = None  # for the places of sources that wait for it
        self._again: asyncio.TimerHandle | None = None

    @property
    def sources(self) -> list[Source]:
        """The sources, in the order of the configuration."""
        return list(self._sources.values())

    def configured(self) -> None:
        """Follows the origins that the configuration names now. A source that was there before
        goes on where it is."""
        config = self.stream.config
        self._follow_mirror(config)
        before, self._sources = self._sources, {}
        new = False
        for source in config.sources:
            key = name_of(source).whole
            old = before.pop(key, None)
            new = new or old is None
            self._sources[key] = old or Source(
                self.stream, self._neighbours, source, self._leaving, self._passing
            )
        # First those that are gone: another one's consumer may get the name of theirs.
        for gone in before.values():
            self._left(gone.leave())
        count = Counter(source.name for source in config.sources)
        for source, follower in zip(config.sources, self._sources.values(), strict=True):
            follower.configured(source, count[source.name] == 1)
        if new or self._search is not None or self._again is not None:
            self._find_places()

    def _follow_mirror(self, config: StreamConfig) -> None:
        if config.mirror == self._mirrored:
            return
        if self.mirror is not None:
            self._left(self.mirror.leave())
        self.mirror, self._mirrored = None, config.mirror
        if config.mirror is not None:
            self.mirror = Mirror(self.stream, self._neighbours, config.mirror, self._leaving)
            self.mirror.start()

    def _left(self, reading: Reading | Distant | None) -> None:
        self._leaving[:] = [each for each in self._leaving if not each.is_over]
        if reading is not None:
            self._leaving.append(reading)

    def _find_places(self) -> None:
        """Looks for the last copies of the sources that have not begun, and then has them begin."""
        self._end_search()
        waiting = [key for key, source in self._sources.items() if not source.started]
        account = self.stream.account
        search = account.server.turns.start(
            account.name, self, self._beginning(waiting), stays=True, on_end=self._searched
        )
        self._search = None if search.ended else search

    def _beginning(self, waiting: list[bytes]) -> Work[None]:
        yield from find_places(self.stream.store, waiting, self._found)
        for count, source in enumerate(self.sources):
            if count % SOURCES == SOURCES - 1:
                yield
            if not source.started:
                source.start()

    def _found(self, key: bytes, place: Place, told_by: int) -> None:
        self.stream.apply(Follow(key, place.seq, place.identity, told_by))

    def _searched(self, job: Job[None]) -> None:
        self._search = None
        if isinstance(job.error, Cancelled):
            return
        if job.error is not None:
            self.stream.log.error(f"JetStream {self.stream.label}: {job.error!r}")
            self._again = asyncio.get_running_loop().call_later(RETRY_S, self._find_places)

    def _end_search(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._search is not None:
            self.stream.account.server.turns.cancel(self._search)
            self._search = None

    def undone(self, last_seq: int) -> None:
        """The disk is full, and messages above `last_seq` have been taken back."""
        if self.mirror is not None:
            self.mirror.undone()
        for reading in self._leaving:
            reading.abandon()
        taken_back = self.stream.store.places.taken_back
        for key in (taken_back | self._passing) & self._sources.keys():
            source = self._sources[key]
            if source.go_back(last_seq) or key in taken_back:
                source.undone()

    def stop(self) -> None:
        """Ends all."""
        self._end_search()
        for follower in (self.mirror, *self._sources.values()):
            if follower is not None:
                follower.stop()
        for reading in self._leaving:
            reading.stop()
        self.mirror, self._mirrored, self._sources = None, None, {}

    async def forget(self) -> None:
        """Before its stream is deleted: the origins keep nothing for it any more."""
        for follower in (self.mirror, *self.sources):
            if follower is not None:
                await follower.forget()

    def info(self) -> Work[tuple[SourceInfo | None, list[SourceInfo]]]:
        """(mirror, sources) as stream infos show them."""
        mirror = (yield from self.mirror.info()) if self.mirror is not None else None
        sources: list[SourceInfo] = []
        for source in self.sources:
            sources.append((yield from source.info()))
            if len(sources) % SOURCES == 0:
                yield
        return mirror, sources
