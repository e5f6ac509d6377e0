"""Open fast batches, and the reply subjects that drive them (see fast.py)."""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from pynats_server.core.interest.message cimport Message


cdef struct FastReply:
    # What a reply subject `<prefix>.<id>.<flow>.<gap mode>.<sequence>.<operation>.$FI` says.
    const char* id
    size_t id_len
    uint64_t sequence
    uint32_t flow
    bint gap_ok
    int operation


cdef inline bint is_fast_reply(const char* reply, size_t length) noexcept nogil:
    return (
        length > 4 and reply[length - 4] == b'.' and reply[length - 3] == b'$'
        and reply[length - 2] == b'F' and reply[length - 1] == b'I'
    )


cdef class FastBatch:
    cdef readonly bytes id
    cdef public bint gap_ok
    cdef public uint64_t max_flow  # the publisher wants an acknowledgement at least so often
    cdef public uint64_t flow  # one is sent every so many messages
    cdef public uint64_t last  # sequence in the batch that came last
    cdef public uint64_t stored  # up to here everything is stored or given up
    cdef public uint64_t flowed  # acknowledged
    cdef public uint64_t stream_seq  # of the last message stored
    cdef uint64_t written, written_seq  # `stored` and `stream_seq` before what is not written yet
    cdef public int64_t touched  # monotonic ns

    # A message was stored as `stream_seq`; those up to `written_seq` will not be taken back.
    cdef void note(self, uint64_t stream_seq, uint64_t written_seq) noexcept


cdef class FastTable:
    """The open fast batches of one stream."""
    cdef readonly dict batches  # id -> FastBatch
    cdef FastBatch recent

    # The batch that a message simply continues; None when Python has to look.
    cdef FastBatch next_of(self, Message* msg)
    # Notes that the next message was stored. Whether an acknowledgement of `flowed` is due.
    cdef bint advance(
        self, FastBatch batch, uint64_t stream_seq, uint64_t written_seq
    ) noexcept
    cdef bint is_due(self, FastBatch batch) noexcept
