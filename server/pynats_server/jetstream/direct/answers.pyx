"""See answers.pxd."""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy

from pynats_server.jetstream.digits cimport put_digits, put_eight
from pynats_server.jetstream.scratch cimport make_room
from pynats_server.jetstream.store.record cimport (
    Content, stamp, take_apart, u64,
)

from datetime import date

from pynats_common.go.times import format_time_ns

cdef enum:
    OWN_MAX = 256  # bytes of the headers, besides names and what the message brings

cdef enum:
    SECOND_NS = 1000000000
    DAY_S = 86400

cdef object EPOCH_DAY = date(1970, 1, 1).toordinal()


cdef inline char* put(char* p, const void* text, size_t n) noexcept nogil:
    memcpy(p, text, n)
    return p + n


cdef inline char* put_two(char* p, int64_t number) noexcept nogil:
    p[0] = <char>(c'0' + number // 10)
    p[1] = <char>(c'0' + number % 10)
    return p + 2


cdef class Answers:
    def __cinit__(self):
        self.day = self.second = -1

    def __dealloc__(self):
        free(self.scratch.bytes)

    cdef char* put_time(self, char* p, int64_t ts) except NULL:
        """As `format_time_ns`."""
        cdef int64_t second
        cdef uint32_t fraction
        cdef int places = 9
        if ts <= 0:
            text = format_time_ns(ts).encode()
            return put(p, <const char*>text, len(text))
        second = <uint64_t>ts // SECOND_NS
        if second != self.second:
            self.note_second(second)
        p = put(p, self.clock, sizeof(self.clock))
        fraction = <uint32_t>(ts - second * SECOND_NS)
        if fraction:
            p[0] = c'.'
            put_eight(p + 1, fraction // 10)
            p[9] = <char>(c'0' + fraction % 10)
            while p[places] == c'0':
                places -= 1
            p += 1 + places
        p[0] = c'Z'
        return p + 1

    cdef int note_second(self, int64_t second) except -1:
        cdef int64_t day = second // DAY_S, rest = second % DAY_S
        cdef char* p
        if day != self.day:
            self.date = date.fromordinal(EPOCH_DAY + day).isoformat().encode()
            self.day = day
        self.second = second
        p = put(self.clock, <const char*>self.date, 10)
        p[0] = c'T'
        p = put_two(p + 1, rest // 3600)
        p[0] = c':'
        p = put_two(p + 1, rest // 60 % 60)
        p[0] = c':'
        put_two(p + 1, rest % 60)
        return 0

    cdef int build(
        self, Message* msg, bytes stream, Block block, Py_ssize_t slot, const Rest* rest
    ) except -1:
        cdef Content content
        cdef const uint8_t* r = block.buf + block.offs[slot]
        cdef size_t own
        cdef char* start
        cdef char* p
        take_apart(r, &content)
        own = content.headers_len
        make_room(
            &self.scratch,
            own + len(stream) + content.subject_len + content.payload_len + OWN_MAX,
        )
        p = start = <char*>self.scratch.bytes
        if own:
            p = put(p, content.headers, own - 4 if own > 4 else 0)
        else:
            p = put(p, b"NATS/1.0", 8)
        p = put(p, b"\r\nNats-Stream: ", 15)
        p = put(p, <const char*>stream, len(stream))
        p = put(p, b"\r\nNats-Subject: ", 16)
        p = put(p, content.subject, content.subject_len)
        p = put(p, b"\r\nNats-Sequence: ", 17)
        p += put_digits(p, u64(r + 4))
        p = put(p, b"\r\nNats-Time-Stamp: ", 19)
        p = self.put_time(p, stamp(r))
        if rest != NULL:
            p = put(p, b"\r\nNats-Num-Pending: ", 20)
            p += put_digits(p, rest.pending)
            p = put(p, b"\r\nNats-Last-Sequence: ", 22)
            p += put_digits(p, rest.last)
        p = put(p, b"\r\n\r\n", 4)
        msg.header_len = <uint32_t>(p - start)
        p = put(p, content.payload, content.payload_len)
        msg.payload = start
        msg.total_len = <uint32_t>(p - start)
        return 0

    cdef int build_plain(self, Message* msg, Block block, Py_ssize_t slot) except -1:
        cdef Content content
        take_apart(block.buf + block.offs[slot], &content)
        make_room(&self.scratch, content.payload_len + 1)
        memcpy(self.scratch.bytes, content.payload, content.payload_len)
        msg.payload = <const char*>self.scratch.bytes
        msg.header_len = 0
        msg.total_len = <uint32_t>content.payload_len
        return 0
