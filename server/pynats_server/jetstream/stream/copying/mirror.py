"""Mirrors: streams that are copies of another one, with its sequences and times."""

from __future__ import annotations

from typing import Final

from pynats_server.core.protocol import headers as header_blocks
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.store import Message
from pynats_server.jetstream.store.format.sources_db import Place
from pynats_server.jetstream.stream.copying.answers import Arrived, Known
from pynats_server.jetstream.stream.copying.follower import (
    NOT_COPIED,
    Follower,
    continues,
    known_of,
)
from pynats_server.jetstream.stream.copying.names import identity, mirror_consumer, name_of
from pynats_server.jetstream.stream.host import Origin
from pynats_server.jetstream.stream.operations import Append, Follow

ANEW: Final = "the origin was made anew and has other messages than this mirror"


class Mirror(Follower):
    """The follower of a mirror: keeps messages with their sequences and times."""

    is_mirror = True

    @property
    def key(self) -> bytes:
        """By which its place is known."""
        return name_of(self.source).whole

    @property
    def consumer_name(self) -> str:
        """See `Follower`."""
        account = self.stream.account
        return mirror_consumer(self.stream.name, account.name, account.server.domain)

    def begin(self, origin: Origin) -> None:
        """After the last message that the mirror has, unless the origin has others under these
        sequences because it was deleted and made again."""
        last, places = self.stream.store.last_seq, self.stream.store.places
        mine = identity(origin.created)
        known = places.known.get(self.key, Place(0)).identity
        anew = known not in (b"", mine) and not continues(known_of(origin), last)
        self.is_apart = anew and origin.store.first_seq <= last
        if self.is_apart:
            self.error = api_error(10029, err=ANEW)
            return
        if last > origin.store.last_seq:
            self.error = api_error(
                10029, err="the origin is behind this mirror: it has been made anew"
            )
        self.stream.apply(Follow(self.key, last, mine))
        self.next_seq = last + 1 if last else self._start(origin)

    def begin_distant(self) -> None:
        """After the last message that the mirror has."""
        last = self.stream.store.last_seq
        self.next_seq = last + 1 if last else self._start(None)

    def identity_wanted(self) -> bytes | None:
        """See `distant.Copier`."""
        return None

    def is_other(self, identity: bytes) -> bool:
        """See `distant.Copier`."""
        known = self.stream.store.places.known.get(self.key, Place(0)).identity
        return known not in (b"", identity)

    def begin_other(self, identity: bytes, known: Known | None) -> bool:
        """See `distant.Copier`."""
        last = self.stream.store.last_seq
        if known is not None and (known.first_seq > last or continues(known, last)):
            return True
        self.is_apart = True
        self.error = api_error(10029, err=ANEW)
        return False

    def met(self, identity: bytes) -> None:
        """See `distant.Copier`."""
        super().met(identity)
        if identity:
            self.stream.apply(Follow(self.key, self.stream.store.last_seq, identity))

    def _start(self, origin: Origin | None) -> int:
        """The first sequence to copy, by the configuration."""
        if self.source.opt_start_time:
            return self.begin_since(origin, self.source.opt_start_time)
        return max(self.source.opt_start_seq, 1)

    def keep(self, message: Message | Arrived) -> None:
        """With the sequence and time of the original."""
        block = message.headers or b""
        if block:
            block = header_blocks.remove_prefix(block, *NOT_COPIED)
        copy = Append(self.subject(message), block, message.payload, message.ts)
        self.stream.take_copy(message.seq, copy)
