"""Sources: streams whose messages another one stores as its own, with a header that tells where
they come from. From that header it finds its place again after a restart."""

from __future__ import annotations

from collections import deque

from pynats_common.go.times import format_time_ns, parse_time_ns

from pynats_server.core.protocol import headers as header_blocks
from pynats_server.jetstream.clock import now_ns
from pynats_server.jetstream.config.model import SourceInfo, StreamSource
from pynats_server.jetstream.publish import header_names as names
from pynats_server.jetstream.store import Message
from pynats_server.jetstream.store.format.sources_db import Place
from pynats_server.jetstream.stream.copying.answers import Arrived, Known
from pynats_server.jetstream.stream.copying.distant import Distant
from pynats_server.jetstream.stream.copying.follower import (
    NOT_COPIED,
    Follower,
    continues,
    known_of,
)
from pynats_server.jetstream.stream.copying.names import (
    header_value,
    identity,
    name_of,
    source_consumer,
)
from pynats_server.jetstream.stream.copying.reading import Reading
from pynats_server.jetstream.stream.host import Neighbours, Origin, StreamHost
from pynats_server.jetstream.stream.operations import Follow
from pynats_server.work import Work


class Source(Follower):
    """The follower of one source."""

    def __init__(
        self,
        stream: StreamHost,
        neighbours: Neighbours,
        source: StreamSource,
        leaving: list[Reading | Distant],
        passing: set[bytes],
    ) -> None:
        super().__init__(stream, neighbours, source, leaving)
        self.name = name_of(source)
        self.key = self.name.whole
        self._identity = b""  # of the origin
        # (last sequence of the stream then, sequence) of messages that were there already, as
        # others that a full disk may take back; and the sources that have such.
        self._passed: deque[tuple[int, int]] = deque()
        self._passing = passing
        self._is_alone = True

    @property
    def consumer_name(self) -> str:
        """See `Follower`."""
        stream, account = self.stream, self.stream.account
        domain = account.server.domain
        return source_consumer(stream.name, account.name, domain, self.source, self._is_alone)

    def configured(self, source: StreamSource, is_alone: bool) -> None:
        """Its configuration, which may say differently what it said before; and whether its stream
        has no other source of the same origin, which the name of its consumer depends on."""
        self.source, self._is_alone = source, is_alone
        reading, origin = self._reading, self.origin
        if reading is not None and origin is not None and reading.name != self.consumer_name:
            self._open_reading(origin, reading)

    @property
    def place(self) -> Place:
        """How far it has come."""
        return self.stream.store.places.known.get(self.key, Place(0))

    def begin(self, origin: Origin) -> None:
        """After the last message taken over, unless the origin was deleted and made again."""
        self._identity = identity(origin.created)
        place = self.place
        if not place.seq:
            self.next_seq = self._start(origin)
        elif place.identity in (b"", self._identity) or continues(known_of(origin), place.seq):
            # An origin that has lost its end has other messages there now.
            self.next_seq = min(place.seq, origin.store.last_seq) + 1
        else:
            self._warn_of_another()
            self.next_seq = self._start(origin, renewed=True)

    def _warn_of_another(self) -> None:
        self.stream.log.warn(
            f"JetStream source stream '{self.source.name}' for {self.stream.label} "
            "was recreated, resetting source state"
        )

    def begin_distant(self) -> None:
        """After the last message taken over, unless the origin is known to be another one."""
        place = self.place
        if place.seq and (not self._identity or place.identity in (b"", self._identity)):
            self.next_seq = place.seq + 1
        else:
            self.next_seq = self._start(None, renewed=place.seq > 0)

    def identity_wanted(self) -> bytes | None:
        """See `distant.Copier`."""
        return self._identity or (self.place.identity if self.place.seq else b"")

    def is_other(self, identity: bytes) -> bool:
        """See `distant.Copier`."""
        return self.identity_wanted() not in (b"", identity)

    def begin_other(self, identity: bytes, known: Known | None) -> bool:
        """See `distant.Copier`."""
        self._identity, place = identity, self.place
        if known is not None and continues(known, place.seq):
            self.stream.apply(Follow(self.key, place.seq, identity))
        else:
            self._warn_of_another()
        self.begin_distant()
        return True

    def met(self, identity: bytes) -> None:
        """See `distant.Copier`."""
        super().met(identity)
        self._identity = identity

    def _start(self, origin: Origin | None, renewed: bool = False) -> int:
        """The first sequence to copy when nothing is known of earlier copies, as in the real
        server: a stream that had messages once may have had copies among them, and these are
        not older than the origin's."""
        source, store = self.source, self.stream.store
        since_ns = min(store.last_ts, now_ns())  # the clock may have been ahead
        if source.opt_start_seq:
            return source.opt_start_seq
        if source.opt_start_time:
            older = parse_time_ns(source.opt_start_time) < since_ns
            time = format_time_ns(since_ns) if older else source.opt_start_time
            return self.begin_since(origin, time)
        if store.first_seq > 1 and since_ns and not renewed:
            return self.begin_since(origin, format_time_ns(since_ns))
        return 1

    def keep(self, message: Message | Arrived) -> None:
        """As a message of the stream, with a header that says where it is from."""
        block = message.headers or b""
        if block:
            block = header_blocks.remove_prefix(block, *NOT_COPIED)
            block = header_blocks.remove(block, names.STREAM_SOURCE)
        value = header_value(self.name, message.seq, message.subject, self._identity)
        block = header_blocks.add(block, names.STREAM_SOURCE, value)
        if not self.stream.take_sourced(self.subject(message), block, message.payload):
            self.stream.apply(Follow(self.key, message.seq, self._identity))
            self._pass_over(message.seq)

    def _pass_over(self, seq: int) -> None:
        while self._passed and self._passed[0][0] <= self.stream.durable_seq:
            self._passed.popleft()
        self._passed.append((self.stream.store.last_seq, seq))
        self._passing.add(self.key)

    def go_back(self, last_seq: int) -> bool:
        """Messages of its stream above `last_seq` were taken back: goes back to before the first
        that it has left out as a duplicate of one of these. Whether there were such."""
        first = 0
        while self._passed and self._passed[-1][0] > last_seq:
            _, first = self._passed.pop()
        if not self._passed:
            self._passing.discard(self.key)
        if not 0 < first <= self.place.seq:
            return False
        self.stream.apply(Follow(self.key, first - 1, self._identity))
        return True

    def info(self) -> Work[SourceInfo]:
        """With the last sequence taken over."""
        made = yield from super().info()
        made.seq = self.place.seq
        return made
