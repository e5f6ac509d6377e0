"""A delivery: the stored message as it is sent, and the subject that acknowledges it."""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from pynats_server.core.interest.message cimport Message
from pynats_server.jetstream.digits cimport DIGITS_SLACK, put_digits
from pynats_server.jetstream.scratch cimport Scratch
from pynats_server.jetstream.store.record cimport Content, take_apart

cdef enum:
    REPLY_MAX = 1024  # bytes of an acknowledgement subject: names and five numbers
    NUMBERS_MAX = 5 * 21
    REPLY_ROOM = REPLY_MAX + DIGITS_SLACK


cdef inline size_t put_number(char* at, uint64_t number) noexcept:
    """A token in front of others."""
    cdef size_t n = put_digits(at, number)
    at[n] = c'.'
    return n + 1


cdef inline size_t put_reply(
    char* at, bytes head, uint32_t count, uint64_t seq, uint64_t delivery, int64_t ts,
    uint64_t pending
) noexcept:
    """The acknowledgement subject, where REPLY_ROOM bytes are; its length."""
    cdef size_t n = len(head)
    memcpy(at, <const char*>head, n)
    n += put_number(at + n, count)
    n += put_number(at + n, seq)
    n += put_number(at + n, delivery)
    n += put_number(at + n, ts)
    return n + put_digits(at + n, pending)


cdef inline void build(Message* msg, const uint8_t* record) noexcept:
    """Subject, headers and payload, where they are stored."""
    cdef Content content
    take_apart(record, &content)
    msg.subject = <const char*>content.subject
    msg.subject_len = <uint32_t>content.subject_len
    msg.payload = <const char*>content.headers
    msg.header_len = <uint32_t>content.headers_len
    msg.total_len = <uint32_t>(content.headers_len + content.payload_len)


# Adds lines to the headers.
cdef int rewrite(Message* msg, Scratch* scratch, bytes lines, bint with_body) except -1
# Leaves the headers, with the size of what they stood in front of, and lines after it.
cdef int behead(Message* msg, Scratch* scratch, bytes lines) except -1
