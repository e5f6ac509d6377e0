"""Mirrors and sources: streams that take over the messages of others.

The origin is a stream of the same account. A follower reads it directly, as far as it is durable:
a copy that outlived its original after a power cut would contradict it later. A mirror keeps
sequences and times; a source stores messages as its own and notes in a header where they come
from, and from that header finds its place again after a restart. What they are for:
https://docs.nats.io/nats-concepts/jetstream/source_and_mirror.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterable

from pynats_common.go.text import text_of
from pynats_common.go.times import parse_time_ns

from pynats_server.jetstream.config.model import SourceInfo, StreamConfig, StreamSource
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.publish import header_names as names
from pynats_server.jetstream.publish import headers as header_blocks
from pynats_server.jetstream.publish.ingest import store_error
from pynats_server.jetstream.store import CorruptRecord, Message, StoreError
from pynats_server.jetstream.stream.host import Neighbours, Origin, StreamHost
from pynats_server.jetstream.stream.operations import Append
from pynats_server.subjects.transform import SubjectTransform

NOT_COPIED = (names.EXPECTED_PREFIX, names.BATCH_PREFIX)
"""Prefixes of headers that were meant for the origin; those of batches also mean something to the
recovery of a stream (`drop_incomplete_batch`)."""
BATCH = 500  # messages copied in one turn of the loop
RETRY_S = 1.0  # until a follower that was refused tries again
BETWEEN_FILTERS = b"\x0c"  # separates filters in a source header


def identity(stream: Origin) -> bytes:
    """8 characters that distinguish a stream from a later one of the same name."""
    text = f"{stream.account.name} {stream.name} {stream.created}"
    return hashlib.sha256(text.encode()).hexdigest()[:8].encode()


class Follower:
    """What mirrors and sources have in common: reading the origin."""

    def __init__(self, stream: StreamHost, neighbours: Neighbours, source: StreamSource) -> None:
        self.stream = stream
        self._neighbours = neighbours
        self.source = source
        self.next_seq = 1
        self._looked_to = 0  # no message below this matches a filter
        self.error: ApiError | None = None
        self.heard_at_ns = 0  # monotonic; 0 = never
        self.origin: Origin | None = None
        self.transforms = [
            (t.src, SubjectTransform.compile(t.src, t.dest)) for t in source.subject_transforms
        ]
        self.filters = [src.encode() for src, _ in self.transforms]
        if not self.filters:
            self.filters = [source.filter_subject.encode() or b">"]
        self._scheduled: asyncio.Handle | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._stopped = False

    # -- life -------------------------------------------------------------------------------

    def start(self) -> None:
        """Begins or continues as soon as the origin exists."""
        external = self.source.external
        prefixes = self.stream.account.server.api_prefixes
        if external is not None and external.api not in prefixes:
            self.error = api_error(
                10029, err=f"external API {external.api!r} is not reachable from this server"
            )
            return
        self._neighbours.join(self.attach)
        self.attach()

    def stop(self) -> None:
        """Ends following."""
        self._stopped = True
        self._neighbours.leave(self.attach)
        self._detach()
        for handle in (self._scheduled, self._retry):
            if handle is not None:
                handle.cancel()

    def attach(self) -> None:
        """The account's streams have changed: attaches to the origin, or detaches from it."""
        found = self._neighbours.find(self.source.name)
        if found is self.origin:
            if found is None:
                self.error = api_error(10059)
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
        self.wake()

    def _detach(self) -> None:
        if self.origin is not None:
            self.origin.unwatch(self.wake)
        self.origin = None

    def begin(self, origin: Origin) -> None:
        """Sets `next_seq` for a newly found origin."""
        raise NotImplementedError

    def start_sequence(self, origin: Origin) -> int:
        """The first sequence to copy, by the configuration."""
        if self.source.opt_start_time:
            return origin.store.seq_from_time(parse_time_ns(self.source.opt_start_time))
        return max(self.source.opt_start_seq, 1)

    # -- copying ----------------------------------------------------------------------------

    def wake(self) -> None:
        """The origin has more."""
        if self._scheduled is None and self._retry is None and not self._stopped:
            self._scheduled = asyncio.get_running_loop().call_soon(self._pull)

    def _pull(self) -> None:
        self._scheduled = None
        origin = self.origin
        if origin is None or self._stopped:
            return
        for _ in range(BATCH):
            try:
                message = self._next(origin)
                if message is None:
                    return
                self.keep(origin, message)
            except (ApiError, StoreError, OSError) as error:
                self._refused(error)
                return
            self.error = None
            self.next_seq = message.seq + 1
            self.heard_at_ns = time.monotonic_ns()
        self.wake()

    def _refused(self, error: ApiError | StoreError | OSError) -> None:
        if isinstance(error, StoreError):
            self.error = store_error(error)
        else:
            self.error = error if isinstance(error, ApiError) else api_error(10077, err=error)
        self.stream.log.warn_rarely(
            f"JetStream {self.stream.label} cannot take over from '{self.source.name}': {error}"
        )
        self._retry = asyncio.get_running_loop().call_later(RETRY_S, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self.wake()

    def _next(self, origin: Origin) -> Message | None:
        """The next message that matches a filter, as far as the origin is durable."""
        store = origin.store
        while max(self.next_seq, self._looked_to) <= origin.durable_seq:
            start = max(self.next_seq, self._looked_to)
            try:
                found = [store.load_next(filter, start) for filter in self.filters]
            except CorruptRecord as error:
                origin.log.error(
                    f"JetStream {origin.label}: "
                    f"sequence {start} is left out by '{self.stream.name}': {error}"
                )
                self.next_seq = start + 1
                continue
            first = min((m for m in found if m is not None), key=_sequence, default=None)
            if first is None:  # nothing yet; look further as more becomes durable
                self._looked_to = origin.durable_seq + 1
            return first if first is not None and first.seq <= origin.durable_seq else None
        return None

    def keep(self, origin: Origin, message: Message) -> None:
        """Stores a copy. Raises ApiError or StoreError if it has to be tried again later."""
        raise NotImplementedError

    def subject(self, message: Message) -> bytes:
        """The subject under which a copy is stored."""
        for _, transform in self.transforms:
            made = transform.apply(message.subject)
            if made is not None:
                return made
        return bytes(message.subject)

    # -- figures ----------------------------------------------------------------------------

    def info(self) -> SourceInfo:
        """How far it has come."""
        lag = 0
        if self.origin is not None:
            store = self.origin.store
            lag = sum(store.num_pending(filter, self.next_seq) for filter in self.filters)
        return SourceInfo(
            name=self.source.name,
            external=self.source.external,
            lag=lag,
            active=time.monotonic_ns() - self.heard_at_ns if self.heard_at_ns else -1,
            error=self.error.as_dict() if self.error else None,
            filter_subject=self.source.filter_subject,
            subject_transforms=self.source.subject_transforms,
        )


def _sequence(message: Message) -> int:
    return message.seq


class Mirror(Follower):
    """The follower of a mirror: keeps messages with their sequences and times."""

    def begin(self, origin: Origin) -> None:
        """After the last message that the mirror has."""
        last = self.stream.store.last_seq
        if last > origin.store.last_seq:
            self.error = api_error(
                10029, err="the origin is behind this mirror: it has been made anew"
            )
        self.next_seq = last + 1 if last else self.start_sequence(origin)

    def keep(self, origin: Origin, message: Message) -> None:
        """With the sequence and time of the original."""
        block = message.headers or b""
        if block:
            block = header_blocks.remove_prefix(block, *NOT_COPIED)
        copy = Append(self.subject(message), block, message.payload, message.ts)
        self.stream.take_copy(message.seq, copy)


class Source(Follower):
    """The follower of one source."""

    def __init__(self, stream: StreamHost, neighbours: Neighbours, source: StreamSource) -> None:
        super().__init__(stream, neighbours, source)
        self.seen_identity = b""
        self._where = b" ".join((self._filters_text(), self._destinations_text()))

    def _filters_text(self) -> bytes:
        return BETWEEN_FILTERS.join(self.filters)

    def _destinations_text(self) -> bytes:
        if not self.source.subject_transforms:
            return b">"
        return BETWEEN_FILTERS.join(t.dest.encode() for t in self.source.subject_transforms)

    def recognises(self, header: bytes) -> bool:
        """Whether this source wrote a source header; if so, continues after that message."""
        parts = header.split(b" ")
        if len(parts) < 2 or text_of(parts[0]) != self.source.name:
            return False
        if not parts[1].isdigit():
            return False
        if len(parts) >= 4 and b" ".join(parts[2:4]) != self._where:
            return False
        self.next_seq = int(parts[1]) + 1
        self.seen_identity = parts[5] if len(parts) > 5 else b""
        return True

    def begin(self, origin: Origin) -> None:
        """After the last message taken over, unless the origin was deleted and made again."""
        known = self.seen_identity
        if self.next_seq == 1 or (known and known != identity(origin) and self._is_older(origin)):
            self.next_seq = self.start_sequence(origin)
        self.seen_identity = identity(origin)

    def _is_older(self, origin: Origin) -> bool:
        # Another server computes identities otherwise: trust sequences unless they contradict.
        return origin.store.last_seq < self.next_seq - 1

    def keep(self, origin: Origin, message: Message) -> None:
        """As a message of the stream, with a header that says where it is from."""
        block = message.headers or b""
        if block:
            block = header_blocks.remove_prefix(block, *NOT_COPIED)
            block = header_blocks.remove(block, names.STREAM_SOURCE)
        value = b" ".join(
            (
                self.source.name.encode(), b"%d" % message.seq, self._where,
                message.subject, identity(origin),
            )
        )  # fmt: skip
        block = header_blocks.add(block, names.STREAM_SOURCE, value)
        self.stream.take_sourced(self.subject(message), block, message.payload)

    def info(self) -> SourceInfo:
        """With the last sequence taken over."""
        made = super().info()
        made.seq = self.next_seq - 1 if self.heard_at_ns else 0
        return made


class Following:
    """The mirror or the sources of one stream."""

    def __init__(self, stream: StreamHost, neighbours: Neighbours) -> None:
        self.stream = stream
        self._neighbours = neighbours
        self.mirror: Mirror | None = None
        self.sources: list[Source] = []
        self._config: tuple[StreamSource | None, list[StreamSource]] = (None, [])

    def configured(self) -> None:
        """Follows the origins that the configuration names now."""
        config = self.stream.config
        if (config.mirror, config.sources) == self._config:
            return
        self.stop()
        self._config = (config.mirror, list(config.sources))
        self._begin(config)

    def _begin(self, config: StreamConfig) -> None:
        if config.mirror is not None:
            self.mirror = Mirror(self.stream, self._neighbours, config.mirror)
            self.mirror.start()
            return
        self.sources = [Source(self.stream, self._neighbours, source) for source in config.sources]
        self._find_places(self.sources)
        for source in self.sources:
            source.start()

    def _find_places(self, sources: Iterable[Source]) -> None:
        """Looks back through the stored messages for the last one of each source."""
        searching = list(sources)
        store = self.stream.store
        at = store.last_seq
        while searching and at >= store.first_seq:
            try:
                message = store.load_previous(b">", at)
            except CorruptRecord:
                at -= 1
                continue
            if message is None:
                return
            at = message.seq - 1
            value = header_blocks.get(message.headers or b"", names.STREAM_SOURCE)
            if value is not None:
                searching = [s for s in searching if not s.recognises(value)]

    def stop(self) -> None:
        """Ends all."""
        for follower in (self.mirror, *self.sources):
            if follower is not None:
                follower.stop()
        self.mirror, self.sources = None, []
        self._config = (None, [])

    def info(self) -> tuple[SourceInfo | None, list[SourceInfo]]:
        """(mirror, sources) as stream infos show them."""
        mirror = self.mirror.info() if self.mirror is not None else None
        return mirror, [source.info() for source in self.sources]
