"""Frames of published messages: subject, headers and payload, with what differs in each.

Theory of operation. A message costs a few short copies: the control line with the number in its
subject and its reply subject, the header lines that a client or a message has for itself, and the
payload. The lengths in the control line are computed before, so that a frame is written in one go
and numbers need no fixed width.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

from pynats_bench.engine.net cimport CLOCK_REALTIME, clock_ns

cdef enum:
    NO_NUMBER = -1
    BATCH_DIGITS = 10

cdef const char *FIRST_LINE = b"NATS/1.0\r\n"
cdef const char *MESSAGE_ID = b"Nats-Msg-Id: "
cdef const char *BATCH_ID = b"Nats-Batch-Id: "
cdef const char *BATCH_SEQUENCE = b"Nats-Batch-Sequence: "
cdef const char *COMMIT = b"Nats-Batch-Commit: 1\r\n"


cdef inline int digits_of(uint64_t value) noexcept nogil:
    cdef int digits = 1
    while value >= 10:
        value //= 10
        digits += 1
    return digits


cdef class Frames:
    """What the publishes of some clients have in common.

    `subject` ends with the message's number in at least `width` digits (0: as many as it has;
    -1: there is no number): the message's own, modulo `modulus` unless that is 0, or with
    `randomized` any below `modulus`. `headers` is a
    complete block. With `time_at` >= 0 eight bytes there in the payload take the time
    (CLOCK_REALTIME ns) of each pass over a lane.
    """

    def __init__(self, bytes subject, bytes payload, bytes headers=b"", int width=NO_NUMBER,
                 uint64_t modulus=0, bint randomized=False, Py_ssize_t time_at=-1):
        if width > NUMBER_ROOM:
            raise ValueError("a number has at most 20 digits")
        if randomized and not modulus:
            raise ValueError("random numbers need a limit")
        if headers and not (headers.startswith(FIRST_LINE) and headers.endswith(b"\r\n\r\n")):
            raise ValueError("headers are a complete block")
        if time_at >= 0 and time_at + 8 > len(payload):
            raise ValueError("the time reaches beyond the payload")
        headers = headers[10:max(10, len(headers) - 2)]   # without the first line and the last
        self.subject = subject
        self.headers = headers
        self.body = bytearray(payload + b"\r\n")
        self.subject_at = self.subject
        self.subject_len = len(subject)
        self.headers_at = self.headers
        self.headers_len = len(headers)
        self.body_at = self.body
        self.body_len = len(self.body)
        self.width = width
        self.modulus = modulus
        self.randomized = randomized
        self.time_at = time_at
        self.head_max = len(subject) + len(headers) + 256

    cdef uint64_t number(self, Author *author, uint64_t message) noexcept nogil:
        """What stands in the subject of a client's `message`, counted from 0."""
        if self.randomized:
            return next_random(&author.random) % self.modulus
        if self.modulus:
            return (author.first + message) % self.modulus
        return author.first + message

    cdef void stamp(self) noexcept nogil:
        """Writes the time into the payload."""
        cdef int64_t now
        if self.time_at >= 0:
            now = clock_ns(CLOCK_REALTIME)
            memcpy(self.body_at + self.time_at, &now, 8)

    cdef char *head(self, char *at, Author *author, uint64_t message, const char *reply,
                    size_t reply_len, uint64_t batch, uint64_t batch_sequence,
                    bint commit, bint empty) noexcept nogil:
        """Writes all but the body of `message`; `empty`: it has neither headers nor payload.

        `batch_sequence` is its place in the atomic batch number `batch`, from 1.
        """
        cdef size_t headers = 0, payload = 0
        if not empty:
            payload = self.body_len - 2
            headers = self.headers_len
            if author.message_id != NULL:
                headers += 13 + author.message_id_len + digits_of(author.first + message) + 2
            if author.batch_id != NULL:
                headers += 15 + author.batch_id_len + BATCH_DIGITS + 2
                headers += 21 + digits_of(batch_sequence) + 2
                headers += 22 if commit else 0
            if headers:
                headers += 12
        at = put(at, b"HPUB ", 5) if headers else put(at, b"PUB ", 4)
        at = put(at, self.subject_at, self.subject_len)
        if self.width != NO_NUMBER:
            at = put_number(at, self.number(author, message), self.width)
        at[0] = 32
        at += 1
        if reply_len:
            at = put(at, reply, reply_len)
            at[0] = 32
            at += 1
        if headers:
            at = put_number(at, headers)
            at[0] = 32
            at += 1
        at = put(put_number(at, headers + payload), b"\r\n", 2)
        if not headers:
            return at
        at = put(at, FIRST_LINE, 10)
        if author.message_id != NULL:
            at = put(put(at, MESSAGE_ID, 13), author.message_id, author.message_id_len)
            at = put(put_number(at, author.first + message), b"\r\n", 2)
        if author.batch_id != NULL:
            at = put(put(at, BATCH_ID, 15), author.batch_id, author.batch_id_len)
            at = put(put_number(at, batch, BATCH_DIGITS), b"\r\n", 2)
            at = put(put_number(put(at, BATCH_SEQUENCE, 21), batch_sequence), b"\r\n", 2)
            if commit:
                at = put(at, COMMIT, 22)
        at = put(at, self.headers_at, self.headers_len)
        return put(at, b"\r\n", 2)
