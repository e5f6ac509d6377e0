"""Contract of the delivery scanner: what a load engine needs to know about the bytes it receives."""

from libc.stdint cimport uint32_t, uint64_t


cdef struct Message:
    const char *reply       # start of the reply subject, or NULL
    size_t reply_len
    size_t head_len         # bytes of the control line, CRLF included
    size_t header_len       # of the payload's bytes, those of the header block
    uint64_t size           # payload bytes, header block included, CRLF excluded


cdef struct Scanner:
    uint32_t verb           # first four bytes of the counted control line, little endian
    uint64_t messages       # complete messages seen
    uint64_t limit          # of them; what is behind the last one is not looked at. 0: none
    uint64_t payload_bytes  # their payloads, header blocks included
    uint64_t header_bytes   # of these, header blocks; `careful` only
    uint64_t skip           # bytes of a payload (and its CRLF) still to come
    uint64_t skip_size      # payload size of that message
    # Memo of the last control line: its length and its last bytes ("... 128\r\n").
    size_t memo_head
    size_t memo_frame
    uint64_t memo_size
    uint64_t memo_tail
    uint64_t memo_mask
    uint32_t memo_verb
    int memo_digits         # of it, the blank, the size and the CRLF
    # Whoever publishes: MSG and HMSG are counted, whatever the payloads hold, and `stamp` is the
    # time (CLOCK_REALTIME ns) of a payload that begins with STAMP_MAGIC, of the last one that came
    # to its end; 0: none. `half_stamp` is that of the payload that is still coming.
    bint careful
    uint64_t skip_headers
    uint64_t stamp
    uint64_t half_stamp
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


cdef enum:
    STAMP_BYTES = 16        # STAMP_MAGIC and the time


cdef inline void write_digits(char *at, uint64_t value, int width) noexcept nogil:
    while width:
        width -= 1
        at[width] = <char>(48 + value % 10)
        value //= 10


cdef uint64_t mix(uint64_t value) noexcept nogil
cdef int parse_message(const char *at, size_t size, Message *out) noexcept nogil
cdef size_t scan_line(Scanner *self, const char *at, size_t size) noexcept nogil
cdef size_t scan(Scanner *self, const char *at, size_t size) noexcept nogil
