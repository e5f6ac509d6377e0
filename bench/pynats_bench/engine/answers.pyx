"""Reads the JSON of acknowledgements and refusals: the few fields that matter, without a parser."""

from libc.stdint cimport uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memchr, memcmp

from pynats_bench.model import LoadError

cdef enum:
    NO_VALUE = 0
    SHOWN = 300


cdef const char *find(const char *at, size_t size, const char *key, size_t length) noexcept nogil:
    cdef const char *end = at + size
    while <size_t>(end - at) >= length:
        at = <const char *>memchr(at, key[0], end - at - length + 1)
        if at == NULL:
            return NULL
        if memcmp(at, key, length) == 0:
            return at + length
        at += 1
    return NULL


cdef uint64_t value_of(const char *at, size_t size, const char *key, size_t length) noexcept nogil:
    cdef const char *end = at + size
    cdef uint64_t value = 0
    at = find(at, size, key, length)
    if at == NULL:
        return NO_VALUE
    while at < end and at[0] == 32:
        at += 1
    while at < end and 48 <= at[0] <= 57:
        value = value * 10 + <uint64_t>(at[0] - 48)
        at += 1
    return value


cdef uint64_t plain_sequence(const char *at, size_t size) noexcept nogil:
    """That of a PubAck which says nothing else, 0 for any other answer."""
    cdef const char *digit = at + size - 2
    cdef uint64_t value = 0, power = 1
    if size < 20 or at[size - 1] != 125 or memcmp(at, b'{"stream":"', 11) != 0:
        return 0
    while digit > at + 11 and 48 <= digit[0] <= 57:
        value += <uint64_t>(digit[0] - 48) * power
        power *= 10
        digit -= 1
    return value if digit > at + 16 and memcmp(digit - 5, b'"seq":', 6) == 0 else 0


cdef Ack read_ack(const char *at, size_t size) noexcept nogil:
    cdef Ack ack
    ack.sequence = plain_sequence(at, size)
    if ack.sequence:
        ack.count = 0
        ack.error = ack.duplicate = False
        return ack
    ack.error = find(at, size, b'"error":', 8) != NULL
    ack.duplicate = find(at, size, b'"duplicate":', 12) != NULL
    ack.sequence = value_of(at, size, b'"seq":', 6)
    ack.count = value_of(at, size, b'"count":', 8)
    return ack


cdef void describe(char *out, size_t room, const char *what, const char *at, size_t size) noexcept nogil:
    cdef const char *words = find(at, size, b'"description":', 14)
    cdef const char *end = at + size
    cdef uint64_t code = value_of(at, size, b'"err_code":', 11)
    cdef size_t shown = 0
    while words != NULL and words < end and words[0] == 32:
        words += 1
    if words == NULL or words >= end or words[0] != 34 or not code:
        snprintf(out, room, b"%s: %.*s", what, <int>min(size, <size_t>SHOWN), at)
        return
    words += 1
    while words + shown < end and words[shown] != 34 and shown < SHOWN:
        shown += 1
    snprintf(out, room, b"%s: %.*s (%llu)", what, <int>shown, words, <unsigned long long>code)


def parse_ack(bytes data):
    """(sequence, batch count or 0) of a PubAck. LoadError when it is an error or a duplicate."""
    cdef Ack ack = read_ack(data, len(data))
    if ack.error or ack.duplicate or ack.sequence == 0:
        raise LoadError(f"the publish was refused: {data.decode('utf-8', 'replace')}")
    return ack.sequence, ack.count
