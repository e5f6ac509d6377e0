"""What a published message has to pass before it is kept, in the real server's order
(server-inventory 6.5), for streams and headers that the compiled ingest leaves to Python.

`check` decides and changes nothing; `keep` carries the decision out. What both paths check is in
`Admission`; here are subject transforms, counters, schedules and republishing.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.publish import counters
from pynats_server.jetstream.publish import headers as header_blocks
from pynats_server.jetstream.publish.ingest import store_error
from pynats_server.jetstream.publish.message_ttl import parse_ttl
from pynats_server.jetstream.store import StoreError
from pynats_server.jetstream.stream import schedules as scheduling
from pynats_server.jetstream.stream.operations import Append, AppendBatch, Rollup, Skip
from pynats_server.jetstream.stream.republish import Republisher, RepublishQueue
from pynats_server.jetstream.times import SECOND
from pynats_server.subjects.transform import SubjectTransform, TransformError

if TYPE_CHECKING:
    from pynats_server.jetstream.stream.stream import Stream

ROLLUP: Final = b"Nats-Rollup"
TTL: Final = b"Nats-TTL"
STREAM_SOURCE: Final = b"Nats-Stream-Source"
REQUEST_INFO: Final = b"Nats-Request-Info"
VERSION: Final = b"NATS/1.0"
EMPTY_BLOCK_SIZE: Final = len(b"NATS/1.0\r\n\r\n")
FORGET_MIN_S: Final = 0.05

_UNFIT_FOR_COUNTERS = frozenset(
    (
        ROLLUP,
        b"Nats-Expected-Stream",
        b"Nats-Expected-Last-Msg-Id",
        b"Nats-Expected-Last-Subject-Sequence-Subject",
        b"Nats-Expected-Last-Sequence",
        b"Nats-Expected-Last-Subject-Sequence",
    )
)


def without_status(block: bytes) -> bytes:
    """A published header block without what follows `NATS/1.0`; empty when nothing is left."""
    end = block.find(b"\r")
    if end <= len(VERSION) or not block.startswith(VERSION):
        return block
    block = VERSION + block[end:]
    return b"" if len(block) == EMPTY_BLOCK_SIZE else block


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message for the stream. What a source or the stream itself brings is `sourced`: it has
    passed the checks that are for clients elsewhere."""

    subject: bytes
    headers: bytes
    payload: bytes
    sourced: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with a message that has passed."""

    operation: Append | Skip
    total: Decimal | None = None  # of a counter


class Duplicate(Exception):
    """The message is there already, as `seq`."""

    def __init__(self, seq: int) -> None:
        super().__init__(seq)
        self.seq = seq


class Publishing:
    """The checks of one stream, and what they remember."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.schedules = scheduling.Schedules(stream)
        self._transform: SubjectTransform | None = None
        self.republished = RepublishQueue(stream)
        self._republisher: Republisher | None = None
        self._forgetting: asyncio.TimerHandle | None = None
        self._follow_config()

    def recover(self) -> None:
        """Builds what the checks remember from the stored messages."""
        self.stream.ingest.admission.recover(time.time_ns())
        self.schedules.recover()
        self._arm_forgetting()

    def configured(self) -> None:
        """Follows a changed configuration."""
        self._follow_config()
        self.schedules.recover()
        self._arm_forgetting()

    def _follow_config(self) -> None:
        transform, republish = self.stream.config.subject_transform, self.stream.config.republish
        self._transform = None
        if transform is not None:
            self._transform = SubjectTransform.compile(transform.src, transform.dest)
        self._republisher = None
        if republish is not None:
            try:
                self._republisher = Republisher(self.stream.name, republish)
            except TransformError as error:
                stream = self.stream
                stream.log.warn(
                    f"JetStream stream '{stream.account.name} > {stream.name}' republishes "
                    f"nothing from {republish.src!r} to {republish.dest!r}: {error}"
                )

    def stop(self) -> None:
        """Stops timers."""
        self.schedules.stop()
        if self._forgetting is not None:
            self._forgetting.cancel()
            self._forgetting = None

    def end_turn(self) -> None:
        """At the end of a turn that brought messages."""
        if self._forgetting is None:
            self._arm_forgetting()

    # -- messages ---------------------------------------------------------------------------

    def accept(self, subject: bytes, reply: bytes, headers: bytes, payload: bytes) -> None:
        """Checks and keeps a message; the publisher hears of either."""
        ingest = self.stream.ingest
        if ingest.is_busy or self.republished.is_full:
            ingest.refuse_busy(reply)
            return
        try:
            plan = self.check(Incoming(self.mapped(subject), headers, payload))
            seq = self.keep(plan)
        except Duplicate as duplicate:
            ingest.stored(duplicate.seq, reply, ingest.ack(duplicate.seq, b',"duplicate": true'))
        except ApiError as error:
            if reply:
                ingest.answer(reply, ingest.refusal(error))
        except StoreError as error:
            if reply:
                ingest.answer(reply, ingest.refusal(store_error(error)))
        else:
            body = None
            if plan.total is not None:
                total = counters.show_total(plan.total).encode()
                body = ingest.ack(seq, b',"val":"%b"' % total)
            ingest.stored(seq, reply, body, len(headers) + len(payload))

    def take_sourced(self, subject: bytes, headers: bytes, payload: bytes) -> None:
        """Keeps a message that a source has brought. Raises ApiError or StoreError."""
        self._take(Incoming(self.mapped(subject), headers, payload, sourced=True))

    def take_own(self, subject: bytes, headers: bytes, payload: bytes) -> None:
        """Keeps a message that the stream writes itself: of a schedule, or a marker. Raises
        ApiError or StoreError."""
        self._take(Incoming(subject, headers, payload, sourced=True))

    def _take(self, message: Incoming) -> None:
        try:
            seq = self.keep(self.check(message))
        except Duplicate:
            return
        self.stream.ingest.stored(seq, b"")

    def mapped(self, subject: bytes) -> bytes:
        """The subject under which a message is kept."""
        made = self._transform.apply(subject) if self._transform is not None else None
        return subject if made is None else made

    def wanted(self, subject: bytes) -> bool:
        """Whether anybody will ever read a message of that subject: an interest stream without a
        consumer for it drops it."""
        return self.stream.config.retention != "interest"

    # -- checks -----------------------------------------------------------------------------

    def check(self, message: Incoming) -> Plan:
        """Runs every check on a message, its subject already mapped. Changes nothing. Raises
        ApiError, Duplicate."""
        stream, admission = self.stream, self.stream.ingest.admission
        subject, payload = message.subject, message.payload
        if stream.config.sealed:
            raise api_error(10109)
        headers = message.headers
        admission.check_size(headers, payload)
        increment = total = None
        rollup: Rollup = ""
        ts, ttl, ttl_error = stream.now(), 0, None
        if headers:
            headers = header_blocks.remove(headers, REQUEST_INFO)
            increment = self.increment(message, headers)
            try:
                ttl = parse_ttl(header_blocks.get(headers, TTL) or b"")
            except ValueError:
                ttl_error = api_error(10165)
            if not message.sourced:
                admission.check_expected(subject, headers, ttl)
                headers = scheduling.check_schedule(stream, subject, headers)
                if header_blocks.get(headers, STREAM_SOURCE):
                    raise api_error(10227)
            original = admission.check_identity(headers, ts, message.sourced)
            if original:
                raise Duplicate(original)
            rollup = self._rollup(headers)
        if stream.config.allow_msg_counter:
            if increment is None:
                raise api_error(10169)
            message = Incoming(subject, headers, payload, message.sourced)
            total, headers, payload = self._count(message, increment)
            admission.check_size(headers, payload)
        size = len(headers) + len(payload)
        ends = scheduling.ended_schedule(headers) if self.may_roll_up else b""
        if not self.wanted(subject):
            return Plan(Skip(subject, headers, ts, rollup, ends))
        if ttl_error is not None:
            raise ttl_error
        if 0 < ttl < admission.ttl_min:
            headers = header_blocks.remove(headers, TTL)
            headers = header_blocks.add(headers, TTL, b"%d" % admission.ttl_min)
            size = len(headers) + len(payload)
        has_rollup = bool(header_blocks.get(headers, ROLLUP))
        admission.check_limits(subject, len(headers), size, has_rollup)
        return Plan(Append(subject, headers, payload, ts, rollup, ends), total)

    @property
    def may_roll_up(self) -> bool:
        """Whether messages may replace older ones."""
        return self.stream.config.allow_rollup_hdrs and not self.stream.config.deny_purge

    def _rollup(self, headers: bytes) -> Rollup:
        value = (header_blocks.get(headers, ROLLUP) or b"").lower()
        if not self.may_roll_up:
            return ""
        if value == b"sub":
            return "sub"
        return "all" if value == b"all" else ""

    def increment(self, message: Incoming, headers: bytes) -> Decimal | None:
        """What the message adds to a counter; None when it does not say. Raises ApiError."""
        text = header_blocks.get(headers, counters.INCREMENT_HEADER)
        if not text:
            return None
        increment = counters.parse_increment(text)
        if message.sourced:
            return increment
        if not self.stream.config.allow_msg_counter:
            raise api_error(10168)
        if message.payload:
            raise api_error(10170)
        if any(header_blocks.get_all(headers, _UNFIT_FOR_COUNTERS).values()):
            raise api_error(10171)
        return increment

    def _count(self, message: Incoming, increment: Decimal) -> tuple[Decimal, bytes, bytes]:
        """The new total of a counter, and the header block and body to store."""
        total, sources = counters.ZERO, counters.Sources()
        last = self.stream.store.load_last(message.subject)
        if last is not None:
            total = counters.read_total(last.payload)
            sources = counters.read_sources(
                header_blocks.get(last.headers or b"", counters.SOURCES_HEADER)
            )
        headers = message.headers
        origin = header_blocks.get(headers, STREAM_SOURCE)
        if origin:
            words = origin.decode(errors="replace").split(" ")
            subject = words[4] if len(words) > 4 else message.subject.decode(errors="replace")
            combined = counters.combine(
                total, sources, words[0], subject, counters.read_total(message.payload)
            )
            total, sources = combined.total, combined.sources
            headers = header_blocks.set(
                headers,
                counters.INCREMENT_HEADER,
                counters.show_total(combined.increment).encode(),
            )
        else:
            total = counters.add(total, increment)
        if sources:
            headers = header_blocks.set(
                headers, counters.SOURCES_HEADER, counters.write_sources(sources)
            )
        return total, headers, counters.write_total(total)

    # -- keeping ----------------------------------------------------------------------------

    def keep(self, plan: Plan) -> int:
        """Carries a plan out and returns the sequence. Raises StoreError; nothing is kept then."""
        stream, operation = self.stream, plan.operation
        if isinstance(operation, Skip):
            return stream.apply(operation)
        target, last_seq = None, 0
        if self._republisher is not None:
            target = self._republisher.subject(operation.subject)
            if target is not None:
                _, _, last_seq = stream.store.subject_state(operation.subject)
        seq = stream.apply(operation)
        if stream.config.allow_msg_schedules:
            self.schedules.stored(operation.subject, operation.headers, seq, operation.ts)
        if self._republisher is not None and target is not None:
            message = operation.subject, operation.headers, operation.payload
            self.republished.add(
                self._republisher.describe(target, seq, operation.ts, last_seq, message)
            )
        return seq

    def keep_batch(self, operation: AppendBatch) -> int:
        """Keeps all messages of a batch or none; returns the last sequence. Raises StoreError."""
        stream, republisher = self.stream, self._republisher
        scheduled = stream.config.allow_msg_schedules
        if republisher is None and not scheduled:
            return stream.apply(operation)
        before: dict[bytes, int] = {}
        for subject in operation.messages.subjects():
            _, _, before[subject] = stream.store.subject_state(subject)
        last = stream.apply(operation)
        first = last - operation.messages.count + 1
        for seq, (subject, headers, payload, skipped) in enumerate(operation.messages, first):
            if skipped:
                continue
            if scheduled:
                self.schedules.stored(subject, headers, seq, operation.ts)
            target = republisher.subject(subject) if republisher is not None else None
            if republisher is not None and target is not None:
                message = subject, headers, payload
                self.republished.add(
                    republisher.describe(target, seq, operation.ts, before[subject], message)
                )
            before[subject] = seq
        return last

    # -- the duplicate window ---------------------------------------------------------------

    def _arm_forgetting(self) -> None:
        """Ids of messages are forgotten as others come; this is for streams that fall silent."""
        due = self.stream.ingest.admission.ids.forget(self.stream.now())
        if due:
            wait = max((due - time.time_ns()) / SECOND, FORGET_MIN_S)
            self._forgetting = asyncio.get_running_loop().call_later(wait, self._forget)

    def _forget(self) -> None:
        self._forgetting = None
        self._arm_forgetting()
