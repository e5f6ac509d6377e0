"""Messages of a block as entries of an archive (`archive`), some at a time."""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE, PyByteArray_Resize
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.format.varint cimport UVARINT_MAX, put_uvarint
from pynats_server.jetstream.store.record cimport (
    EMPTY, HAS_HEADERS, HEAD, HELD_MAX, headers_of, record_within, stamp, subject_size, u32, u64,
)

from pynats_server.jetstream.store.errors import CorruptRecord

cdef enum:
    NUMBERS = 5  # of an entry


cdef size_t put_entry(uint8_t *out, const uint8_t *r) noexcept nogil:
    """Writes the entry of a record; returns its size."""
    cdef size_t rl = u32(r) & ~HAS_HEADERS, sn = subject_size(r), hn = 0, n = 0
    cdef int64_t ts = stamp(r)
    cdef const uint8_t *body = r + HEAD + sn
    cdef size_t size
    if u32(r) & HAS_HEADERS:
        body = headers_of(r, &hn)
    size = (r + rl - 8) - body - hn
    n += put_uvarint(out + n, sn)
    n += put_uvarint(out + n, (<uint64_t>ts << 1) ^ <uint64_t>(ts >> 63))
    n += put_uvarint(out + n, u64(r + 4))
    n += put_uvarint(out + n, hn)
    n += put_uvarint(out + n, size)
    memcpy(out + n, r + HEAD, sn)
    n += sn
    memcpy(out + n, body, hn + size)
    return n + hn + size


def put_entries(bytearray out not None, Block block not None, uint64_t start, uint64_t last,
                Py_ssize_t size, Py_ssize_t most):
    """Appends entries of the live messages from `start` to `last` of a block that is in memory,
    until `out` has `size` bytes or `most` records were looked at. Returns where to go on; 0 when
    the block has no more of them. Raises CorruptRecord."""
    cdef Py_ssize_t at = block.slot_from(max(start, block.first_seq))
    cdef const uint8_t *r
    cdef uint64_t seq
    cdef Py_ssize_t n
    cdef size_t rl
    last = min(last, block.last_seq)
    while at < block.count:
        r = block.buf + block.offs[at]
        seq = u64(r + 4)
        if seq > last:
            return 0
        n = PyByteArray_GET_SIZE(out)
        if n >= size or most <= 0:
            return seq
        at += 1
        most -= 1
        if block.deleted.has(seq):
            continue
        rl = record_within(block.key, r, block.size - (r - block.buf), HELD_MAX)
        if rl == 0:
            raise CorruptRecord(f"sequence {seq} in block {block.index} is damaged")
        PyByteArray_Resize(out, n + rl - EMPTY + NUMBERS * UVARINT_MAX)
        n += put_entry(<uint8_t *>PyByteArray_AS_STRING(out) + n, r)
        PyByteArray_Resize(out, n)
    return 0
