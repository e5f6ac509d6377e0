"""Reading an origin in another account or domain, as the real server does: by a push consumer
there, which is asked for through `external.api`, and which delivers behind `external.deliver`.

    <api>.CONSUMER.CREATE.<stream>[.<name>.<filter>]  ->  $JSC.R.<random>
    <api>.CONSUMER.RESET.<stream>.<name>                  the same, of a user's consumer
    <deliver>.M.<random> or <deliver>.S.<random>      <-  messages, heartbeats, flow control

Whatever is amiss (nobody answers, a message is missing, the consumer has gone, a copy was refused)
has the same cure: another consumer, which begins where the follower is. An origin may be anyone's
and anybody may publish to where it delivers: so nothing that comes ends the reading, or is kept
without a bound. An origin that keeps its messages for consumers gives each follower one that lasts
and takes acknowledgements: the answers to its requests of flow control, which then wait until the
copies are durable.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from pynats_server.core.interest.subscription import Subscription
from pynats_server.core.protocol import headers as header_blocks
from pynats_server.jetstream.config.model import StreamSource
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.publish.ingest import store_error
from pynats_server.jetstream.store import StoreError
from pynats_server.jetstream.stream.copying.answers import (
    Arrived,
    Floor,
    Flow,
    Known,
    Made,
    MadeConfig,
    is_flow,
    number_of,
    read_identity,
    read_reply,
)
from pynats_server.jetstream.stream.copying.asking import (
    IDENTITY,
    Requests,
    consumer_config,
    create_subject,
    mark,
)
from pynats_server.jetstream.stream.host import StreamHost

STALLED_S: Final = 5.0  # without a message or a heartbeat; there is one each second
FIRST_PAUSE_S: Final = 0.5  # until the next try; it doubles with each
LAST_PAUSE_S: Final = 8.0
FINISH_S: Final = 5.0  # that a source which is gone waits for its disk
QUEUE_BYTES: Final = 64 << 20
"""That wait to be copied, at most: twice what an origin sends ahead of its flow control."""
OTHER_STREAM: Final = 10225  # the error where the origin has another identity
DONE: Final = b"Nats-Last-Consumer: %d\r\nNats-Last-Stream: %d\r\n"
STATUS: Final = b"NATS/1.0 1"


class Place(NamedTuple):
    """What has been taken of a consumer's messages, and what an origin is told of it."""

    delivery: int
    seq: int


class Copier(Protocol):
    """Who reads."""

    next_seq: int
    error: ApiError | None

    @property
    def since(self) -> str: ...

    @property
    def consumer_name(self) -> str: ...

    def wake(self) -> None: ...

    def heard(self) -> None:
        """The origin is there."""
        ...

    def identity_wanted(self) -> bytes | None:
        """What the origin has to be; None = it is not asked for that."""
        ...

    def is_other(self, identity: bytes) -> bool:
        """Whether the origin is not the one that it has read so far."""
        ...

    def begin_other(self, identity: bytes, known: Known | None) -> bool:
        """Goes on with another origin, of which this is known. False if it does not."""
        ...

    def met(self, identity: bytes) -> None:
        """It reads an origin with this identity now."""
        ...


class Distant:
    """Of one follower."""

    def __init__(
        self,
        stream: StreamHost,
        source: StreamSource,
        is_mirror: bool,
        copier: Copier,
    ) -> None:
        assert source.external is not None
        self._stream = stream
        self._source = source
        self._is_mirror = is_mirror
        self._copier = copier
        self._requests = Requests(stream, source.external.api)
        self._deliver = source.external.deliver or "$JS"
        self._queue: deque[Arrived | Flow] = deque()
        self._queued_bytes = 0
        self._unanswered: Flow | None = None  # the last in the queue
        self._asked_for = ""  # the name of a consumer that the origin was asked for last
        self._consumer = ""  # the name that it has there: perhaps a longer one, once it is told
        self._acknowledges = False  # the origin keeps its messages for it
        self._subscription: Subscription | None = None
        self._arrived = Place(0, 0)  # what has been received
        self._taken = Place(0, 0)  # what has been copied
        self._told = Place(0, 0)  # what the origin knows to be durable
        self._held: tuple[int, Place, bytes] | None = None  # waits until that sequence is durable
        self._asking: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pause_s = FIRST_PAUSE_S
        self._heard_s = 0.0
        self._left = 0
        self._pauses = False  # until it is opened again
        self._finishes = False  # takes no more messages, but tells the origin what it has
        self._told_all = asyncio.Event()
        self.is_over = False

    # -- life -------------------------------------------------------------------------------

    def open(self) -> None:
        """Asks for a consumer that begins where the follower is."""
        self._end_timer()
        self._pauses = False
        if self._asking is None and not (self.is_over or self._finishes):
            self._quit()
            self._asking = self._stream.account.server.spawn(self._open())

    async def _open(self) -> None:
        is_there = False
        try:
            is_there = await self._ask()
        except ApiError as error:
            self._copier.error = error
        except StoreError as error:
            self._copier.error = store_error(error)
        except Exception as error:  # a bug of ours must not end it for good
            self._stream.log.error(f"JetStream {self._stream.label}: {error!r}")
        finally:
            self._asking = None
        if self.is_over:
            return
        if is_there:
            self._heard_s = time.monotonic()
            self._watch()
            self._copier.wake()
        else:
            self._again()

    def _again(self) -> None:
        """Another consumer, after a pause."""
        self._pauses = True
        self._quit()
        self._end_timer()
        if not self.is_over:
            self._timer = asyncio.get_running_loop().call_later(self._pause_s, self.open)
            self._pause_s = min(self._pause_s * 2, LAST_PAUSE_S)

    def _watch(self) -> None:
        """Looks whether the origin still sends something."""
        silent_s = time.monotonic() - self._heard_s
        if silent_s >= STALLED_S:
            self.open()
            return
        left_s = STALLED_S - silent_s
        self._timer = asyncio.get_running_loop().call_later(left_s, self._watch)

    def _end_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _quit(self) -> None:
        """Takes nothing more of the consumer."""
        self._cut()
        self._queue.clear()
        self._queued_bytes = 0
        self._unanswered = None
        self._hold(None)

    def _cut(self) -> None:
        """Nothing more is received. What has been, is still copied; then there is another
        consumer."""
        if self._subscription is not None:
            self._stream.account.account.unsubscribe(self._subscription)
            self._subscription = None

    def stop(self) -> None:
        """Reads no more. The consumer stays."""
        self.is_over = True
        self._told_all.set()
        self._end_timer()
        self._quit()

    def pause(self) -> None:
        """The follower has to wait. It opens again."""
        self._pauses = True
        self._end_timer()
        self._quit()

    def forget(self) -> None:
        """Ends the consumer, after `stop`, if it was of its own making. It may not have been
        answered yet: origins do what they are asked one after the other."""
        if self._consumer and self._source.consumer is None:
            self._requests.tell(f"CONSUMER.DELETE.{self._source.name}.{self._consumer}")
            self._consumer = ""

    async def finish(self) -> None:
        """Ends it when the origin knows what was copied, see `Reading.finish`."""
        self._finishes = True
        flow = self._unanswered
        self._queue.clear()
        self._queued_bytes = 0
        if flow is not None and self._asking is None:
            self._answer(flow.subject)
        if self._acknowledges and self._subscription is not None and self._told != self._taken:
            try:
                async with asyncio.timeout(FINISH_S):
                    await self._told_all.wait()
            except TimeoutError:
                self._stream.log.warn(
                    f"JetStream {self._stream.label} leaves what it copied at "
                    f"'{self._source.name}': it is not acknowledged after {FINISH_S:.0f} s"
                )
        self.stop()
        self.forget()

    def abandon(self) -> None:
        """While it finishes: copies have been taken back, so nothing more is acknowledged."""
        self._taken = self._told
        self._hold(None)
        self._told_all.set()

    # -- the consumer -----------------------------------------------------------------------

    async def _ask(self) -> bool:
        """Whether there is a consumer now. Raises ApiError (there can be none) or StoreError."""
        copier = self._copier
        made, identity = await self._create()
        if made is None or self.is_over:
            return False
        other = _other_stream(made)
        if other:
            known = await self._requests.known(self._source.name)
            if self.is_over or not copier.begin_other(other, known):
                return False
            made, identity = await self._create()
            if made is None or self.is_over:
                return False
        if made.error is not None:
            raise made.error.error()
        if identity and copier.is_other(identity):
            known = await self._requests.known(self._source.name)
            if self.is_over or not copier.begin_other(identity, known):
                return False
        if self._source.consumer is None:
            self._consumer = made.consumer(self._consumer)
        self._acknowledges = made.acknowledges
        if not self._follows(made.ack_floor or Floor()):
            return False
        self._fit(made.config or MadeConfig())
        self._left = made.num_pending
        copier.met(identity)
        return True

    def _fit(self, made: MadeConfig) -> None:
        """Raises ApiError if the consumer that the configuration names cannot be read."""
        named = self._source.consumer
        if named is None:
            return
        if not self._acknowledges:
            raise api_error(10214 if self._is_mirror else 10217)
        if made.deliver_subject != named.deliver_subject:
            reason = f"consumer '{named.name}' does not deliver to '{named.deliver_subject}'"
            raise api_error(10012, err=reason)
        self._copier.next_seq = max(self._copier.next_seq, self._taken.seq + 1)

    def _follows(self, floor: Floor) -> bool:
        """Takes up where the consumer begins. Whether what has come already begins there."""
        begin = Place(floor.consumer_seq, floor.stream_seq) if self._acknowledges else Place(0, 0)
        self._taken = self._told = begin
        if not self._queue:
            self._arrived = begin
            return True
        first = next((each for each in self._queue if isinstance(each, Arrived)), None)
        return first is None or first.delivery == begin.delivery + 1

    async def _create(self) -> tuple[Made | None, bytes]:
        copier, named = self._copier, self._source.consumer
        deliver = f"{self._deliver}.{'M' if self._is_mirror else 'S'}.{mark()}"
        if named is not None:
            deliver = named.deliver_subject
        self._quit()
        self._arrived = self._taken = self._told = Place(0, copier.next_seq - 1)
        self._subscription = self._stream.account.account.subscribe(
            deliver.encode(), self._received, imports=True
        )
        wanted = copier.identity_wanted()
        headers = b"Nats-Required-Api-Level: 4\r\n"
        if wanted is not None:
            headers = b"Nats-Required-Api-Level: 5\r\n%b: %b\r\n" % (IDENTITY, wanted)
        if named is not None:
            reset = f"CONSUMER.RESET.{self._source.name}.{named.name}"
            return await self._requests.request(reset, None, headers, Made)
        config = consumer_config(
            self._stream,
            self._source,
            self._is_mirror,
            copier.consumer_name,
            deliver,
            copier.next_seq,
            copier.since,
        )
        if self._asked_for != config.name:
            self.forget()  # the one before might keep the origin from making this one
        self._asked_for = self._consumer = config.name
        return await self._requests.request(
            create_subject(self._source.name, config),
            {"stream_name": self._source.name, "config": config.as_dict(), "action": ""},
            headers,
            Made,
        )

    # -- what comes ---------------------------------------------------------------------------

    def _received(
        self, _: object, subject: bytes, reply: bytes, headers: bytes, payload: bytes
    ) -> None:
        if self._subscription is None:
            return
        if headers.startswith(STATUS):
            self._told_status(reply, headers)
            return
        numbers = read_reply(reply)
        if numbers is None:
            return  # no consumer sent it
        seq, delivery, ts, left = numbers
        self._hear()
        is_first = self._asking is not None and not self._queue
        if delivery != self._arrived.delivery + 1 and not is_first:
            if delivery > self._arrived.delivery:
                self.open()
            return
        item = Arrived(seq, ts, subject, headers, payload, delivery, left)
        if self._finishes or self._put(item):
            self._arrived = Place(delivery, seq)

    def _put(self, item: Arrived | Flow) -> bool:
        """Whether there is room for it. If not, nothing more is received."""
        if self._queued_bytes + item.size > QUEUE_BYTES:
            self._cut()
            return False
        self._queued_bytes += item.size
        self._queue.append(item)
        self._copier.wake()
        return True

    def _told_status(self, reply: bytes, headers: bytes) -> None:
        self._hear()
        if reply:
            self._asked(reply)
        elif self._asking is None:
            last = number_of(header_blocks.get(headers, b"Nats-Last-Consumer") or b"")
            if last is not None and last > self._arrived.delivery:
                self.open()
                return
            stalled = header_blocks.get(headers, b"Nats-Consumer-Stalled")
            if stalled and (self._held is None or self._held[2] != stalled):
                self._asked(stalled)

    def _asked(self, subject: bytes) -> None:
        """A consumer wants to know what has been taken; or anybody does, whose questions lead
        nowhere else than a consumer's."""
        if not is_flow(subject):
            return
        if self._finishes:
            self._answer(subject)
            return
        if self._queue and self._queue[-1] is self._unanswered:
            self._queued_bytes -= self._queue.pop().size  # the same question
        flow = Flow(subject)
        if self._put(flow):
            self._unanswered = flow

    def _hear(self) -> None:
        self._heard_s = time.monotonic()
        self._pause_s = FIRST_PAUSE_S
        self._copier.heard()

    def next(self) -> Arrived | Flow | None:
        """The next that has come: a message to copy, unless the follower has it already, or a
        question, which is answered. It may have come before the answer that says which stream
        sends it."""
        if self._queue and self._asking is None:
            item = self._queue.popleft()
            self._queued_bytes -= item.size
            if isinstance(item, Flow):
                if item is self._unanswered:
                    self._unanswered = None
                self._answer(item.subject)
            return item
        if self._subscription is None and self._asking is None and not self._pauses:
            self.open()
        return None

    def took(self, item: Arrived) -> None:
        """It has been copied, or had been."""
        self._taken = Place(item.delivery, item.seq)
        self._left = item.left

    @property
    def lag(self) -> int:
        """Messages of the origin that have not been copied."""
        return self._left

    # -- flow control -------------------------------------------------------------------------

    def _answer(self, subject: bytes) -> None:
        """What came before is taken; where the origin will remove it, that must be durable."""
        last = self._stream.store.last_seq
        if self._acknowledges and last > self._stream.durable_seq:
            self._hold((last, self._taken, subject))
        else:
            self._tell(self._taken, subject)

    def _hold(self, what: tuple[int, Place, bytes] | None) -> None:
        if (self._held is None) is not (what is None):
            change: Callable[[Callable[[], None]], None] = (
                self._stream.unwatch if what is None else self._stream.watch
            )
            change(self._more_is_durable)
        self._held = what

    def _more_is_durable(self) -> None:
        held = self._held
        if self._stream.store.failed is not None:
            self.abandon()
        elif held is not None and held[0] <= self._stream.durable_seq:
            self._hold(None)
            self._tell(held[1], held[2])

    def _tell(self, place: Place, subject: bytes) -> None:
        headers = b"NATS/1.0\r\n" + DONE % place + b"\r\n" if place.delivery else b""
        self._told = place
        self._stream.account.publish(subject, b"", b"", headers)
        if self._finishes and place == self._taken:
            self._told_all.set()


def _other_stream(made: Made) -> bytes:
    """Which stream the origin is, where it is not the one that was asked for; else empty."""
    if made.error is None or made.error.err_code != OTHER_STREAM:
        return b""
    return read_identity(made.error.description.rpartition(" ")[2].encode())
