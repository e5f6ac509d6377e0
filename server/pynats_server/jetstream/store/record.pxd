"""The record format, shared by the compiled parts. Little endian, nats-server's:

u32 length, high bit = has headers; u64 sequence, bit 63 = erased or skipped, bit 62 = tombstone;
i64 ns; u16 subject length; subject; [u32 header length, header]; payload; HighwayHash-64 over
sequence, time, subject, header and payload.

A tombstone normally has no subject and deletes one sequence. One with the subject `>` is a
floor: everything up to its sequence is gone. nats-server takes it for a plain tombstone. Its
payload, if any, is a note: how far sources had come (`format.sources_db`).
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from pynats_server.jetstream.store.format.highway cimport hw_hash64, hw_piece

cdef extern from "<string.h>" nogil:
    void *memmem(const void *haystack, size_t n, const void *needle, size_t m)

cdef extern from *:
    """
    #define RECORD_ERASED (1ULL << 63)
    #define RECORD_TOMBSTONE (1ULL << 62)
    #define RECORD_SEQ_MASK ((1ULL << 62) - 1)
    #define RECORD_HAS_HEADERS 0x80000000u
    #define RECORD_LIMIT ((size_t)32 * 1024 * 1024)
    """
    const uint64_t ERASED "RECORD_ERASED"
    const uint64_t TOMBSTONE "RECORD_TOMBSTONE"
    const uint64_t SEQ_MASK "RECORD_SEQ_MASK"
    const uint32_t HAS_HEADERS "RECORD_HAS_HEADERS"
    const size_t RECORD_MAX "RECORD_LIMIT"

cdef enum:
    HEAD = 22                  # length, sequence, time and subject length
    EMPTY = 30                 # a record that carries nothing: the head and the checksum
    MEMORY_OVERHEAD = 16       # what nats-server counts for a message in memory beyond its bytes


cpdef inline size_t record_size(
    size_t subject_size, size_t headers_size, size_t payload_size
) noexcept nogil:
    """Bytes of a message's record on disk: 30 more than its own, 34 with headers."""
    return EMPTY + subject_size + payload_size + (4 + headers_size if headers_size else 0)


cpdef inline size_t counted_size(
    bint on_disk, size_t subject_size, size_t headers_size, size_t payload_size
) noexcept nogil:
    """What a store of this kind counts for a message, and limits of bytes with it."""
    if on_disk:
        return record_size(subject_size, headers_size, payload_size)
    return MEMORY_OVERHEAD + subject_size + headers_size + payload_size


cdef inline uint32_t u32(const uint8_t *p) noexcept nogil:
    cdef uint32_t v
    memcpy(&v, p, 4)
    return v

cdef inline uint64_t u64(const uint8_t *p) noexcept nogil:
    cdef uint64_t v
    memcpy(&v, p, 8)
    return v

cdef inline size_t counted_in(bint on_disk, const uint8_t *r) noexcept nogil:
    """`counted_size` of the message in a record."""
    cdef size_t rl = u32(r) & ~HAS_HEADERS
    if on_disk:
        return rl
    return rl - EMPTY - (4 if u32(r) & HAS_HEADERS else 0) + MEMORY_OVERHEAD

cdef inline size_t subject_size(const uint8_t *r) noexcept nogil:
    return r[20] | (<size_t>r[21] << 8)

cdef inline int64_t stamp(const uint8_t *r) noexcept nogil:
    return <int64_t>u64(r + 12)

cdef inline const uint8_t *headers_of(const uint8_t *r, size_t *size) noexcept nogil:
    """Header block of a record that has one."""
    cdef size_t sn = subject_size(r)
    size[0] = u32(r + HEAD + sn)
    return r + HEAD + sn + 4


cdef struct Content:
    # What a record carries. The header block is in front of the payload, and both are one piece.
    const uint8_t *subject
    const uint8_t *headers
    const uint8_t *payload
    size_t subject_len
    size_t headers_len  # 0 = none
    size_t payload_len


cdef inline void take_apart(const uint8_t *r, Content *content) noexcept nogil:
    content.subject = r + HEAD
    content.subject_len = subject_size(r)
    content.headers = content.subject + content.subject_len
    content.headers_len = 0
    if u32(r) & HAS_HEADERS:
        content.headers = headers_of(r, &content.headers_len)
    content.payload = content.headers + content.headers_len
    content.payload_len = r + (u32(r) & ~HAS_HEADERS) - 8 - content.payload


cdef inline uint64_t record_sum(const uint8_t *key, const uint8_t *r, size_t rl) noexcept nogil:
    """Checksum of a framed record; the header length itself is not covered by the format."""
    cdef hw_piece piece[3]
    cdef size_t sn = subject_size(r)
    piece[0].data, piece[0].size = r + 4, 16
    if u32(r) & HAS_HEADERS:
        piece[1].data, piece[1].size = r + HEAD, sn
        piece[2].data, piece[2].size = r + HEAD + sn + 4, rl - HEAD - 8 - sn - 4
        return hw_hash64(key, piece, 3)
    piece[1].data, piece[1].size = r + HEAD, rl - HEAD - 8
    return hw_hash64(key, piece, 2)


cdef inline bint has_sound_end(const uint8_t *block, size_t hn, size_t left) noexcept nogil:
    """Whether the header block that starts the `left` bytes of headers and payload can end after
    `hn` bytes. Clients may send blocks without an end; such a one is told from a damaged length
    by there being no end anywhere, and what holds one elsewhere must not be stored."""
    if left < 4 or memcmp(block, "NATS", 4) != 0:
        return True
    if hn >= 12 and memcmp(block + hn - 4, "\r\n\r\n", 4) == 0:
        return True
    return memmem(block, left, "\r\n\r\n", 4) == NULL


cdef enum:
    HELD_MAX = 1 << 30  # bytes of a record in memory, whose length has 31 bits


cdef inline size_t record_at(const uint8_t *key, const uint8_t *r, size_t left) noexcept nogil:
    """Length of the intact record at `r` of a file, or 0."""
    return record_within(key, r, left, RECORD_MAX)


cdef inline size_t record_within(const uint8_t *key, const uint8_t *r, size_t left,
                                 size_t most) noexcept nogil:
    """Length of the intact record at `r`, or 0 if there is none of at most `most` bytes. Beyond the
    checksum this refuses a header block that does not end where its length says, which the checksum
    alone cannot see."""
    cdef size_t rl, sn, hn
    if left < EMPTY:
        return 0
    rl = u32(r) & ~HAS_HEADERS
    sn = subject_size(r)
    if rl < EMPTY or rl > left or rl > most or sn + EMPTY > rl:
        return 0
    if u32(r) & HAS_HEADERS:
        if sn + 4 + EMPTY > rl:
            return 0
        hn = u32(r + HEAD + sn)
        if hn > rl - EMPTY - sn - 4:
            return 0
        if not has_sound_end(r + HEAD + sn + 4, hn, rl - EMPTY - sn - 4):
            return 0
    if record_sum(key, r, rl) != u64(r + rl - 8):
        return 0
    return rl
