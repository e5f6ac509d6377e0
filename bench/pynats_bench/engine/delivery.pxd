"""Deliveries: a message of a consumer, or the server's word about it."""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memchr, memcmp

cdef extern from "string.h" nogil:
    void *memmem(const void *haystack, size_t size, const void *needle, size_t length)
    void *memrchr(const void *at, int byte, size_t size)

cdef enum:
    LINE_MAX = 16384
    DIGITS_MAX = 10   # of a size
    STATUS_MIN = 13   # `NATS/1.0 100` and something behind

cdef enum:
    INCOMPLETE = 0
    WHOLE = 1
    BAD = -1


cdef struct Delivery:
    const char *reply     # or NULL
    size_t reply_len
    const char *headers   # the header block, or NULL
    size_t header_len
    const char *payload
    size_t size           # of the payload, without headers
    size_t frame          # of everything, CRLF included


cdef inline bint number_before(const char *at, const char **end, uint64_t *value) noexcept nogil:
    """The number in front of `end`, which becomes the blank in front of it. False: there is none
    behind the line's beginning `at`."""
    cdef const char *cursor = end[0] - 1
    cdef uint64_t scale = 1
    cdef int digits = 0
    while cursor > at and 48 <= cursor[0] <= 57 and digits < DIGITS_MAX:
        value[0] += <uint64_t>(cursor[0] - 48) * scale
        scale *= 10
        digits += 1
        cursor -= 1
    end[0] = cursor
    return digits > 0 and cursor[0] == 32 and cursor > at


cdef inline int parse_delivery(const char *at, size_t size, Delivery *out) noexcept nogil:
    """MSG subject sid [reply] size, HMSG subject sid [reply] headers size."""
    cdef const char *end = <const char *>memchr(at, 10, min(size, <size_t>LINE_MAX))
    cdef const char *cursor
    cdef const char *last
    cdef uint64_t total = 0, headers = 0
    cdef bint with_headers = at[0] == 72
    if end == NULL:
        return BAD if size >= LINE_MAX else INCOMPLETE
    if end - at < 8 or (end - 1)[0] != 13:
        return BAD
    cursor = end - 1
    if not number_before(at, &cursor, &total):
        return BAD
    if with_headers and (not number_before(at, &cursor, &headers) or headers > total):
        return BAD
    out.frame = (end + 1 - at) + total + 2
    if size < out.frame:
        return INCOMPLETE
    last = cursor  # blank behind the reply, or behind the sid
    # A reply has some 70 bytes: looked through one by one they took a third of all.
    cursor = <const char *>memrchr(at, 32, last - at)
    if cursor == NULL:
        return BAD
    out.reply = cursor + 1
    out.reply_len = last - out.reply
    out.header_len = headers
    out.headers = end + 1 if with_headers else NULL
    out.payload = end + 1 + headers
    out.size = total - headers
    # With a sid in this place there is no reply: sids of these clients have no dots.
    if memchr(out.reply, 46, out.reply_len) == NULL:
        out.reply = NULL
        out.reply_len = 0
    return WHOLE


cdef inline uint64_t sequence_of(
    const char *reply, size_t length, uint64_t *consumer
) noexcept nogil:
    """The stream's, of `$JS.ACK.….<stream's>.<consumer's>.<time>.<pending>`; 0: it is none.
    `consumer` may be NULL."""
    cdef const char *cursor = reply + length
    cdef uint64_t value = 0, scale = 1
    cdef int dots
    if length < 9 or memcmp(reply, b"$JS.ACK.", 8) != 0:
        return 0
    for dots in range(2 if consumer != NULL else 3):
        cursor = <const char *>memrchr(reply, 46, cursor - reply)
        if cursor == NULL:
            return 0
    if consumer != NULL:
        cursor -= 1
        while cursor > reply and 48 <= cursor[0] <= 57:
            value += <uint64_t>(cursor[0] - 48) * scale
            scale *= 10
            cursor -= 1
        consumer[0] = value
        value, scale = 0, 1
    cursor -= 1
    while cursor > reply and 48 <= cursor[0] <= 57:
        value += <uint64_t>(cursor[0] - 48) * scale
        scale *= 10
        cursor -= 1
    return value


cdef inline int status_of(Delivery *item) noexcept nogil:
    """The code of a status line (`NATS/1.0 409 …`), 0 when the delivery is a message."""
    cdef const char *code
    if (item.headers == NULL or item.header_len <= STATUS_MIN
            or memcmp(item.headers, b"NATS/1.0 ", 9) != 0):
        return 0
    code = item.headers + 9
    return (code[0] - 48) * 100 + (code[1] - 48) * 10 + (code[2] - 48)


cdef inline const char *header_value(
    Delivery *item, const char *name, size_t name_len, size_t *length
) noexcept nogil:
    """A header's value, or NULL; `name` ends with ": "."""
    cdef const char *value
    cdef const char *end
    value = <const char *>memmem(item.headers, item.header_len, name, name_len)
    if value == NULL:
        return NULL
    value += name_len
    end = <const char *>memchr(value, 13, item.headers + item.header_len - value)
    if end == NULL:
        return NULL
    length[0] = end - value
    return value


cdef inline int64_t header_number(Delivery *item, const char *name, size_t name_len) noexcept nogil:
    """The same as a number, -1 without it."""
    cdef size_t length = 0, at
    cdef int64_t number = 0
    cdef const char *value = header_value(item, name, name_len, &length)
    if value == NULL:
        return -1
    for at in range(length):
        if not 48 <= value[at] <= 57:
            return -1
        number = number * 10 + (value[at] - 48)
    return number
