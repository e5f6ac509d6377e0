"""See checks.pxd."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.stdlib cimport free, realloc
from libc.string cimport memchr, memcmp, memcpy

from pynats_server.core.protocol.headers cimport Span
from pynats_server.jetstream.publish.marks cimport (
    BAD_ROLLUP, ROLLUP_ALL, ROLLUP_SUBJECT, Marks, Rollup, present, read_marks, read_rollup,
)
from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.record cimport (
    HAS_HEADERS, has_sound_end, headers_of, stamp, u32, u64,
)
from pynats_server.jetstream.store.ages.turns cimport Turn

from pynats_common.go.quoting import quote
from pynats_common.go.text import text_of

from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.store.errors import CorruptRecord, SequenceNotFound

cdef enum:
    HEADERS_MAX = 65535

cdef uint64_t LAST = 0xFFFFFFFFFFFFFFFF


cdef inline uint64_t _number(const char* block, Span span) noexcept nogil:
    """A sequence; non-numeric text becomes 2^64-1, which never matches. Overflow wraps, as in the
    real server."""
    cdef uint64_t value = 0
    cdef Py_ssize_t i
    for i in range(span.start, span.end):
        if not c'0' <= block[i] <= c'9':
            return <uint64_t>-1
        value = value * 10 + <uint64_t>(block[i] - c'0')
    return value


cdef inline bint _same(const char* block, Span span, const char* text, size_t size) noexcept nogil:
    return (
        <size_t>(span.end - span.start) == size and memcmp(block + span.start, text, size) == 0
    )


def read_sequence(bytes text not None) -> int:
    """The sequence in a header's value, by the rules of the compiled checks."""
    cdef Span whole
    whole.start, whole.end = 0, PyBytes_GET_SIZE(text)
    return _number(PyBytes_AS_STRING(text), whole)


cdef class Admission:
    def __init__(self, Retention store not None, Usage usage not None, str name not None):
        self.store = store
        self.usage = usage
        self.name = name.encode()
        self.ids = MsgIds()
        self.max_msg_size = -1

    def __dealloc__(self):
        free(self.last_id)

    def configure(self, config, int64_t now) -> None:
        """Checks by this configuration from `now` on; the ids follow with `recover`."""
        self.allow_rollup = config.allow_rollup_hdrs and not config.deny_purge
        self.allow_ttl = config.allow_msg_ttl
        self.discard_new = config.discard == "new"
        self.discard_new_per_subject = config.discard_new_per_subject
        self.mirror = config.mirror is not None
        self.max_msg_size = config.max_msg_size
        self.max_msgs = config.max_msgs
        self.max_bytes = config.max_bytes
        self.max_per_subject = config.max_msgs_per_subject
        # With one message per subject a marker can not outlive what it marks.
        self.ttl_min_s = (
            config.subject_delete_marker_ttl // 1_000_000_000
            if config.max_msgs_per_subject != 1 else 0
        )
        self.ids.set_window(config.duplicate_window, now)

    @property
    def last_msg_id(self) -> bytes:
        """The message id of the last message; empty without one."""
        return self.last_id[:self.last_id_size] if self.last_id_size else b""

    # -- steps ------------------------------------------------------------------------------

    cdef int expect(self, const char* subject, size_t subject_size, const char* block,
                    Marks* marks, int64_t ttl_s) except -1:
        cdef Span about = marks.expected_subject
        if not self.is_own_name(block, marks):
            return 10060
        if ttl_s != 0 and not self.allow_ttl:
            return 10166
        if present(marks.expected_subject_seq):
            if present(about):
                subject, subject_size = block + about.start, about.end - about.start
            self.found = self._last_of(subject, subject_size)
            if self.found != _number(block, marks.expected_subject_seq):
                return 10071
        elif present(about):
            return 10193
        if present(marks.expected_seq):
            self.found = self.store.last_seq
            if self.found != _number(block, marks.expected_seq):
                return 10071
        return PASSED

    cdef uint64_t _last_of(self, const char* subject, size_t size) except? 0:
        """The last sequence of a subject or filter, 0 without any."""
        cdef Leaf* leaf
        cdef uint64_t first, last
        if memchr(subject, b'*', size) != NULL or memchr(subject, b'>', size) != NULL:
            found = self.store.load_last(subject[:size])
            return found.seq if found is not None else 0
        leaf = self.store.tree.get(<const uint8_t*>subject, size)
        if leaf == NULL:
            return 0
        first, last = self.store.exact(leaf)
        return last

    cdef int identify(self, const char* block, Marks* marks, int64_t now) except -1:
        if present(marks.msg_id) and not self.mirror:
            self.found = self.ids.find(
                block + marks.msg_id.start, marks.msg_id.end - marks.msg_id.start, now
            )
            if self.found:
                return DUPLICATE
        if not self.is_last_id(block, marks):
            return 10070
        if not self.is_fit_rollup(block, marks):
            return 10111
        return PASSED

    cdef bint is_own_name(self, const char* block, Marks* marks) noexcept:
        """Whether the stream that the message expects is this one."""
        return not present(marks.expected_stream) or _same(
            block, marks.expected_stream,
            PyBytes_AS_STRING(self.name), PyBytes_GET_SIZE(self.name),
        )

    cdef bint is_last_id(self, const char* block, Marks* marks) noexcept:
        """Whether the message id that the message expects is the last one."""
        return not present(marks.expected_msg_id) or _same(
            block, marks.expected_msg_id, self.last_id, self.last_id_size
        )

    cdef bint is_fit_rollup(self, const char* block, Marks* marks) noexcept:
        """Whether the rollup that the message asks for, if any, exists and is permitted."""
        return not present(marks.rollup) or (
            self.allow_rollup and read_rollup(block, marks) != BAD_ROLLUP
        )

    cdef int fit(self, const char* block, size_t block_size, size_t total) noexcept:
        if self.max_msg_size >= 0 and total > <uint64_t>self.max_msg_size:
            return 10054
        if block_size > HEADERS_MAX:
            return 10097
        if block_size and not has_sound_end(<const uint8_t*>block, block_size, total):
            return ENDLESS_HEADERS
        return PASSED

    cdef int storage(self, int64_t size) noexcept:
        """Whether the server and the account have room for `size` bytes. The server is full once
        it holds more than its limit, an account before that."""
        if self.usage.parent is not None and not self.usage.parent.fits(0):
            return 10023
        return PASSED if self.usage.fits(size) else 10002

    cdef int limit(self, const char* subject, size_t subject_size, size_t block_size,
                   size_t total, bint rollup) except -1:
        cdef int64_t size = self.size_of(subject_size, block_size, total)
        cdef Retention store = self.store
        cdef Leaf* leaf
        cdef bint replaces = False  # the oldest of a full subject goes
        cdef int verdict = self.storage(size)
        if verdict != PASSED or not self.discard_new:
            return verdict
        leaf = NULL
        if self.max_per_subject > 0:
            leaf = store.tree.get(<const uint8_t*>subject, subject_size)
            if leaf != NULL and leaf.total >= <uint64_t>self.max_per_subject:
                if self.discard_new_per_subject and not rollup:
                    return SUBJECT_FULL
                replaces = True
        if self.max_msgs > 0 and store.msgs >= <uint64_t>self.max_msgs and not replaces:
            return MSGS_FULL
        if self.max_bytes > 0 and store.nbytes + size > <uint64_t>self.max_bytes:
            if not replaces or self._first_size(leaf) < size:
                return BYTES_FULL
        return PASSED

    cdef int staged_limit(self, bytes subject, uint64_t msgs, uint64_t size, uint64_t of_subject,
                          bint rollup) except -1:
        """As `limit`, for a message of a batch that, with the messages before it, adds this much.
        Before a batch is stored, the real server does not ask which older messages would go, and asks for
        the subject's limit last."""
        cdef Leaf* leaf
        cdef uint64_t stored = 0
        if not self.discard_new:
            return PASSED
        if self.max_msgs > 0 and self.store.msgs + msgs > <uint64_t>self.max_msgs:
            return MSGS_FULL
        if self.max_bytes > 0 and self.store.nbytes + size > <uint64_t>self.max_bytes:
            return BYTES_FULL
        if self.discard_new_per_subject and self.max_per_subject > 0 and not rollup:
            leaf = self.store.tree.get(
                <const uint8_t*>PyBytes_AS_STRING(subject), PyBytes_GET_SIZE(subject)
            )
            if leaf != NULL:
                stored = leaf.total
            if stored + of_subject > <uint64_t>self.max_per_subject:
                return SUBJECT_FULL
        return PASSED

    cdef int64_t _first_size(self, Leaf* leaf) except -1:
        """The counted size of the oldest message of a subject."""
        cdef uint64_t first, last
        first, last = self.store.exact(leaf)
        try:
            oldest = self.store.load(first)
        except (SequenceNotFound, CorruptRecord):
            return 0
        headers = len(oldest.headers or b"")
        return self.size_of(len(oldest.subject), headers, headers + len(oldest.payload))

    cdef int _set_last_id(self, const char* id, size_t size) except -1:
        cdef char* grown
        self.last_id_size = 0
        if size > self.last_id_room:
            grown = <char*>realloc(self.last_id, size)
            if grown == NULL:
                raise MemoryError
            self.last_id, self.last_id_room = grown, size
        if size:
            memcpy(self.last_id, id, size)
        self.last_id_size = size
        return 0

    cdef int note(self, const char* block, Marks* marks, uint64_t seq, int64_t ts) except -1:
        cdef const char* id = block + marks.msg_id.start
        cdef size_t size = marks.msg_id.end - marks.msg_id.start
        self._set_last_id(id, size)
        if size:
            self.ids.remember(id, size, seq, ts)
        return 0

    # -- for Python -------------------------------------------------------------------------

    def check_expected(self, bytes subject not None, bytes headers not None, int64_t ttl_s) -> None:
        """Step `expect`; `ttl_s` is the message's own, 0 without. Raises ApiError 10060, 10166,
        10071, 10193."""
        cdef Marks marks
        cdef int verdict
        read_marks(PyBytes_AS_STRING(headers), PyBytes_GET_SIZE(headers), &marks)
        verdict = self.expect(
            PyBytes_AS_STRING(subject), PyBytes_GET_SIZE(subject), PyBytes_AS_STRING(headers),
            &marks, ttl_s,
        )
        if verdict != PASSED:
            raise self.error(verdict, headers)

    def check_identity(
        self, bytes headers not None, int64_t now, bint sourced=False
    ) -> int:
        """Step `identify`: the sequence this message is a duplicate of, or 0. The rollup of a
        sourced message is not asked about. Raises ApiError 10070, 10111."""
        cdef Marks marks
        cdef int verdict
        read_marks(PyBytes_AS_STRING(headers), PyBytes_GET_SIZE(headers), &marks)
        if sourced:
            marks.rollup.end = marks.rollup.start
        verdict = self.identify(PyBytes_AS_STRING(headers), &marks, now)
        if verdict == DUPLICATE:
            return self.found
        if verdict != PASSED:
            raise self.error(verdict, headers)
        return 0

    def check_size(self, bytes headers not None, bytes payload not None) -> None:
        """Step `fit`. Raises ApiError 10054, 10097."""
        cdef bytes message
        cdef int verdict = self.fit(b"", 0, len(headers) + len(payload))
        if verdict == PASSED and headers:
            message = headers + payload
            verdict = self.fit(PyBytes_AS_STRING(message), len(headers), len(message))
        if verdict != PASSED:
            raise self.error(verdict)

    def check_limits(
        self, bytes subject not None, size_t headers_size, size_t total, bint rollup
    ) -> None:
        """Step `limit`. Raises ApiError 10023, 10002, 10077."""
        cdef int verdict = self.limit(
            PyBytes_AS_STRING(subject), PyBytes_GET_SIZE(subject), headers_size, total, rollup
        )
        if verdict != PASSED:
            raise self.error(verdict)

    def check_storage(self, bytes subject not None, size_t headers_size, size_t total) -> None:
        """The storage part of step `limit` alone. Raises ApiError 10023, 10002."""
        cdef int verdict = self.storage(self.size_of(len(subject), headers_size, total))
        if verdict != PASSED:
            raise self.error(verdict)

    def check_staged(
        self, bytes subject not None, uint64_t msgs, uint64_t size, uint64_t of_subject,
        bint rollup,
    ) -> None:
        """Step `limit` for a message of a batch, which adds `msgs` messages of `size` bytes with
        those before it, `of_subject` of them with its subject. Raises ApiError 10077."""
        cdef int verdict = self.staged_limit(subject, msgs, size, of_subject, rollup)
        if verdict != PASSED:
            raise self.error(verdict)

    def size(self, bytes subject not None, bytes headers not None, bytes payload not None) -> int:
        """What the store counts for a message."""
        return self.size_of(len(subject), len(headers), len(headers) + len(payload))

    # Single rules, for messages whose other rules are asked in another order.

    def check_stream(self, bytes headers not None) -> None:
        """Raises ApiError 10060 if the message expects another stream."""
        cdef Marks marks
        read_marks(PyBytes_AS_STRING(headers), PyBytes_GET_SIZE(headers), &marks)
        if not self.is_own_name(PyBytes_AS_STRING(headers), &marks):
            raise self.error(10060)

    def check_last_id(self, bytes headers not None) -> None:
        """Raises ApiError 10070 if the message expects another last message id."""
        cdef Marks marks
        read_marks(PyBytes_AS_STRING(headers), PyBytes_GET_SIZE(headers), &marks)
        if not self.is_last_id(PyBytes_AS_STRING(headers), &marks):
            raise self.error(10070)

    def check_rollup(self, bytes headers not None) -> None:
        """Raises ApiError 10111 if the message asks for an unknown or forbidden rollup."""
        cdef Marks marks
        read_marks(PyBytes_AS_STRING(headers), PyBytes_GET_SIZE(headers), &marks)
        if not self.is_fit_rollup(PyBytes_AS_STRING(headers), &marks):
            raise self.error(10111, headers)

    def rollup_of(self, bytes headers not None) -> str:
        """Which older messages a message replaces: those of its subject (`sub`), `all` or none
        (empty)."""
        cdef Marks marks
        cdef Rollup found
        read_marks(PyBytes_AS_STRING(headers), PyBytes_GET_SIZE(headers), &marks)
        found = read_rollup(PyBytes_AS_STRING(headers), &marks)
        if not self.allow_rollup:
            return ""
        return "sub" if found == ROLLUP_SUBJECT else "all" if found == ROLLUP_ALL else ""

    def last_of(self, bytes subject not None) -> int:
        """The last sequence of a subject or filter, 0 without any."""
        return self._last_of(PyBytes_AS_STRING(subject), PyBytes_GET_SIZE(subject))

    def stored(self, bytes headers not None, uint64_t seq, int64_t ts) -> None:
        """Notes the message id of message `seq`."""
        cdef Marks marks
        read_marks(PyBytes_AS_STRING(headers), PyBytes_GET_SIZE(headers), &marks)
        self.note(PyBytes_AS_STRING(headers), &marks, seq, ts)

    def error(self, int verdict, bytes headers=b""):
        """The ApiError of a verdict that is neither PASSED nor DUPLICATE."""
        cdef Marks marks
        if verdict == 10071:
            return api_error(10071, seq=self.found)
        if verdict == 10070:
            return api_error(10070, id=text_of(self.last_msg_id))
        if verdict == 10111:
            read_marks(PyBytes_AS_STRING(headers), PyBytes_GET_SIZE(headers), &marks)
            if not self.allow_rollup:
                return api_error(10111, err="rollup not permitted")
            value = text_of(headers[marks.rollup.start:marks.rollup.end]).lower()
            return api_error(10111, err=f"rollup value invalid: {quote(value)}")
        if verdict == SUBJECT_FULL:
            return api_error(10077, err="maximum messages per subject exceeded")
        if verdict == MSGS_FULL:
            return api_error(10077, err="maximum messages exceeded")
        if verdict == BYTES_FULL:
            return api_error(10077, err="maximum bytes exceeded")
        if verdict == ENDLESS_HEADERS:
            return api_error(10077, err="header block does not end where it says")
        return api_error(verdict)

    def undone(self, uint64_t last_seq) -> None:
        """Messages above `last_seq`, now the last one, were taken back: their ids are free."""
        cdef Marks marks
        cdef bytes headers
        cdef MsgId* kept = self.ids.forget_above(last_seq)
        self.last_id_size = 0
        if kept != NULL and kept.seq == last_seq:
            self._set_last_id(id_of(kept), kept.size)
            return
        try:
            last = self.store.get(last_seq)
        except CorruptRecord:
            last = None
        if last is not None and last.headers:
            headers = last.headers
            read_marks(PyBytes_AS_STRING(headers), PyBytes_GET_SIZE(headers), &marks)
            self._set_last_id(
                PyBytes_AS_STRING(headers) + marks.msg_id.start,
                marks.msg_id.end - marks.msg_id.start,
            )

    # -- after a start ----------------------------------------------------------------------

    def recover(self, int64_t now) -> None:
        """Reads the ids of the stored messages back, from the start of the window on."""
        cdef uint64_t last = self.store.last_seq, stop = LAST, begin
        cdef int64_t since = now - self.ids.window_ns, latest = now
        cdef Turn turn
        self.note_plain()
        if not self.store.msgs:
            return
        # Where the clock was set back, all before that is at least as old as what came then.
        parts = []
        for turn in reversed(self.store.turns.turns):
            parts.append((turn.seq, stop, latest))
            stop, latest = turn.seq, min(latest, turn.to_ns)
        parts.append((1, stop, latest))
        for start, stop, latest in reversed(parts):
            begin = stop
            if self.ids.window_ns > 0 and latest >= since:
                begin = self.store.seq_from_time(since, start)
            if start <= last < stop:
                begin = min(begin, last)
            if begin < stop:
                self.note_from(begin, stop, latest)

    def note_from(self, uint64_t start, uint64_t stop, int64_t latest) -> None:
        """Notes the ids of the stored messages from sequence `start` to before `stop`, none of
        which is younger than `latest`."""
        cdef Retention store = self.store
        cdef Block block
        cdef Py_ssize_t i
        cdef Marks marks
        cdef const uint8_t* record
        cdef const char* headers
        cdef size_t size
        cdef uint64_t seq
        blocks = store.blocks[store.block_at(start):store.block_at(stop - 1) + 1]
        store.glance([block for block in blocks if not (block.loaded or block.plain)])
        for block in blocks:
            if not block.msgs:
                continue
            if block.plain and block.first_seq >= start and block.last_seq < stop:
                self.note_plain()  # as for each of its messages; it need not be read for that
                continue
            if not block.loaded:
                store.load_block(block)
            for i in range(max(block.slot_from(start), 0), block.count):
                record = block.buf + block.offs[i]
                seq = u64(record + 4)
                if (
                    seq < start or seq >= stop or seq < block.first_seq or seq > block.last_seq
                    or block.deleted.has(seq)
                ):
                    continue
                self.note_plain()
                if u32(record) & HAS_HEADERS:
                    headers = <const char*>headers_of(record, &size)
                    read_marks(headers, size, &marks)
                    self.note(headers, &marks, seq, min(stamp(record), latest))
