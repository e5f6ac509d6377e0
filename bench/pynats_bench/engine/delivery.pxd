"""Contract of the delivery parser: a message of a consumer, or the server's word about it."""

from libc.stdint cimport int64_t, uint64_t

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


# The sequences that a delivery's reply subject names.
cdef struct Sequences:
    uint64_t stream
    uint64_t consumer


# MSG subject sid [reply] size, HMSG subject sid [reply] headers size: BAD, INCOMPLETE or WHOLE.
cdef int parse_delivery(const char *at, size_t size, Delivery *out) noexcept nogil
# Of `$JS.ACK.….<stream's>.<consumer's>.<time>.<pending>`. False: it is none.
cdef bint sequences_of(const char *reply, size_t length, Sequences *out) noexcept nogil
# The code of a status line (`NATS/1.0 409 …`), 0 when the delivery is a message.
cdef int status_of(Delivery *item) noexcept nogil
# A header's value, or NULL; `name` ends with ": ".
cdef const char *header_value(
    Delivery *item, const char *name, size_t name_len, size_t *length) noexcept nogil
# The same as a number, -1 without it.
cdef int64_t header_number(Delivery *item, const char *name, size_t name_len) noexcept nogil
