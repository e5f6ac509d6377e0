"""What copies of a stream's messages have in common: reading the origin.

The origin is a stream of the same account. A follower reads it directly, as far as it is durable:
a copy that outlived its original after a power cut would contradict it later. An origin that keeps
messages for its consumers learns what was taken (`reading`).
"""

from __future__ import annotations

import asyncio
import time

from pynats_common.go.times import parse_time_ns

from pynats_server.jetstream.config.model import SourceInfo, StreamSource
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.publish import header_names as names
from pynats_server.jetstream.publish.ingest import store_error
from pynats_server.jetstream.store import (
    CorruptRecord,
    Message,
    StoreError,
    StoreFailed,
    StoreFull,
)
from pynats_server.jetstream.stream.copying.answers import Arrived, Known
from pynats_server.jetstream.stream.copying.distant import Distant
from pynats_server.jetstream.stream.copying.reading import Reading, is_needed
from pynats_server.jetstream.stream.copying.wanted import Wanted
from pynats_server.jetstream.stream.host import Neighbours, Origin, StreamHost
from pynats_server.work import Cancelled, Job, Turns, Work

NOT_COPIED = (names.EXPECTED_PREFIX, names.BATCH_PREFIX)
"""Prefixes of headers that were meant for the origin; those of batches also mean something to the
recovery of a stream (`drop_incomplete_batch`)."""
COPIES = 16  # messages copied before a rest, about 0.2 ms
RETRY_S = 1.0  # until a follower that was refused tries again


class Follower:
    """What mirrors and sources have in common: reading the origin."""

    is_mirror = False

    def __init__(
        self,
        stream: StreamHost,
        neighbours: Neighbours,
        source: StreamSource,
        leaving: list[Reading | Distant],
    ) -> None:
        self.stream = stream
        self._leaving = leaving  # what the stream reads for those that are gone
        self._neighbours = neighbours
        self.source = source
        self.next_seq = 1
        # The time at which it begins, and the sequence that this is: until it has copied something.
        self._since, self._since_seq = "", 0
        self._looked_to = 0  # no message below this matches a filter
        self.error: ApiError | None = None
        self._refused_at: int | None = (
            None  # how far its stream was durable when a copy was refused
        )
        self.heard_at_ns = 0  # monotonic; 0 = never
        self.origin: Origin | None = None
        self.wanted = Wanted(source)
        self._scheduled: asyncio.Handle | None = None
        self._job: Job[None] | None = None  # copies
        self._reading: Reading | None = None  # where the origin has to know what was taken
        self._distant: Distant | None = None  # if the origin is elsewhere
        self._retry: asyncio.TimerHandle | None = None
        self.started = False
        self.is_apart = False  # nothing of the origin is to be copied
        self._stopped = False
        self._is_counted = False  # among the account's `copiers`

    # -- life -------------------------------------------------------------------------------

    def start(self) -> None:
        """Begins or continues as soon as the origin exists."""
        self.started = True
        external = self.source.external
        if external is not None and external.api not in self.stream.account.server.api_prefixes:
            self._distant = Distant(self.stream, self.source, self.is_mirror, self)
            self.begin_distant()
            self._distant.open()
            return
        self._neighbours.join(self.source.name, self.attach)
        self.attach()

    def stop(self) -> None:
        """Ends following."""
        self._stopped = True
        self._neighbours.leave(self.source.name, self.attach)
        self._detach()
        if self._distant is not None:
            self._distant.stop()
        for handle in (self._scheduled, self._retry):
            if handle is not None:
                handle.cancel()

    async def forget(self) -> None:
        """Ends following for good; the origin keeps nothing for it any more. The caller holds the
        account's `changing`."""
        reading = self._reading
        self.stop()
        if self._distant is not None:
            self._distant.forget()
        if reading is not None:
            await self._forgotten(reading)

    async def _forgotten(self, reading: Reading) -> None:
        try:
            await reading.forget()
        except ApiError as error:
            self.stream.log.warn(
                f"JetStream {self.stream.label} leaves its consumer at '{self.source.name}': "
                f"{error}"
            )

    async def _forget_later(self, reading: Reading) -> None:
        await reading.finish()
        async with self.stream.account.changing:
            await self._forgotten(reading)

    def leave(self) -> Reading | Distant | None:
        """`forget`, as soon as what was copied is acknowledged, and nothing else is being changed:
        the origin would keep that for ever. What reads until then, if there is something."""
        reading, self._reading = self._reading, None
        distant, self._distant = self._distant, None
        self.stop()
        if distant is not None:
            self.stream.account.server.spawn(distant.finish())
            return distant
        if reading is not None:
            self.stream.account.server.spawn(self._forget_later(reading))
        return reading

    def attach(self) -> None:
        """The account's streams have changed: attaches to the origin, or detaches from it."""
        found = self._neighbours.find(self.source.name)
        if found is self.origin:
            if found is None:
                self.error = api_error(10059)
            else:
                self._read(found)
            return
        self._detach()
        if found is None:
            self.error = api_error(10059)
            return
        self.origin = found
        self.error = None
        self._looked_to = 0
        self.begin(found)
        found.watch(self.wake)
        self._read(found)
        self.wake()

    def _read(self, origin: Origin) -> None:
        """By a consumer of the origin, if it keeps messages for such; it may not have before."""
        needed = is_needed(origin, self.source) and not self.is_apart
        if needed and self._reading is None:
            self._open_reading(origin)
        elif not needed and self._reading is not None:
            reading, self._reading = self._reading, None
            reading.stop()
            self.stream.account.server.spawn(self._forget_later(reading))
            self.wake()
        self._count()

    def _count(self) -> None:
        reads = self.origin is not None and self._reading is None and not self.is_apart
        if reads is not self._is_counted:
            self._is_counted = reads
            self.stream.account.copiers.add(1 if reads else -1)

    def _open_reading(self, origin: Origin, instead: Reading | None = None) -> None:
        name = self.consumer_name
        made = Reading(
            self.stream, origin, self.source, self.is_mirror, name, self, instead, self._leaving
        )
        self._reading = made
        made.open()

    @property
    def consumer_name(self) -> str:
        """The name of its consumer at an origin that keeps messages for such."""
        raise NotImplementedError

    def _detach(self) -> None:
        if self._reading is not None:
            self._reading.stop()
            self._reading = None
        if self.origin is not None:
            self.origin.unwatch(self.wake)
        self.origin = None
        self._count()
        if self._job is not None:
            self._turns.cancel(self._job)
            self._job = None

    def begin(self, origin: Origin) -> None:
        """Sets `next_seq` for a newly found origin."""
        raise NotImplementedError

    def begin_distant(self) -> None:
        """Sets `next_seq` for an origin that is elsewhere."""
        raise NotImplementedError

    def begin_since(self, origin: Origin | None, time: str) -> int:
        """Begins at a time. The sequence that this is; of a distant origin, the first."""
        self._since = time
        since_ns = parse_time_ns(time)
        self._since_seq = 1 if origin is None else origin.store.seq_from_time(since_ns)
        return self._since_seq

    @property
    def since(self) -> str:
        """The time at which it begins; empty when it begins or goes on at a sequence."""
        return self._since if self.next_seq == self._since_seq else ""

    def undone(self) -> None:
        """The disk is full, and copies that were stored last have been taken back."""
        before = self.next_seq
        if self._distant is not None:
            self.begin_distant()
        elif self.origin is not None:
            self.begin(self.origin)
        if self._reading is not None:
            self._reading.undone(self.next_seq)
        if self.next_seq < before:
            self._looked_to = 0
            failed = self.stream.store.failed
            full = StoreFull(f"no space for {self.stream.label}")
            self._refused(StoreFailed(str(failed)) if failed is not None else full)

    # -- a distant origin -------------------------------------------------------------------

    def heard(self) -> None:
        """The origin is there."""
        self.heard_at_ns = time.monotonic_ns()

    def identity_wanted(self) -> bytes | None:
        """See `distant.Copier`."""
        raise NotImplementedError

    def is_other(self, identity: bytes) -> bool:
        """See `distant.Copier`."""
        raise NotImplementedError

    def begin_other(self, identity: bytes, known: Known | None) -> bool:
        """See `distant.Copier`."""
        raise NotImplementedError

    def met(self, identity: bytes) -> None:
        """See `distant.Copier`."""
        self.is_apart = False
        if self._refused_at is None:
            self.error = None

    # -- copying ----------------------------------------------------------------------------

    @property
    def _turns(self) -> Turns:
        return self.stream.account.server.turns

    def wake(self) -> None:
        """The origin has more."""
        if self._is_idle and not self._stopped:
            self._scheduled = asyncio.get_running_loop().call_soon(self._pull)

    @property
    def _is_idle(self) -> bool:
        return self._scheduled is None and self._job is None and not self._waits()

    def _waits(self) -> bool:
        """Whether it tries again later, because a copy was refused or taken back."""
        return self._retry is not None

    def _pull(self) -> None:
        self._scheduled = None
        if self._stopped or self.is_apart:
            return
        if self._distant is not None:
            work = self._taking(self._distant)
        elif self.origin is not None:
            if self._reading is not None and self._reading.reader is None:
                return  # it is being asked for
            self.heard()
            work = self._copying(self.origin)
        else:
            return
        job = self._turns.start(
            self.stream.account.name, self, work, stays=True, on_end=self._copied
        )
        self._job = None if job.ended else job

    def _copied(self, job: Job[None]) -> None:
        self._job = None
        if job.error is not None and not isinstance(job.error, Cancelled):
            self.stream.log.error(f"JetStream {self.stream.label}: {job.error!r}")

    def _copying(self, origin: Origin) -> Work[None]:
        """Copies all that the origin has."""
        yield from self.wanted.prepare()
        count = 0
        while not self._waits():
            message, reading = None, self._reading
            try:
                if reading is not None and not (yield from reading.going_on()):
                    return
                message = yield from self._next(origin)
                if reading is not self._reading or (reading is not None and reading.is_full):
                    continue
                if message is None:
                    if reading is not None and not reading.has_settled:
                        continue
                    return
                self.next_seq = message.seq + 1  # before: storing may take copies back (`undone`)
                self.keep(message)
                if reading is not None and self.next_seq > message.seq:
                    reading.took(message)
            except (ApiError, StoreError, OSError) as error:
                if message is not None:
                    self.next_seq = min(self.next_seq, message.seq)
                self._refused(error)
                return
            if self._waits():
                return
            if self._refused_at is None:
                self.error = None
            self.heard()
            count += 1
            if count % COPIES == 0:
                yield

    def _taking(self, distant: Distant) -> Work[None]:
        """Copies all that has come from a distant origin."""
        yield from self.wanted.prepare()
        count = 0
        while not self._waits() and (item := distant.next()) is not None:
            if isinstance(item, Arrived):
                if item.seq >= self.next_seq and not self._took(item):
                    return
                distant.took(item)
            count += 1
            if count % COPIES == 0:
                yield

    def _took(self, message: Arrived) -> bool:
        """Copies a message of a distant origin. False if that has to be tried again."""
        try:
            self.next_seq = message.seq + 1
            self.keep(message)
        except (ApiError, StoreError, OSError) as error:
            self.next_seq = min(self.next_seq, message.seq)
            self._refused(error)
            return False
        if self._waits():
            return False
        if self._refused_at is None:
            self.error = None
        return True

    def _refused(self, error: ApiError | StoreError | OSError) -> None:
        if self._distant is not None:
            self._distant.pause()
        if isinstance(error, StoreError):
            self.error = store_error(error)
        else:
            self.error = error if isinstance(error, ApiError) else api_error(10077, err=error)
        self._refused_at = self.stream.store.last_seq
        self.stream.log.warn_rarely(
            f"JetStream {self.stream.label} cannot take over from '{self.source.name}': {error}"
        )
        if self._retry is None and not self._stopped:
            self._retry = asyncio.get_running_loop().call_later(RETRY_S, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        if self._distant is not None:
            self._distant.open()
        else:
            self.wake()

    def _forgive(self) -> None:
        """Forgets the error once a later try has succeeded, and no full disk can undo that."""
        durable = self.stream.durable_seq
        if self._refused_at is None:
            return
        if durable > self._refused_at or (self._is_idle and durable >= self.stream.store.last_seq):
            self.error = self._refused_at = None

    def _next(self, origin: Origin) -> Work[Message | None]:
        """The next message that is wanted, as far as the origin is durable."""
        while max(self.next_seq, self._looked_to) <= origin.durable_seq and not self._waits():
            durable, place = origin.durable_seq, (self.next_seq, self._looked_to)
            try:
                found = yield from self.wanted.find(origin.store, max(place))
            except CorruptRecord as error:
                if place == (self.next_seq, self._looked_to):
                    origin.log.error(
                        f"JetStream {origin.label}: sequence {max(place)} is left out by "
                        f"'{self.stream.name}': {error}"
                    )
                    self.next_seq = max(place) + 1
                continue
            if place != (self.next_seq, self._looked_to):
                continue  # copies have been taken back meanwhile
            if found is not None and found.seq <= origin.durable_seq:
                return found
            if found is not None:
                return None
            self._looked_to = durable + 1  # look further as more becomes durable
        return None

    def keep(self, message: Message | Arrived) -> None:
        """Stores a copy. Raises ApiError or StoreError if it has to be tried again later."""
        raise NotImplementedError

    def subject(self, message: Message | Arrived) -> bytes:
        """The subject under which a copy is stored."""
        return self.wanted.subject(bytes(message.subject))

    # -- figures ----------------------------------------------------------------------------

    def info(self) -> Work[SourceInfo]:
        """How far it has come."""
        lag = 0
        self._forgive()
        if self.origin is not None:
            lag = yield from self.wanted.count(self.origin.store, self.next_seq)
        elif self._distant is not None:
            lag = self._distant.lag
        return SourceInfo(
            name=self.source.name,
            external=self.source.external,
            lag=lag,
            active=time.monotonic_ns() - self.heard_at_ns if self.heard_at_ns else -1,
            error=self.error.as_dict() if self.error else None,
            filter_subject=self.source.filter_subject,
            subject_transforms=self.source.subject_transforms,
        )


def known_of(origin: Origin) -> Known:
    """What a stream of the same account says of itself."""
    state = origin.store.state()
    first_ts = state.first_ts if state.msgs else state.last_ts
    return Known(origin.created, state.first_seq, state.last_seq, first_ts)


def continues(origin: Known, seq: int) -> bool:
    """Whether a stream with another identity holds the messages of an earlier one, because it is
    that one's backup: then they are older than the stream itself."""
    return 0 < origin.first_ts < origin.created and seq <= origin.last_seq
