"""What the messages of an atomic batch have to pass before any of them is kept.

The rules are those of single messages (`Admission`, `Publishing`). The order is that in which the
real server checks batches (`checkMsgHeadersPreClusteredProposal` in nats-server's
server/jetstream_batching.go), and they are asked of the stream as it would be after the batch's
earlier messages: nothing has been stored yet, so this remembers what those would change.
"""

from __future__ import annotations

from collections import Counter

from pynats_server.core.protocol.headers import get as get_header
from pynats_server.core.protocol.headers import get_all
from pynats_server.core.protocol.headers import remove as remove_header
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.publish import counters
from pynats_server.jetstream.publish import header_names as names
from pynats_server.jetstream.publish.batch.staging import MessagePack
from pynats_server.jetstream.publish.checks import read_sequence
from pynats_server.jetstream.publish.message_ttl import at_least, read_ttl
from pynats_server.jetstream.publish.slow_path import (
    Duplicate,
    Incoming,
    Publishing,
    check_not_sourced,
)
from pynats_server.jetstream.stream.host import StreamHost
from pynats_server.jetstream.stream.operations import AppendBatch
from pynats_server.jetstream.stream.timed import schedules as scheduling

_EXPECTED = frozenset(
    (names.EXPECTED_SEQUENCE, names.EXPECTED_SUBJECT_SEQUENCE, names.EXPECTED_SUBJECT)
)


class StagedChecks:
    """One pass over the messages of one batch."""

    def __init__(self, stream: StreamHost, publishing: Publishing) -> None:
        self.stream = stream
        self.publishing = publishing
        self.admission = stream.ingest.admission
        self.base = stream.store.last_seq
        self.count = 0
        self.msg_ids: set[bytes] = set()
        self.subjects: Counter[bytes] = Counter()
        self.nbytes = 0
        self.expected: dict[bytes, int] = {}
        self.rollups: list[tuple[int, bytes]] = []
        self.totals: dict[bytes, counters.Counter] = {}

    def check_all(self, messages: MessagePack, ts: int, whole: bool = True) -> AppendBatch:
        """The operation that keeps the batch; without `whole` it is one message of a fast batch.
        Raises the ApiError of the first message that fails, or Duplicate."""
        publishing = self.publishing
        checked = MessagePack()
        for published, headers, payload, _ in messages:
            subject = publishing.mapped(published)
            if whole and get_header(headers, names.EXPECTED_MSG_ID):
                raise api_error(10177, header=names.EXPECTED_MSG_ID.decode())
            self.admission.check_last_id(headers)
            headers = remove_header(headers, names.REQUEST_INFO)
            headers, payload = self._check(Incoming(subject, headers, payload), ts)
            checked.add(subject, headers, payload, not publishing.wanted(subject))
            self.count += 1
        return AppendBatch(checked, ts, tuple(self.rollups))

    def _check(self, message: Incoming, ts: int) -> tuple[bytes, bytes]:
        """Headers and payload as they are to be kept."""
        subject, headers, payload = message.subject, message.headers, message.payload
        increment = self.publishing.increment(message, headers)
        self.admission.check_stream(headers)
        ttl_s = self._ttl(headers)
        self._check_msg_id(headers, ts)
        check_not_sourced(headers)
        if self.stream.config.allow_msg_counter:
            self.totals[subject], headers, payload = self.publishing.count(
                message, increment, self.totals.get(subject)
            )
        self._check_expected(subject, get_all(headers, _EXPECTED))
        headers = scheduling.check_schedule(self.stream, subject, headers)
        self._check_rollup(subject, headers)
        ends = scheduling.ended_schedule(headers)
        if ends and self.admission.allow_rollup:
            self.rollups.append((self.count, ends))
        headers = at_least(headers, ttl_s, self.admission.ttl_min_s)
        self.subjects[subject] += 1
        self.nbytes += self.admission.size(subject, headers, payload)
        self.admission.check_staged(
            subject,
            self.count + 1,
            self.nbytes,
            self.subjects[subject],
            bool(get_header(headers, names.ROLLUP)),
        )
        return headers, payload

    def _ttl(self, headers: bytes) -> int:
        """Seconds to live. Where TTLs are not allowed, an invalid one is refused as one of them."""
        try:
            ttl_s = read_ttl(headers)
        except ApiError:
            if self.stream.config.allow_msg_ttl:
                raise
            raise api_error(10166) from None
        if ttl_s and not self.stream.config.allow_msg_ttl:
            raise api_error(10166)
        return ttl_s

    def _check_msg_id(self, headers: bytes, ts: int) -> None:
        msg_id = get_header(headers, names.MSG_ID)
        if not msg_id:
            return
        if msg_id in self.msg_ids:
            raise api_error(10201)
        original = self.admission.ids.get(msg_id, ts)
        if original:
            raise Duplicate(original)
        self.msg_ids.add(msg_id)

    def _check_expected(self, subject: bytes, found: dict[bytes, bytes]) -> None:
        wanted = found.get(names.EXPECTED_SEQUENCE)
        if wanted:
            if read_sequence(wanted) != self.base + self.count:
                raise api_error(10071, seq=self.base + self.count)
            if self.count:
                raise api_error(10164)
        wanted = found.get(names.EXPECTED_SUBJECT_SEQUENCE)
        other = found.get(names.EXPECTED_SUBJECT, b"")
        if not wanted:
            if other:
                raise api_error(10193)
            return
        watched = other or subject
        if watched in self.subjects:
            raise api_error(10164)
        last = self.expected.get(watched)
        if last is None:
            last = self.admission.last_of(watched)
        if last != read_sequence(wanted):
            raise api_error(10071, seq=last)
        self.expected[watched] = last

    def _check_rollup(self, subject: bytes, headers: bytes) -> None:
        self.admission.check_rollup(headers)
        match self.admission.rollup_of(headers):
            case "sub":
                if subject in self.subjects:
                    raise api_error(10111, err="batch rollup sub invalid")
                self.rollups.append((self.count, subject))
            case "all":
                if self.subjects:
                    raise api_error(10111, err="batch rollup all invalid")
                self.rollups.append((self.count, b">"))
