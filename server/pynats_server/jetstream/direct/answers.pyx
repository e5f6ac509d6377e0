"""See answers.pxd."""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from pynats_server.core.native cimport pn_put_uint
from pynats_server.jetstream.store.record cimport (
    HELD_MAX, Content, record_within, stamp, take_apart, u64,
)

from datetime import date

from pynats_common.go.times import format_time_ns

cdef enum:
    OWN_MAX = 256  # bytes of the headers, besides names and what the message brings

cdef int64_t SECOND_NS = 1000000000
cdef int64_t DAY_NS = 86400 * SECOND_NS
cdef object EPOCH_DAY = date(1970, 1, 1).toordinal()


cdef inline bint is_sound(Block block, Py_ssize_t slot) noexcept nogil:
    cdef const uint8_t* r = block.buf + block.offs[slot]
    return record_within(block.key, r, block.size - block.offs[slot], HELD_MAX) != 0


cdef inline char* put(char* p, const void* text, size_t n) noexcept nogil:
    memcpy(p, text, n)
    return p + n


cdef inline char* put_two(char* p, int64_t number) noexcept nogil:
    p[0] = <char>(c'0' + number // 10)
    p[1] = <char>(c'0' + number % 10)
    return p + 2


cdef class Answers:
    def __cinit__(self):
        self.day = -1

    def __dealloc__(self):
        free(self.memory)

    cdef int make_room(self, size_t need) except -1:
        cdef char* grown
        if need > self.size:
            grown = <char*>realloc(self.memory, need)
            if grown == NULL:
                raise MemoryError()
            self.memory, self.size = grown, need
        return 0

    cdef char* put_time(self, char* p, int64_t ts) except NULL:
        """As `format_time_ns`."""
        cdef int64_t day, rest, fraction
        cdef int places
        if ts <= 0:
            text = format_time_ns(ts).encode()
            return put(p, <const char*>text, len(text))
        day = ts // DAY_NS
        if day != self.day:
            self.date = date.fromordinal(EPOCH_DAY + day).isoformat().encode()
            self.day = day
        rest = ts % DAY_NS
        fraction = rest % SECOND_NS
        rest //= SECOND_NS
        p = put(p, <const char*>self.date, 10)
        p[0] = c'T'
        p = put_two(p + 1, rest // 3600)
        p[0] = c':'
        p = put_two(p + 1, rest // 60 % 60)
        p[0] = c':'
        p = put_two(p + 1, rest % 60)
        if fraction:
            p[0] = c'.'
            places = 9
            while fraction % 10 == 0:
                fraction //= 10
                places -= 1
            rest = places
            while places:
                p[places] = <char>(c'0' + fraction % 10)
                fraction //= 10
                places -= 1
            p += 1 + rest
        p[0] = c'Z'
        return p + 1

    cdef bint build(
        self, Message* msg, bytes stream, Block block, Py_ssize_t slot, const Rest* rest
    ) except -1:
        cdef Content content
        cdef const uint8_t* r = block.buf + block.offs[slot]
        cdef size_t own
        cdef char* p
        if not is_sound(block, slot):
            return False
        take_apart(r, &content)
        own = content.headers_len
        self.make_room(own + len(stream) + content.subject_len + content.payload_len + OWN_MAX)
        p = self.memory
        if own:
            p = put(p, content.headers, own - 4 if own > 4 else 0)
        else:
            p = put(p, b"NATS/1.0", 8)
        p = put(p, b"\r\nNats-Stream: ", 15)
        p = put(p, <const char*>stream, len(stream))
        p = put(p, b"\r\nNats-Subject: ", 16)
        p = put(p, content.subject, content.subject_len)
        p = put(p, b"\r\nNats-Sequence: ", 17)
        p += pn_put_uint(p, u64(r + 4))
        p = put(p, b"\r\nNats-Time-Stamp: ", 19)
        p = self.put_time(p, stamp(r))
        if rest != NULL:
            p = put(p, b"\r\nNats-Num-Pending: ", 20)
            p += pn_put_uint(p, rest.pending)
            p = put(p, b"\r\nNats-Last-Sequence: ", 22)
            p += pn_put_uint(p, rest.last)
        p = put(p, b"\r\n\r\n", 4)
        msg.header_len = <uint32_t>(p - self.memory)
        p = put(p, content.payload, content.payload_len)
        msg.payload = self.memory
        msg.total_len = <uint32_t>(p - self.memory)
        return True

    cdef bint build_plain(self, Message* msg, Block block, Py_ssize_t slot) except -1:
        cdef Content content
        if not is_sound(block, slot):
            return False
        take_apart(block.buf + block.offs[slot], &content)
        self.make_room(content.payload_len + 1)
        memcpy(self.memory, content.payload, content.payload_len)
        msg.payload = self.memory
        msg.header_len = 0
        msg.total_len = <uint32_t>content.payload_len
        return True
