"""Fast batches: a stream of messages with few acknowledgements, driven by their reply subjects.

Every message has the reply subject `<prefix>.<id>.<flow>.<gap mode>.<sequence>.<operation>.$FI`.
Messages are stored as they come; after every `flow` messages the publisher is told how many are
stored. `fail` ends a batch at the first message that is missing or refused, `ok` continues after
it. Rules, errors and flow messages: ADR-50. What simply continues a batch is stored by compiled
code (`ingest.pyx`, `fast_state.pyx`); all else comes here.

Whatever the publisher hears goes out in the order of the acknowledgements, after an fsync that
covers what it says.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import msgspec

from pynats_server.core.protocol.headers import get as get_header
from pynats_server.core.protocol.headers import remove as remove_header
from pynats_server.core.protocol.headers import remove_prefix
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.publish.batch.atomic import (
    ID_MAX,
    batch_ack,
    check_publish,
    needs_no_look,
)
from pynats_server.jetstream.publish.batch.checks import StagedChecks
from pynats_server.jetstream.publish.batch.fast_state import FastBatch, FastTable, read_reply
from pynats_server.jetstream.publish.batch.limits import FAST_PER_STREAM
from pynats_server.jetstream.publish.batch.open_batches import OpenBatches
from pynats_server.jetstream.publish.batch.staging import MessagePack, clock, needs_check
from pynats_server.jetstream.publish.header_names import BATCH_PREFIX, REQUEST_INFO
from pynats_server.jetstream.publish.ingest import store_error
from pynats_server.jetstream.publish.slow_path import Duplicate, Plan, Publishing, Verdict
from pynats_server.jetstream.requests.api_level import REQUIRED_LEVEL, level_supported
from pynats_server.jetstream.store import StoreError
from pynats_server.jetstream.stream.host import StreamHost
from pynats_server.jetstream.stream.operations import Append

FAST_SUFFIX = b".$FI"
IMPORTED = b"_R_."  # begins the reply subjects of what comes through a service import


def asked_reply(reply: bytes, headers: bytes) -> bytes:
    """The reply subject that a publisher has asked for: an import puts its own in its place, and
    tells that of a fast batch in the headers."""
    info = get_header(headers, REQUEST_INFO) if headers and reply.startswith(IMPORTED) else None
    if not info or FAST_SUFFIX not in info:
        return reply
    try:
        return msgspec.json.decode(info, type=_Told).reply.encode()
    except msgspec.DecodeError:
        return reply


class _Told(msgspec.Struct):
    reply: str = ""


class FastOperation(IntEnum):
    """The last number of a reply subject."""

    START = 0
    APPEND = 1
    COMMIT = 2
    COMMIT_WITHOUT = 3  # this message only ends the batch
    PING = 4


class FastMessage(NamedTuple):
    """What a reply subject says."""

    id: bytes
    sequence: int
    flow: int
    gap_ok: bool
    operation: int

    @property
    def commits(self) -> bool:
        """Whether the batch ends with this message."""
        return self.operation in (FastOperation.COMMIT, FastOperation.COMMIT_WITHOUT)


class FastBatches(OpenBatches[FastBatch]):
    """The open fast batches of one stream."""

    def __init__(self, stream: StreamHost, publishing: Publishing) -> None:
        super().__init__(stream, stream.account.server.fast_batches, FAST_PER_STREAM)
        self._publishing = publishing
        self.table = FastTable()

    def configured(self) -> None:
        """Follows the stream's configuration: without `allow_batched` open batches end."""
        if self.stream.config.allow_batched:
            self.stream.ingest.fast_table = self.table
        else:
            self.stop()

    def stop(self) -> None:
        """Forgets every open batch; their stored messages stay."""
        self.stream.ingest.fast_table = None
        self._close_all()

    def undone(self, last_seq: int) -> None:
        """The disk is full, and messages above `last_seq` were taken back. To the next message of
        a batch they are a gap."""
        for batch in self.table.batches.values():
            batch.undone(last_seq)

    def accept(
        self,
        subject: bytes,
        reply: bytes,
        headers: bytes,
        payload: bytes,
        only: bool = False,
        asked: bytes = b"",
    ) -> Verdict:
        """Takes a message with such a reply subject, and answers the publisher. `only`: it counts,
        but is not kept. `asked`: the reply subject that says so, if it is not where the answer
        goes."""
        ingest = self.stream.ingest
        if ingest.is_busy:
            ingest.refuse_busy(reply)
            return api_error(10167)
        try:
            return self._take(subject, reply, headers, payload, only, asked or reply)
        except ApiError as error:
            ingest.answer(reply, ingest.refusal(error))
            return error

    def _take(
        self, subject: bytes, reply: bytes, headers: bytes, payload: bytes, only: bool, asked: bytes
    ) -> Verdict:
        stream = self.stream
        check_publish(stream, subject, headers, payload)
        if not stream.config.allow_batched:
            raise api_error(10205)
        found = read_reply(asked)
        if found is None:
            raise api_error(10206)
        message = FastMessage(*found)
        if len(message.id) > ID_MAX:
            raise api_error(10207)
        batch = self.table.batches.get(message.id) or self._open(message)
        level = get_header(headers, REQUIRED_LEVEL) if headers else None
        if level:
            if not level_supported(level):
                self._close(batch)
                raise api_error(10185)
            headers = remove_header(headers, REQUIRED_LEVEL)
        batch.touched = clock()
        if message.operation == FastOperation.PING:
            self._ping(batch, message, reply)
            return "open"
        if not self._in_order(batch, message, reply):
            return "open"
        if only:
            self._counted(batch, message, reply)
            return "kept"
        # A stored message with these headers would be taken for part of an atomic batch.
        headers = remove_prefix(headers, BATCH_PREFIX)
        return self._keep(batch, message, subject, reply, headers, payload)

    def _ping(self, batch: FastBatch, message: FastMessage, reply: bytes) -> None:
        told = False
        if message.sequence > batch.last:
            self._say_gap(reply, batch.last + 1, message.sequence + 1)
            if not batch.gap_ok:
                self._finish(batch, reply)
                return
            batch.last = batch.stored = message.sequence
            told = self._maybe_say_flow(batch, reply)
        if not told:
            self._say_flow(batch, batch.flowed, reply)

    def _in_order(self, batch: FastBatch, message: FastMessage, reply: bytes) -> bool:
        """Whether the message is to be stored. Reports a gap, which may end the batch."""
        expected = batch.last + 1
        if message.sequence != expected:
            self._say_gap(reply, expected, message.sequence)
            if not batch.gap_ok or message.sequence < expected:
                self._finish(batch, reply)
                return False
        if message.operation == FastOperation.COMMIT_WITHOUT:
            batch.last = batch.stored = message.sequence - 1
            self._finish(batch, reply)
            return False
        batch.last = message.sequence
        if message.sequence == 1 and not message.commits and not self.stream.config.no_ack:
            self._say_flow(batch, 0, reply)
        return True

    def _keep(
        self,
        batch: FastBatch,
        message: FastMessage,
        subject: bytes,
        reply: bytes,
        headers: bytes,
        payload: bytes,
    ) -> Verdict:
        stream = self.stream
        try:
            seq = self._store(subject, headers, payload)
        except Duplicate as duplicate:
            self._repeated(batch, message, reply, duplicate.seq)
            return duplicate
        except (ApiError, StoreError) as error:
            refusal = error if isinstance(error, ApiError) else store_error(error)
            self._refused(batch, message, reply, refusal)
            return refusal
        batch.took(seq, stream.store.written_seq)
        stream.ingest.stored(seq, b"")
        self._counted(batch, message, reply)
        return "kept"

    def _counted(self, batch: FastBatch, message: FastMessage, reply: bytes) -> None:
        batch.stored = batch.last
        if message.commits:
            self._finish(batch, reply)
        else:
            self._maybe_say_flow(batch, reply)

    def _store(self, subject: bytes, headers: bytes, payload: bytes) -> int:
        stream = self.stream
        if needs_no_look(stream) and not (headers and needs_check(headers)):
            return self._publishing.keep(Plan(Append(subject, headers, payload, stream.now())))
        pack = MessagePack()
        pack.add(subject, headers, payload)
        operation = StagedChecks(stream, self._publishing).check_all(
            pack, stream.now(), whole=False
        )
        return self._publishing.keep_batch(operation)

    def _repeated(
        self, batch: FastBatch, message: FastMessage, reply: bytes, original: int
    ) -> None:
        """The message is a duplicate, which is no error."""
        batch.stored = message.sequence
        self._maybe_say_flow(batch, reply)
        if not message.commits:
            return
        if message.gap_ok or batch.last > 1:
            self._finish(batch, reply)
            return
        self._close(batch)
        self._say(reply, batch_ack(self.stream, original, batch.id, 1, duplicate=True), False)

    def _refused(
        self, batch: FastBatch, message: FastMessage, reply: bytes, error: ApiError
    ) -> None:
        if not message.gap_ok and message.sequence == 1:
            self._close(batch)
            self._say(reply, self.stream.ingest.refusal(error))
            return
        said = {"type": "err", "seq": message.sequence, "error": error.as_dict()}
        self._say(reply, msgspec.json.encode(said))
        if message.gap_ok and not message.commits:
            return
        # A full disk may have taken back earlier ones, too.
        batch.last = batch.stored = min(batch.last, message.sequence - 1)
        self._finish(batch, reply)

    # -- life of a batch --------------------------------------------------------------------

    def _open(self, message: FastMessage) -> FastBatch:
        if message.sequence != 1 or message.operation == FastOperation.PING:
            raise api_error(10208)
        if not self._has_room():
            raise api_error(10211)
        batch = self.table.open(message.id, message.gap_ok, message.flow)
        self._opened()
        return batch

    def _batches(self) -> dict[bytes, FastBatch]:
        return self.table.batches

    def _forget(self, batch: FastBatch) -> None:
        self.table.close(batch)

    def _expired(self, batch: FastBatch) -> None:
        self._close(batch)

    def _finish(self, batch: FastBatch, reply: bytes) -> None:
        """Ends a batch and tells the publisher how much of it is stored."""
        self._close(batch)
        self._say(reply, batch_ack(self.stream, batch.stream_seq, batch.id, batch.last), False)

    # -- what the publisher hears -----------------------------------------------------------

    def _maybe_say_flow(self, batch: FastBatch, reply: bytes) -> bool:
        due = self.table.flow_due(batch)
        if due:
            self._say_flow(batch, batch.flowed, reply)
        return due

    def _say_flow(self, batch: FastBatch, sequence: int, reply: bytes) -> None:
        self._say(reply, b'{"type":"ack","seq":%d,"msgs":%d}' % (sequence, batch.flow), False)

    def _say_gap(self, reply: bytes, expected: int, sequence: int) -> None:
        self._say(reply, b'{"type":"gap","last_seq":%d,"seq":%d}' % (expected, sequence))

    def _say(self, reply: bytes, body: bytes, final: bool = True) -> None:
        self.stream.ingest.tell(reply, body, final)
