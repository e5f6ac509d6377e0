"""What a published message has to pass before it is kept, in the real server's order
(`processJetStreamMsg` in nats-server's server/stream.go), for streams and headers that the compiled
ingest leaves to Python.

`check` decides and changes nothing; `keep` carries the decision out as an operation. The rules of
the compiled path are asked of `Admission`; here are subject transforms, counters, schedules and
republishing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final, Literal

from pynats_common.go.durations import SECOND_NS
from pynats_common.go.text import text_of

from pynats_server.core.protocol import headers as header_blocks
from pynats_server.jetstream.clock import now_ns
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.publish import counters
from pynats_server.jetstream.publish import header_names as names
from pynats_server.jetstream.publish.ingest import store_error
from pynats_server.jetstream.publish.message_ttl import at_least, read_ttl
from pynats_server.jetstream.store import StoreError
from pynats_server.jetstream.stream.host import StreamHost
from pynats_server.jetstream.stream.operations import Append, AppendBatch, Leap, Rollup, Skip
from pynats_server.jetstream.stream.republish import Republishing
from pynats_server.jetstream.stream.timed import schedules as scheduling
from pynats_server.subjects.transform import SubjectTransform

VERSION: Final = b"NATS/1.0"
EMPTY_BLOCK_SIZE: Final = len(b"NATS/1.0\r\n\r\n")
FORGET_MIN_S: Final = 0.05

_UNFIT_FOR_COUNTERS = frozenset(
    (
        names.ROLLUP,
        names.EXPECTED_STREAM,
        names.EXPECTED_MSG_ID,
        names.EXPECTED_SUBJECT,
        names.EXPECTED_SEQUENCE,
        names.EXPECTED_SUBJECT_SEQUENCE,
    )
)


def without_status(block: bytes) -> bytes:
    """A published header block without what follows `NATS/1.0`; empty when nothing is left."""
    end = block.find(b"\r")
    if end <= len(VERSION) or not block.startswith(VERSION):
        return block
    block = VERSION + block[end:]
    return b"" if len(block) == EMPTY_BLOCK_SIZE else block


def check_open(stream: StreamHost) -> None:
    """Raises ApiError 10109 or 10077 if the stream takes no messages at all."""
    if stream.config.sealed:
        raise api_error(10109)


def check_not_sourced(headers: bytes) -> None:
    """Only sources may say where a message is from. Raises ApiError 10227."""
    if header_blocks.get(headers, names.STREAM_SOURCE):
        raise api_error(10227)


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


# What became of a message; "open": it waits for the rest of a batch, or was none to keep.
Verdict = ApiError | Duplicate | Literal["kept", "open"]
LATE: Final = frozenset((10165, 10077, 10002, 10023, 10047))
"""Refusals that come after everything that a message's headers ask for: what is only traced gets
none of them, as in the real server."""


class Publishing:
    """The checks of one stream, and what they remember."""

    def __init__(self, stream: StreamHost, republishing: Republishing) -> None:
        self.stream = stream
        self._republishing = republishing
        self._admission = stream.ingest.admission
        self._transform: SubjectTransform | None = None
        self._forgetting: asyncio.TimerHandle | None = None
        self._follow_config()

    def recover(self) -> None:
        """Restores what the checks remember, from the stored messages."""
        self._admission.recover(now_ns())
        self._arm_forgetting()

    def configured(self) -> None:
        """Follows a changed configuration."""
        self._follow_config()
        self._arm_forgetting()

    def _follow_config(self) -> None:
        transform = self.stream.config.subject_transform
        self._transform = None
        if transform is not None:
            self._transform = SubjectTransform.compile(transform.src, transform.dest)

    def stop(self) -> None:
        """Stops the timer."""
        if self._forgetting is not None:
            self._forgetting.cancel()
            self._forgetting = None

    def end_turn(self) -> None:
        """Called at the end of a turn that brought messages."""
        if self._forgetting is None:
            self._arm_forgetting()

    # -- messages ---------------------------------------------------------------------------

    def accept(
        self, subject: bytes, reply: bytes, headers: bytes, payload: bytes, only: bool = False
    ) -> Verdict:
        """Checks and keeps a message, and answers the publisher. `only`: keeps it not."""
        ingest = self.stream.ingest
        if ingest.is_busy or self._is_full:
            ingest.refuse_busy(reply)
            return api_error(10167)
        try:
            plan = self.check(Incoming(self.mapped(subject), headers, payload))
            if only:
                return "kept"
            seq = self.keep(plan)
        except Duplicate as duplicate:
            ingest.stored(duplicate.seq, reply, ingest.ack(duplicate.seq, b',"duplicate": true'))
            return duplicate
        except (ApiError, StoreError) as error:
            refusal = error if isinstance(error, ApiError) else store_error(error)
            if only and refusal.err_code in LATE:
                return "kept"
            if reply:
                ingest.answer(reply, ingest.refusal(refusal))
            return refusal
        body = None
        if plan.total is not None:
            total = counters.show_total(plan.total).encode()
            body = ingest.ack(seq, b',"val":"%b"' % total)
        size = len(headers) + len(payload)
        if not self.stream.when_replaced(seq, partial(ingest.stored, seq, reply, body, size)):
            ingest.stored(seq, reply, body, size)
        return "kept"

    def take_copy(self, seq: int, copy: Append) -> None:
        """Keeps a message of a mirror's origin under the sequence and with the time that it has
        there, by the mirror's own configuration. Raises ApiError or StoreError: then the message
        has to wait, and so have all that follow it."""
        stream, admission = self.stream, self._admission
        self._check_room()
        check_open(stream)
        last = stream.store.last_seq
        if seq <= last:
            raise api_error(10029, err=f"sequence {seq} of the origin is behind the mirror")
        if seq > last + 1:
            stream.apply(Leap(seq - 1, copy.ts))
        subject, headers, payload = self.mapped(copy.subject), copy.headers, copy.payload
        admission.check_size(headers, payload)
        rollup: Rollup = admission.rollup_of(headers) if headers else ""
        operation: Append | Skip = Skip(subject, headers, copy.ts, rollup)
        if self.wanted(subject):
            size = len(headers) + len(payload)
            has_rollup = bool(headers and header_blocks.get(headers, names.ROLLUP))
            admission.check_limits(subject, len(headers), size, has_rollup)
            operation = Append(subject, headers, payload, copy.ts, rollup)
        stream.ingest.stored(self.keep(Plan(operation)), b"")

    def take_sourced(self, subject: bytes, headers: bytes, payload: bytes) -> bool:
        """Keeps a message that a source has brought; False if it was there already. Raises ApiError
        or StoreError."""
        self._check_room()
        return self._take(Incoming(self.mapped(subject), headers, payload, sourced=True))

    def take_own(self, subject: bytes, headers: bytes, payload: bytes) -> None:
        """Keeps a message that the stream writes itself: of a schedule, or a marker. Raises
        ApiError or StoreError."""
        self._take(Incoming(subject, headers, payload, sourced=True))

    def _take(self, message: Incoming) -> bool:
        try:
            seq = self.keep(self.check(message))
        except Duplicate:
            return False
        self.stream.ingest.stored(seq, b"")
        return True

    def _check_room(self) -> None:
        """Copies come faster than they can be dealt with. Raises ApiError 10167."""
        if self._is_full:
            raise api_error(10167)

    @property
    def _is_full(self) -> bool:
        return self._republishing.queue.is_full or self.stream.replaces_much

    def mapped(self, subject: bytes) -> bytes:
        """The subject under which a message is kept."""
        made = self._transform.apply(subject) if self._transform is not None else None
        return subject if made is None else made

    def wanted(self, subject: bytes) -> bool:
        """Whether to keep messages of that subject: an interest stream drops those that no consumer
        wants."""
        stream = self.stream
        return stream.config.retention != "interest" or stream.is_wanted(subject)

    # -- checks -----------------------------------------------------------------------------

    def check(self, message: Incoming) -> Plan:
        """Runs every check on a message, its subject already mapped. Changes nothing. Raises
        ApiError, Duplicate."""
        stream, admission = self.stream, self._admission
        subject, payload = message.subject, message.payload
        check_open(stream)
        headers = message.headers
        admission.check_size(headers, payload)
        increment = total = None
        rollup: Rollup = ""
        ts, ttl_s, ttl_error = stream.now(), 0, None
        if headers:
            headers = header_blocks.remove(headers, names.REQUEST_INFO)
            increment = self.increment(message, headers)
            try:
                ttl_s = read_ttl(headers)
            except ApiError as error:
                ttl_error = error
            if not message.sourced:
                admission.check_expected(subject, headers, ttl_s)
                headers = scheduling.check_schedule(stream, subject, headers)
                check_not_sourced(headers)
            original = admission.check_identity(headers, ts, message.sourced)
            if original:
                raise Duplicate(original)
            rollup = admission.rollup_of(headers)
        if stream.config.allow_msg_counter:
            message = Incoming(subject, headers, payload, message.sourced)
            counter, headers, payload = self.count(message, increment)
            total = counter.total
        size = len(headers) + len(payload)
        ends = scheduling.ended_schedule(headers) if admission.allow_rollup else b""
        if not self.wanted(subject):
            return Plan(Skip(subject, headers, ts, rollup, ends))
        if ttl_error is not None:
            raise ttl_error
        if ttl_s:
            headers = at_least(headers, ttl_s, admission.ttl_min_s)
            size = len(headers) + len(payload)
        has_rollup = bool(header_blocks.get(headers, names.ROLLUP))
        admission.check_limits(subject, len(headers), size, has_rollup)
        return Plan(Append(subject, headers, payload, ts, rollup, ends), total)

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

    def _counter(self, subject: bytes) -> counters.Counter:
        """The counter in the last message of a subject. Raises ApiError 10172."""
        last = self.stream.store.load_last(subject)
        if last is None:
            return counters.Counter(counters.ZERO, {})
        sources = header_blocks.get(last.headers or b"", counters.SOURCES_HEADER)
        return counters.Counter(counters.read_total(last.payload), counters.read_sources(sources))

    def count(
        self, message: Incoming, increment: Decimal | None, before: counters.Counter | None = None
    ) -> tuple[counters.Counter, bytes, bytes]:
        """The counter after a message that follows `before` (None = what is stored), and the
        header block and body to store. Raises ApiError 10169, 10172, 10054, 10097."""
        if increment is None:
            raise api_error(10169)
        if before is None:
            before = self._counter(message.subject)
        headers = message.headers
        origin = header_blocks.get(headers, names.STREAM_SOURCE)
        if origin:
            words = text_of(origin).split(" ")
            subject = words[4] if len(words) > 4 else text_of(message.subject)
            made = counters.combine(
                before.total, before.sources, words[0], subject,
                counters.read_total(message.payload),
            )  # fmt: skip
            after = counters.Counter(made.total, made.sources)
            headers = header_blocks.set(
                headers, counters.INCREMENT_HEADER, counters.show_total(made.increment).encode()
            )
        else:
            after = counters.Counter(counters.add(before.total, increment), before.sources)
        if after.sources:
            headers = header_blocks.set(
                headers, counters.SOURCES_HEADER, counters.write_sources(after.sources)
            )
        payload = counters.write_total(after.total)
        self._admission.check_size(headers, payload)
        return after, headers, payload

    # -- keeping ----------------------------------------------------------------------------

    def keep(self, plan: Plan) -> int:
        """Carries a plan out and returns the sequence. Raises StoreError; nothing is kept then."""
        stream, operation = self.stream, plan.operation
        if isinstance(operation, Skip):
            return stream.apply(operation)
        target, last_seq = self._republishing.target(operation.subject), 0
        if target is not None:
            _, _, last_seq = stream.store.subject_state(operation.subject)
        seq = stream.apply(operation)
        if target is not None:
            message = operation.subject, operation.headers, operation.payload
            self._republishing.stored(target, seq, operation.ts, last_seq, message)
        return seq

    def keep_batch(self, operation: AppendBatch) -> int:
        """Keeps all messages of a batch or none; returns the last sequence. Raises StoreError."""
        stream, republishing = self.stream, self._republishing
        if not republishing.is_on:
            return stream.apply(operation)
        before: dict[bytes, int] = {}
        for subject in operation.messages.subjects():
            _, _, before[subject] = stream.store.subject_state(subject)
        last = stream.apply(operation)
        first = last - operation.messages.count + 1
        for seq, (subject, headers, payload, skipped) in enumerate(operation.messages, first):
            if skipped:
                continue
            target = republishing.target(subject)
            if target is not None:
                message = subject, headers, payload
                republishing.stored(target, seq, operation.ts, before[subject], message)
            before[subject] = seq
        return last

    # -- the duplicate window ---------------------------------------------------------------

    def _arm_forgetting(self) -> None:
        """Message ids are forgotten as new messages come; the timer is for streams without any."""
        now = self.stream.now()
        due_ns = self._admission.ids.forget(now)
        if due_ns:
            wait_s = max((due_ns - now_ns()) / SECOND_NS, FORGET_MIN_S)
            if due_ns <= now:
                wait_s = 0.0  # too many at once: the others' sockets come first
            self._forgetting = asyncio.get_running_loop().call_later(wait_s, self._forget)

    def _forget(self) -> None:
        self._forgetting = None
        self._arm_forgetting()
