"""Reading an origin that keeps its messages until its consumers have them.

A mirror or source then is one of these consumers (`consumer.readers`): of its own making, or the
one that its configuration names. What it has taken goes from the origin when the copy is durable.

A copy is never made twice, whatever the consumer says: the follower knows its place, and the
consumer follows it. What the consumer does not know to be copied, because it was saved before or
made anew, is caught up with: taken and acknowledged without a copy.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Final, Protocol

from pynats_server.jetstream.config.model import StreamSource
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.store import CorruptRecord, Message
from pynats_server.jetstream.stream.copying.asking import consumer_config
from pynats_server.jetstream.stream.copying.distant import Distant
from pynats_server.jetstream.stream.copying.names import short_hash
from pynats_server.jetstream.stream.copying.wanted import Wanted
from pynats_server.jetstream.stream.host import Origin, Reader, StreamHost
from pynats_server.work import Work

STEP: Final = 32
"""Messages that are acknowledged, and so removed, in one step, about 0.2 ms."""
AGAIN_S: Final = 1.0  # until a consumer that was refused, or has ended, is asked for again
FINISH_S: Final = 5.0  # that a source which is gone waits for the disk


def is_needed(origin: Origin, source: StreamSource) -> bool:
    """Whether the origin has to know what was taken."""
    return origin.config.retention != "limits" or source.consumer is not None


class Copier(Protocol):
    """Who reads."""

    next_seq: int
    error: ApiError | None
    wanted: Wanted

    @property
    def since(self) -> str:
        """The time at which it begins; empty when it is at a sequence."""
        ...

    def wake(self) -> None: ...


class Reading:
    """Of one follower, through a consumer of this name. It may be `instead` of one under another
    name, which then ends; and it begins `after` others of the stream have finished: one of them
    may have the consumer of its name."""

    def __init__(
        self,
        stream: StreamHost,
        origin: Origin,
        source: StreamSource,
        is_mirror: bool,
        name: str,
        copier: Copier,
        instead: Reading | None = None,
        after: Iterable[Reading | Distant] = (),
    ) -> None:
        self.name = name
        self._stream = stream
        self._origin = origin
        self._source = source
        self._is_mirror = is_mirror
        self._copier = copier
        self.reader: Reader | None = None
        self._is_level = False  # the consumer has taken all that was copied
        # (last sequence of the stream, sequence of the origin) of copies that may not be durable.
        self._unsaved: deque[tuple[int, int]] = deque(instead._unsaved if instead else ())
        self._instead = instead
        self._opening: asyncio.Task[None] | None = None
        self._again: asyncio.TimerHandle | None = None
        self._after = [each for each in after if isinstance(each, Reading) and not each.is_over]
        self._news = asyncio.Event()  # for `finish`
        self._over = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether it reads no more."""
        return self._over.is_set()

    # -- life -------------------------------------------------------------------------------

    def open(self) -> None:
        """Asks for the consumer."""
        self._again = None
        if not self.is_over and self._opening is None:
            self._opening = self._stream.account.server.spawn(self._open())

    async def _open(self) -> None:
        try:
            for other in self._after:
                await other._over.wait()
            self._after.clear()
            async with self._stream.account.changing:
                if not self.is_over:
                    await self._take()
        except ApiError as error:
            if not self.is_over:
                self._copier.error = error
                self._ask_again()
        finally:
            self._opening = None

    async def _take(self) -> None:
        readers, named = self._origin.readers, self._source.consumer
        if named is None:
            reader = await readers.make(self._config(), self)
        else:
            code = 10214 if self._is_mirror else 10217
            reader = readers.borrow(named.name, named.deliver_subject, code, self)
        if self.is_over:
            reader.give_back()
            return
        self.reader = reader
        self._is_level = False
        copier = self._copier
        copier.error = None
        if named is not None:
            copier.wanted.restrict(reader.filters)
            copier.next_seq = max(copier.next_seq, reader.floor + 1)
        self._unsaved.clear()
        if copier.next_seq > 1:
            self._unsaved.append((self._stream.store.last_seq, copier.next_seq - 1))
        self._stream.watch(copier.wake)
        copier.wake()
        if self._instead is not None:
            await self._end_other()

    async def _end_other(self) -> None:
        other, self._instead = self._instead, None
        if other is None:
            return
        other.stop()
        try:
            await other.forget()
        except ApiError as error:
            self._stream.log.warn(
                f"JetStream {self._stream.label} leaves consumer '{other.name}' at "
                f"'{self._source.name}': {error}"
            )

    def _ask_again(self) -> None:
        if self._again is None:
            self._again = asyncio.get_running_loop().call_later(AGAIN_S, self.open)

    def stop(self) -> None:
        """Reads no more. The consumer stays, and so does what it has not acknowledged."""
        self._over.set()
        self._news.set()
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._instead is not None:
            self._instead.stop()
        self._stream.unwatch(self._copier.wake)
        if self.reader is not None:
            reader, self.reader = self.reader, None
            reader.give_back()

    async def finish(self) -> None:
        """Waits until what was copied is durable, acknowledges it, and stops. What takes the disk
        longer than `FINISH_S` stays with the origin, and so does what it cannot keep."""
        self._stream.watch(self._news.set)
        try:
            async with asyncio.timeout(FINISH_S):
                while self._waits_for_the_disk():
                    self._news.clear()
                    await self._stream.account.sliced(self.settling())
                    if self._waits_for_the_disk():
                        await self._news.wait()
        except TimeoutError:
            self._stream.log.warn(
                f"JetStream {self._stream.label} leaves what it copied at '{self._source.name}': "
                f"it is not durable after {FINISH_S:.0f} s"
            )
        finally:
            self._stream.unwatch(self._news.set)
            self.stop()

    def _waits_for_the_disk(self) -> bool:
        if self.is_over or self.reader is None or self._stream.store.failed is not None:
            return False
        return bool(self._unsaved)

    def abandon(self) -> None:
        """While it finishes: copies have been taken back, so nothing more is acknowledged."""
        self._unsaved.clear()
        self._news.set()

    async def forget(self) -> None:
        """Ends the consumer, after `stop`, if it is of its own making. The caller holds the
        account's `changing`."""
        if self._source.consumer is None:
            config = self._config()
            await self._origin.readers.remove(config)
        await self._end_other()

    def ended(self) -> None:
        """See `Borrower`."""
        self.reader = None
        self._news.set()
        self._stream.unwatch(self._copier.wake)
        self._ask_again()

    def moved(self) -> None:
        """See `Borrower`."""
        self._is_level = False
        self._copier.wake()

    # -- the consumer -----------------------------------------------------------------------

    def _config(self) -> ConsumerConfig:
        letter = "M" if self._is_mirror else "S"
        mark = short_hash(f"{self.name} {self._stream.created}").decode()
        start = self._unsaved[0][1] if self._unsaved else self._copier.next_seq
        since = "" if self._unsaved else self._copier.since
        deliver = f"$JS.{letter}.{mark}"
        return consumer_config(
            self._stream, self._source, self._is_mirror, self.name, deliver, start, since
        )

    # -- what was taken ---------------------------------------------------------------------

    def catching_up(self) -> Work[bool]:
        """Has the consumer take what was copied already. Whether it is where the follower is."""
        count = 0
        while not self._is_level:
            yield from self.settling()
            reader, last = self.reader, self._copier.next_seq - 1
            if reader is None or reader.is_full:
                return False
            if reader.position > last:
                self._is_level = True
                break
            position = reader.position
            try:
                found = yield from self._copier.wanted.find(self._origin.store, position)
            except CorruptRecord:
                return True  # the follower meets it, too, or has passed it
            if reader is not self.reader or position != reader.position:
                continue
            if found is None or found.seq > last:
                self._is_level = True
                break
            self.took(found)
            count += 1
            if count % STEP == 0:
                yield
        return True

    def took(self, message: Message) -> None:
        """A message has been copied."""
        if self.reader is None:
            return
        self.reader.took(message.seq, bytes(message.subject))
        last = self._stream.store.last_seq
        if self._unsaved and self._unsaved[-1][0] == last:
            self._unsaved.pop()
        self._unsaved.append((last, message.seq))

    def undone(self, next_seq: int) -> None:
        """Copies have been taken back, and come again from there."""
        while self._unsaved and self._unsaved[-1][1] >= next_seq:
            self._unsaved.pop()

    def going_on(self) -> Work[bool]:
        """Settles what there is to settle. Whether the next message may be copied."""
        yield from self.settling()
        return (yield from self.catching_up()) and not self.is_full

    @property
    def is_full(self) -> bool:
        """Whether it has to wait until more copies are durable."""
        return self.reader is None or self.reader.is_full

    @property
    def has_settled(self) -> bool:
        """Whether all that is durable is acknowledged."""
        return not self._unsaved or self._unsaved[0][0] > self._stream.durable_seq

    def settling(self) -> Work[None]:
        """Acknowledges what has become durable."""
        while (reader := self.reader) is not None and (seq := self._saved(STEP)):
            reader.acknowledge_to(seq)
            yield

    def _saved(self, most: int) -> int:
        """The last of `most` copies that are durable, which are forgotten; 0 = there are none."""
        seq, durable = 0, self._stream.durable_seq
        for _ in range(most):
            if not self._unsaved or self._unsaved[0][0] > durable:
                break
            seq = self._unsaved.popleft()[1]
        return seq
