"""Contract of the delivery scanner: what a load engine needs to know about the bytes it receives."""

from libc.stdint cimport uint32_t, uint64_t


cdef struct Message:
    const char *reply       # start of the reply subject, or NULL
    size_t reply_len
    size_t head_len         # bytes of the control line, CRLF included
    uint64_t size           # payload bytes, header block included, CRLF excluded


cdef struct Scanner:
    uint32_t verb           # first four bytes of the counted control line, little endian
    uint64_t messages       # complete messages seen
    uint64_t payload_bytes  # their payloads, header blocks included
    uint64_t skip           # bytes of a payload (and its CRLF) still to come
    uint64_t skip_size      # payload size of that message
    # Memo of the last control line: its length and its last bytes ("... 128\r\n").
    size_t memo_head
    size_t memo_frame
    uint64_t memo_size
    uint64_t memo_tail
    uint64_t memo_mask
    uint32_t pings
    uint32_t pongs
    # Verification: eight payload bytes behind the header are (publisher << 48 | sequence).
    uint32_t publishers     # 0: verification is off
    size_t stamp_at         # where in the payload: the length of the header block
    uint64_t *next_sequence
    uint64_t disorder       # messages whose sequence was below one already seen
    uint64_t digest         # order-independent sum over all messages
    bint failed
    char error[256]


cdef uint64_t mix(uint64_t value) noexcept nogil
cdef int parse_message(const char *at, size_t size, Message *out) noexcept nogil
cdef size_t scan_line(Scanner *self, const char *at, size_t size) noexcept nogil
cdef size_t scan(Scanner *self, const char *at, size_t size) noexcept nogil
