"""Atomic batches: messages that are staged until the last of them commits all, or none.

Every message names its batch in `Nats-Batch-Id` and its place, from 1, in `Nats-Batch-Sequence`;
`Nats-Batch-Commit` on the last says `1` (this message belongs to it) or `eob` (it does not). Those
in the middle are staged by compiled code (`staging.pyx`); first messages, commits and everything
out of the ordinary come here. Rules and errors: ADR-50.

A commit is one operation, and on disk one write of consecutive records. The records themselves say
whether a batch is whole: only its last one has `Nats-Batch-Commit`. A crash in the middle of the
write leaves a prefix, which nobody was told of, and `drop_incomplete_batch` takes it away before
the stream shows anything. That the last message of a stream carries a batch's headers without
being part of an incomplete batch is impossible: messages from elsewhere lose these headers.
"""

from __future__ import annotations

import re
from functools import partial

from pynats_common.go.quoting import quote
from pynats_common.go.text import bytes_of, raw_text, text_of

from pynats_server.core.protocol.headers import get as get_header
from pynats_server.core.protocol.headers import remove as remove_header
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.publish.batch.checks import StagedChecks
from pynats_server.jetstream.publish.batch.limits import ATOMIC_PER_STREAM
from pynats_server.jetstream.publish.batch.open_batches import OpenBatches
from pynats_server.jetstream.publish.batch.staging import Batch, Staging, clock, needs_check
from pynats_server.jetstream.publish.header_names import BATCH_COMMIT, BATCH_ID, BATCH_SEQUENCE
from pynats_server.jetstream.publish.ingest import store_error
from pynats_server.jetstream.publish.slow_path import Duplicate, Publishing, Verdict, check_open
from pynats_server.jetstream.requests.api_level import REQUIRED_LEVEL, level_supported
from pynats_server.jetstream.store import CorruptRecord, Message, Store, StoreError
from pynats_server.jetstream.stream.host import StreamHost
from pynats_server.jetstream.stream.operations import AppendBatch, Truncate

ID_MAX = 64  # bytes
MSGS_MAX = 1000

_UINT64_MAX = 2**64 - 1
_DIGITS = re.compile(rb"[0-9]{1,20}")


class AtomicBatches(OpenBatches[Batch]):
    """The open batches of one stream."""

    def __init__(self, stream: StreamHost, publishing: Publishing) -> None:
        server = stream.account.server
        super().__init__(stream, server.atomic_batches, ATOMIC_PER_STREAM)
        self._publishing = publishing
        options = server.options
        self.staging = Staging(options.limits.batch.max_msgs or MSGS_MAX, options.max_buffered_size)

    def configured(self) -> None:
        """Follows the stream's configuration: without `allow_atomic` open batches end."""
        if self.stream.config.allow_atomic:
            self.stream.ingest.staging = self.staging
        else:
            self.stop()

    def stop(self) -> None:
        """Forgets every open batch."""
        self.stream.ingest.staging = None
        self._close_all()

    def accept(
        self, subject: bytes, reply: bytes, headers: bytes, payload: bytes, only: bool = False
    ) -> Verdict:
        """Takes a message that names a batch, and answers the publisher. `only`: the batch that it
        ends is not kept."""
        ingest = self.stream.ingest
        if ingest.is_busy:
            ingest.refuse_busy(reply)
            return api_error(10167)
        try:
            return self._take(subject, reply, headers, payload, only)
        except Duplicate:
            refusal = api_error(10201)
        except ApiError as error:
            refusal = error
        except StoreError as error:
            refusal = store_error(error)
        if reply:
            ingest.answer(reply, ingest.refusal(refusal))
        return refusal

    def _take(
        self, subject: bytes, reply: bytes, headers: bytes, payload: bytes, only: bool
    ) -> Verdict:
        stream = self.stream
        check_publish(stream, subject, headers, payload)
        if not stream.config.allow_atomic:
            raise api_error(10174)
        name = get_header(headers, BATCH_ID) or b""
        if len(name) > ID_MAX:
            raise api_error(10179)
        sequence = _sequence(headers)
        commit = get_header(headers, BATCH_COMMIT)
        size = sequence - (commit == b"eob")
        batch = self.staging.batches.get(name) or self._open(name, sequence, size)
        if commit not in (None, b"1", b"eob"):
            self._close(batch)
            raise api_error(10200)
        level = get_header(headers, REQUIRED_LEVEL)
        if level:
            if not level_supported(level):
                self._abandon(batch, "unsupported")
                raise api_error(10185)
            headers = remove_header(headers, REQUIRED_LEVEL)
        if sequence != batch.count + 1 or size == 0:
            self._abandon(batch, "incomplete")
            raise api_error(10176)
        if size > self.staging.max_msgs:
            self._abandon(batch, "large")
            raise api_error(10199, size=self.staging.max_msgs)
        if commit is not None:
            self._close(batch)
            if only:
                return "kept"
            if commit == b"eob":
                batch.mark_last(BATCH_COMMIT, b"1")
            else:
                batch.add(subject, headers, payload)
                batch.plain = batch.plain and not needs_check(headers)
            self._commit(batch, reply)
            return "kept"
        if not self.staging.add(batch, subject, headers, payload):
            self._abandon(batch, "large")
            raise api_error(10023)
        batch.touched = clock()
        if reply:
            stream.ingest.say_now(reply, b"")
        return "open"

    # -- life of a batch --------------------------------------------------------------------

    def _open(self, name: bytes, sequence: int, size: int) -> Batch:
        if sequence != 1:
            if not 0 <= size <= self.staging.max_msgs:
                raise api_error(10199, size=self.staging.max_msgs)
            raise api_error(10176)
        if not self._has_room():
            raise api_error(10210)
        batch = self.staging.open(name)
        self._opened()
        return batch

    def _batches(self) -> dict[bytes, Batch]:
        return self.staging.batches

    def _forget(self, batch: Batch) -> None:
        self.staging.close(batch)

    def _expired(self, batch: Batch) -> None:
        self._abandon(batch, "timeout")

    def _abandon(self, batch: Batch, reason: str) -> None:
        self._close(batch)
        self.stream.account.advisories.batch_abandoned(self.stream.name, text_of(batch.id), reason)

    def _commit(self, batch: Batch, reply: bytes) -> None:
        stream = self.stream
        ts = stream.now()
        if batch.plain and needs_no_look(stream):
            operation = AppendBatch(batch, ts, plain=True)
        else:
            operation = StagedChecks(stream, self._publishing).check_all(batch, ts)
        last = self._publishing.keep_batch(operation)
        acknowledge = partial(
            stream.ingest.stored, last, reply, batch_ack(stream, last, batch.id, batch.count)
        )
        if not stream.when_replaced(last, acknowledge):
            acknowledge()


def check_publish(stream: StreamHost, subject: bytes, headers: bytes, payload: bytes) -> None:
    """The checks that come first for every message of a batch. Raises ApiError."""
    check_open(stream)
    admission = stream.ingest.admission
    admission.check_storage(subject, len(headers), len(headers) + len(payload))
    admission.check_size(headers, payload)


def batch_ack(
    stream: StreamHost, seq: int, batch_id: bytes, count: int, duplicate: bool = False
) -> bytes:
    """The PubAck of a committed batch; of a duplicate when its only message is one."""
    name = quote(raw_text(batch_id))
    repeated = ',"duplicate": true' if duplicate else ""
    more = f'{repeated},"batch":{name},"count":{count}'
    return stream.ingest.ack(seq, bytes_of(more))


def _sequence(headers: bytes) -> int:
    text = get_header(headers, BATCH_SEQUENCE) or b""
    if not _DIGITS.fullmatch(text) or int(text) > _UINT64_MAX:
        raise api_error(10175)
    return int(text)


def needs_no_look(stream: StreamHost) -> bool:
    """Whether messages without `Nats-` headers of their own pass every check of this stream."""
    config = stream.config
    limited = max(config.max_msgs, config.max_bytes, config.max_msgs_per_subject) > 0
    return not (
        config.allow_msg_counter
        or config.subject_transform is not None
        or config.retention == "interest"
        or (config.discard == "new" and limited)
    )


# -- recovery -------------------------------------------------------------------------------


def drop_incomplete_batch(stream: StreamHost) -> None:
    """After a crash: removes what a torn write left of a batch at the end of the stream. Nothing
    of it was acknowledged. Raises StoreError."""
    store = stream.store
    first = find_incomplete_batch(store)
    if first is None:
        return
    stream.log.warn(
        f"JetStream {stream.label}: dropped sequences {first}-{store.last_seq} of a batch whose "
        f"commit a crash cut off"
    )
    stream.apply(Truncate(first - 1))


def find_incomplete_batch(store: Store) -> int | None:
    """The first sequence of a batch that the store ends in without its commit."""
    try:
        last = store.get(store.last_seq)
        if last is None or get_header(last.headers or b"", BATCH_COMMIT) is not None:
            return None
        found = _place(last)
        if found is None:
            return None
        name, place = found
        first = last.seq - place + 1
        if place == 0 or first < 1:
            return None
        for seq in range(first, last.seq):
            message = store.get(seq)
            # A missing one only used up its sequence: no consumer was interested in it.
            if message is not None and _place(message) != (name, seq - first + 1):
                return None
    except CorruptRecord:
        return None  # damage, which the store reports; what is intact stays
    return first


def _place(message: Message) -> tuple[bytes, int] | None:
    """The batch of a stored message and its place there."""
    headers = message.headers or b""
    name = get_header(headers, BATCH_ID)
    if not name:
        return None
    try:
        return name, _sequence(headers)
    except ApiError:
        return None
