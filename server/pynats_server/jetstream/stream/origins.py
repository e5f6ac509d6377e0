"""Mirrors and sources: streams that take over the messages of others (server-inventory 6.7).

The origin is a stream of the same account. A follower reads it directly, as far as it is durable:
a copy that outlived its original after a power cut would contradict it later. A mirror keeps
sequences and times; a source stores messages as its own and notes in a header where they come
from, and from that header finds its place again after a restart.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pynats_server.jetstream.config.model import SourceInfo, StreamConfig, StreamSource
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.publish import headers as header_blocks
from pynats_server.jetstream.publish.ingest import store_error
from pynats_server.jetstream.store import CorruptRecord, Message, StoreError
from pynats_server.jetstream.stream.operations import Copy
from pynats_server.jetstream.times import parse_time
from pynats_server.subjects.transform import SubjectTransform

if TYPE_CHECKING:
    from pynats_server.jetstream.stream.stream import Stream

SOURCE_HEADER = b"Nats-Stream-Source"
NOT_COPIED = (b"Nats-Expected-", b"Nats-Batch-")
"""Beginnings of headers that were for the origin; those of batches also mean something to the
recovery of a stream (batches.py)."""
BATCH = 500  # messages copied before the loop gets a turn
RETRY = 1.0  # seconds until a follower that was refused tries again
BETWEEN_FILTERS = b"\x0c"  # of several in a source header


def identity(stream: Stream) -> bytes:
    """8 characters that tell a stream from a later one of the same name."""
    text = f"{stream.account.name} {stream.name} {stream.created}"
    return hashlib.sha256(text.encode()).hexdigest()[:8].encode()


class Follower:
    """What mirrors and sources have in common: the way through the origin."""

    def __init__(self, stream: Stream, source: StreamSource) -> None:
        self.stream = stream
        self.source = source
        self.next_seq = 1
        self._looked_to = 0  # below this nothing is left that any filter wants
        self.error: ApiError | None = None
        self.heard_at = 0  # ns, monotonic
        self.origin: Stream | None = None
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
        """Begins, or goes on, as soon as the origin is there."""
        external = self.source.external
        if external is not None and external.api not in self._own_prefixes():
            self.error = api_error(
                10029, err=f"external API {external.api!r} is not reachable from this server"
            )
            return
        self.stream.account.followers.append(self)
        self.attach()

    def _own_prefixes(self) -> tuple[str, ...]:
        domain = self.stream.account.manager.options.domain
        return ("$JS.API", f"$JS.{domain}.API") if domain else ("$JS.API",)

    def stop(self) -> None:
        """Ends following."""
        self._stopped = True
        if self in self.stream.account.followers:
            self.stream.account.followers.remove(self)
        self._detach()
        for handle in (self._scheduled, self._retry):
            if handle is not None:
                handle.cancel()

    def attach(self) -> None:
        """The account's streams have changed: finds the origin, or loses it."""
        found = self.stream.account.streams.get(self.source.name)
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
        found.watchers.append(self.wake)
        self.wake()

    def _detach(self) -> None:
        if self.origin is not None and self.wake in self.origin.watchers:
            self.origin.watchers.remove(self.wake)
        self.origin = None

    def begin(self, origin: Stream) -> None:
        """Sets `next_seq` for a newly found origin."""
        raise NotImplementedError

    def start_sequence(self, origin: Stream) -> int:
        """Where the configuration wants to begin."""
        if self.source.opt_start_time:
            return origin.store.seq_from_time(parse_time(self.source.opt_start_time))
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
            self.heard_at = time.monotonic_ns()
        self.wake()

    def _refused(self, error: ApiError | StoreError | OSError) -> None:
        if isinstance(error, StoreError):
            self.error = store_error(error)
        else:
            self.error = error if isinstance(error, ApiError) else api_error(10077, err=error)
        self.stream.log.warn_rarely(
            f"JetStream stream '{self.stream.account.name} > {self.stream.name}' cannot take over "
            f"from '{self.source.name}': {error}"
        )
        self._retry = asyncio.get_running_loop().call_later(RETRY, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self.wake()

    def _next(self, origin: Stream) -> Message | None:
        """The next message any filter wants, as far as the origin is durable."""
        store = origin.store
        while max(self.next_seq, self._looked_to) <= origin.durable_seq:
            start = max(self.next_seq, self._looked_to)
            try:
                found = [store.load_next(filter, start) for filter in self.filters]
            except CorruptRecord as error:
                origin.log.error(
                    f"JetStream stream '{origin.account.name} > {origin.name}': "
                    f"sequence {start} is left out by '{self.stream.name}': {error}"
                )
                self.next_seq = start + 1
                continue
            first = min((m for m in found if m is not None), key=_sequence, default=None)
            if first is None:  # what comes next is above, as more becomes durable
                self._looked_to = origin.durable_seq + 1
            return first if first is not None and first.seq <= origin.durable_seq else None
        return None

    def keep(self, origin: Stream, message: Message) -> None:
        """Stores a copy. Raises ApiError or StoreError where it must wait."""
        raise NotImplementedError

    def subject(self, message: Message) -> bytes:
        """Under which subject a copy is kept."""
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
            active=time.monotonic_ns() - self.heard_at if self.heard_at else -1,
            error=self.error.as_dict() if self.error else None,
            filter_subject=self.source.filter_subject,
            subject_transforms=self.source.subject_transforms,
        )


def _sequence(message: Message) -> int:
    return message.seq


class Mirror(Follower):
    """The follower of a mirror: the same messages under the same sequences."""

    def begin(self, origin: Stream) -> None:
        """Behind what is there already."""
        last = self.stream.store.last_seq
        if last > origin.store.last_seq:
            self.error = api_error(
                10029, err="the origin is behind this mirror: it has been made anew"
            )
        self.next_seq = last + 1 if last else self.start_sequence(origin)

    def keep(self, origin: Stream, message: Message) -> None:
        """Under its own sequence and time."""
        block = message.headers or b""
        if block:
            block = header_blocks.remove_prefix(block, *NOT_COPIED)
        self.stream.take_copy(
            Copy(message.seq, self.subject(message), block, message.payload, message.ts)
        )


class Source(Follower):
    """The follower of one source."""

    def __init__(self, stream: Stream, source: StreamSource) -> None:
        super().__init__(stream, source)
        self.seen_identity = b""
        self._where = b" ".join((self._filters_text(), self._destinations_text()))

    def _filters_text(self) -> bytes:
        return BETWEEN_FILTERS.join(self.filters)

    def _destinations_text(self) -> bytes:
        if not self.source.subject_transforms:
            return b">"
        return BETWEEN_FILTERS.join(t.dest.encode() for t in self.source.subject_transforms)

    def recognises(self, header: bytes) -> bool:
        """Whether a source header was written by this source; if so, goes on behind it."""
        parts = header.split(b" ")
        if len(parts) < 2 or parts[0].decode(errors="replace") != self.source.name:
            return False
        if not parts[1].isdigit():
            return False
        if len(parts) >= 4 and b" ".join(parts[2:4]) != self._where:
            return False
        self.next_seq = int(parts[1]) + 1
        self.seen_identity = parts[5] if len(parts) > 5 else b""
        return True

    def begin(self, origin: Stream) -> None:
        """Behind the last message taken over, unless the origin has been made anew."""
        known = self.seen_identity
        if self.next_seq == 1 or (known and known != identity(origin) and self._is_older(origin)):
            self.next_seq = self.start_sequence(origin)
        self.seen_identity = identity(origin)

    def _is_older(self, origin: Stream) -> bool:
        # Another server computes identities otherwise: trust sequences unless they contradict.
        return origin.store.last_seq < self.next_seq - 1

    def keep(self, origin: Stream, message: Message) -> None:
        """As a message of the stream, with a header that says where it is from."""
        block = message.headers or b""
        if block:
            block = header_blocks.remove_prefix(block, *NOT_COPIED)
            block = header_blocks.remove(block, SOURCE_HEADER)
        value = b" ".join(
            (
                self.source.name.encode(), b"%d" % message.seq, self._where,
                message.subject, identity(origin),
            )
        )  # fmt: skip
        block = header_blocks.add(block, SOURCE_HEADER, value)
        self.stream.publishing.take_sourced(self.subject(message), block, message.payload)

    def info(self) -> SourceInfo:
        """With the last sequence taken over."""
        made = super().info()
        made.seq = self.next_seq - 1 if self.heard_at else 0
        return made


class Following:
    """The mirror or the sources of one stream."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.mirror: Mirror | None = None
        self.sources: list[Source] = []
        self._config: tuple[StreamSource | None, list[StreamSource]] = (None, [])

    def configured(self) -> None:
        """Follows what the configuration names now."""
        config = self.stream.config
        if (config.mirror, config.sources) == self._config:
            return
        self.stop()
        self._config = (config.mirror, list(config.sources))
        self._begin(config)

    def _begin(self, config: StreamConfig) -> None:
        if config.mirror is not None:
            self.mirror = Mirror(self.stream, config.mirror)
            self.mirror.start()
            return
        self.sources = [Source(self.stream, source) for source in config.sources]
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
            value = header_blocks.get(message.headers, SOURCE_HEADER) if message.headers else None
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
