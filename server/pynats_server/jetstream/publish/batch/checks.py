"""What the messages of an atomic batch have to pass before any of them is kept.

The checks are those of single messages, in the real server's order (server-inventory 6.5), against
the stream as it would be after the batch's earlier messages: nothing has been stored yet, so this
remembers what they would change.
"""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.publish import counters
from pynats_server.jetstream.publish.batch.staging import MessagePack
from pynats_server.jetstream.publish.headers import get as get_header
from pynats_server.jetstream.publish.headers import get_all
from pynats_server.jetstream.publish.headers import remove as remove_header
from pynats_server.jetstream.publish.headers import set as set_header
from pynats_server.jetstream.publish.message_ttl import parse_ttl
from pynats_server.jetstream.publish.slow_path import (
    REQUEST_INFO,
    ROLLUP,
    STREAM_SOURCE,
    TTL,
    Duplicate,
    Incoming,
)
from pynats_server.jetstream.stream import schedules as scheduling
from pynats_server.jetstream.stream.operations import AppendBatch

if TYPE_CHECKING:
    from pynats_server.jetstream.stream.stream import Stream

MSG_ID = b"Nats-Msg-Id"
EXPECTED_STREAM = b"Nats-Expected-Stream"
EXPECTED_SEQUENCE = b"Nats-Expected-Last-Sequence"
EXPECTED_SUBJECT_SEQUENCE = b"Nats-Expected-Last-Subject-Sequence"
EXPECTED_SUBJECT = b"Nats-Expected-Last-Subject-Sequence-Subject"
EXPECTED_MSG_ID = b"Nats-Expected-Last-Msg-Id"

LOOKED_AT = frozenset(
    (
        EXPECTED_STREAM, EXPECTED_SEQUENCE, EXPECTED_SUBJECT_SEQUENCE, EXPECTED_SUBJECT, MSG_ID,
        STREAM_SOURCE, TTL,
    )
)  # fmt: skip
RECORD_OVERHEAD = 30  # bytes of a record on disk without headers
HEADERS_OVERHEAD = 4  # more with headers
MEMORY_OVERHEAD = 16  # bytes of a message in memory

_DIGITS = re.compile(rb"[0-9]{1,20}")
_UINT64_MAX = 2**64 - 1


class StagedChecks:
    """One pass over the messages of one batch."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.base = stream.store.last_seq
        self.count = 0
        self.msg_ids: set[bytes] = set()
        self.subjects: Counter[bytes] = Counter()
        self.nbytes = 0
        self.expected: dict[bytes, int] = {}
        self.rollups: list[tuple[int, bytes]] = []
        self.totals: dict[bytes, tuple[Decimal, counters.Sources]] = {}

    def check_all(self, messages: MessagePack, ts: int, whole: bool = True) -> AppendBatch:
        """The operation that keeps the batch; without `whole` it is one message of a fast batch.
        Raises the ApiError of the first message that fails, or Duplicate."""
        publishing = self.stream.publishing
        checked = MessagePack()
        for published, headers, payload, _ in messages:
            subject = publishing.mapped(published)
            expected = get_header(headers, EXPECTED_MSG_ID)
            if expected and whole:
                raise api_error(10177, header=EXPECTED_MSG_ID.decode())
            last_id = self.stream.ingest.admission.last_msg_id
            if expected and expected != last_id:
                raise api_error(10070, id=last_id.decode(errors="replace"))
            headers = remove_header(headers, REQUEST_INFO)
            headers, payload = self._check(Incoming(subject, headers, payload), ts)
            checked.add(subject, headers, payload, not publishing.wanted(subject))
            self.count += 1
        return AppendBatch(checked, ts, tuple(self.rollups))

    def _check(self, message: Incoming, ts: int) -> tuple[bytes, bytes]:
        """Headers and payload as they are to be kept."""
        subject, headers, payload = message.subject, message.headers, message.payload
        publishing = self.stream.publishing
        increment = publishing.increment(message, headers)
        found = get_all(headers, LOOKED_AT)
        if found:
            self._check_identity(found, ts)
        if self.stream.config.allow_msg_counter:
            if increment is None:
                raise api_error(10169)
            headers, payload = self._count(subject, headers, increment)
        if found:
            self._check_expected(subject, found)
        headers = scheduling.check_schedule(self.stream, subject, headers)
        rollup = get_header(headers, ROLLUP) or b""
        self._check_rollup(subject, rollup)
        ends = scheduling.ended_schedule(headers)
        if ends and publishing.may_roll_up:
            self.rollups.append((self.count, ends))
        headers = self._live_long_enough(headers, found.get(TTL, b""))
        self.subjects[subject] += 1
        self.nbytes += self._size(subject, headers, payload)
        self._check_limits(subject, bool(rollup))
        return headers, payload

    def _count(self, subject: bytes, headers: bytes, increment: Decimal) -> tuple[bytes, bytes]:
        """The message with the new total, from which the subject's next one goes on."""
        if subject in self.totals:
            total, sources = self.totals[subject]
        else:
            total, sources = counters.ZERO, {}
            last = self.stream.store.load_last(subject)
            if last is not None:
                total = counters.read_total(last.payload)
                found = get_header(last.headers or b"", counters.SOURCES_HEADER)
                sources = counters.read_sources(found)
        total = counters.add(total, increment)
        self.totals[subject] = total, sources
        payload = counters.write_total(total)
        if sources:
            headers = set_header(headers, counters.SOURCES_HEADER, counters.write_sources(sources))
        if 0 <= self.stream.config.max_msg_size < len(headers) + len(payload):
            raise api_error(10054)
        return headers, payload

    def _live_long_enough(self, headers: bytes, ttl: bytes) -> bytes:
        """A subject's delete marker lives for a time of its own: messages live no shorter."""
        least = self.stream.ingest.admission.ttl_min
        if ttl and 0 < parse_ttl(ttl) < least:
            return set_header(headers, TTL, b"%d" % least)
        return headers

    def _check_identity(self, found: dict[bytes, bytes], ts: int) -> None:
        name = found.get(EXPECTED_STREAM)
        if name and name != self.stream.name.encode():
            raise api_error(10060)
        self._check_ttl(found.get(TTL, b""))
        msg_id = found.get(MSG_ID)
        if msg_id:
            if msg_id in self.msg_ids:
                raise api_error(10201)
            original = self.stream.ingest.admission.ids.get(msg_id, ts)
            if original:
                raise Duplicate(original)
            self.msg_ids.add(msg_id)
        if found.get(STREAM_SOURCE):
            raise api_error(10227)

    def _check_ttl(self, text: bytes) -> None:
        try:
            ttl = parse_ttl(text)
        except ValueError:
            if self.stream.config.allow_msg_ttl:
                raise api_error(10165) from None
            ttl = 1
        if ttl and not self.stream.config.allow_msg_ttl:
            raise api_error(10166)

    def _check_expected(self, subject: bytes, found: dict[bytes, bytes]) -> None:
        wanted = _number(found.get(EXPECTED_SEQUENCE))
        if wanted is not None:
            if wanted != self.base + self.count:
                raise api_error(10071, seq=self.base + self.count)
            if self.count:
                raise api_error(10164)
        wanted = _number(found.get(EXPECTED_SUBJECT_SEQUENCE))
        other = found.get(EXPECTED_SUBJECT, b"")
        if wanted is None:
            if other:
                raise api_error(10193)
            return
        watched = other or subject
        if watched in self.subjects:
            raise api_error(10164)
        last = self.expected.get(watched)
        if last is None:
            message = self.stream.store.load_last(watched)
            last = message.seq if message is not None else 0
        if last != wanted:
            raise api_error(10071, seq=last)
        self.expected[watched] = last

    def _check_rollup(self, subject: bytes, rollup: bytes) -> None:
        if not rollup:
            return
        if not self.stream.publishing.may_roll_up:
            raise api_error(10111, err="rollup not permitted")
        match rollup.lower():
            case b"sub":
                if subject in self.subjects:
                    raise api_error(10111, err="batch rollup sub invalid")
                self.rollups.append((self.count, subject))
            case b"all":
                if self.subjects:
                    raise api_error(10111, err="batch rollup all invalid")
                self.rollups.append((self.count, b">"))
            case _:
                text = rollup.decode(errors="replace")
                raise api_error(10111, err=f'rollup value invalid: "{text}"')

    def _check_limits(self, subject: bytes, rollup: bool) -> None:
        """discard new: refuses what would push the stream over a limit."""
        config, store = self.stream.config, self.stream.store
        if config.discard != "new":
            return
        if 0 < config.max_msgs < store.msgs + self.count + 1:
            raise api_error(10077, err="maximum messages exceeded")
        if 0 < config.max_bytes < store.nbytes + self.nbytes:
            raise api_error(10077, err="maximum bytes exceeded")
        if config.discard_new_per_subject and config.max_msgs_per_subject > 0 and not rollup:
            stored, _, _ = store.subject_state(subject)
            if stored + self.subjects[subject] > config.max_msgs_per_subject:
                raise api_error(10077, err="maximum messages per subject exceeded")

    def _size(self, subject: bytes, headers: bytes, payload: bytes) -> int:
        size = len(subject) + len(headers) + len(payload)
        if self.stream.config.storage == "memory":
            return size + MEMORY_OVERHEAD
        return size + RECORD_OVERHEAD + (HEADERS_OVERHEAD if headers else 0)


def _number(text: bytes | None) -> int | None:
    """A header's number; None without one. What is no number is one that no sequence has."""
    if not text:
        return None
    return min(int(text), _UINT64_MAX) if _DIGITS.fullmatch(text) else _UINT64_MAX
