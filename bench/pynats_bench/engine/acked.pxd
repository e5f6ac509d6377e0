"""Contract of the acknowledged publisher: what the one of fast batches inherits."""

from libc.stdint cimport int64_t, uint64_t

from pynats_bench.engine.frames cimport Author, Frames
from pynats_bench.engine.loop cimport Connection
from pynats_bench.engine.receiving cimport ReceivingLoop
from pynats_bench.engine.scan cimport Message

cdef enum:
    STARTS = 4        # operations that can be under way in one lane, a power of two
    REPLY_ROOM = 512  # a reply subject
    REPLY_TAIL = 64   # what comes behind a lane's part of it


cdef struct Lane:
    Author author
    const char *reply        # its reply subjects, up to the number
    size_t reply_len
    # What is to be sent next: frames, or the head of one whose body follows from where it is.
    char *out
    size_t position
    size_t filled
    size_t body_left
    # The head of the next message, where only digits change from one to the next.
    char *image
    size_t image_len         # 0: there is none
    uint64_t image_number
    # Units, see acked.pyx, and the messages in them.
    uint64_t units           # 0: no end
    uint64_t sent
    uint64_t in_unit         # messages of the next unit that have been written
    uint64_t written         # messages of all units
    uint64_t acknowledged
    uint64_t oldest          # the first unit without acknowledgement
    uint64_t round_end
    unsigned char *seen
    # Fast batches: what the server has said.
    uint64_t covered         # messages
    uint64_t flow            # messages to an acknowledgement
    bint begun
    bint committed
    # Time.
    uint64_t operation       # the number of the one that is being sent
    uint64_t done            # operations that are over
    int64_t starts[STARTS]
    int64_t held_ns          # since when the pace holds it up; 0: it does not
    int64_t moved_ns         # when something was last heard, or sent after a silence
    bint finished


cdef class AckPublishLoop(ReceivingLoop):
    cdef Lane *lanes
    cdef Frames frames
    cdef uint64_t window
    cdef uint64_t batch
    cdef uint64_t ring
    cdef bint whole
    cdef bint alike          # heads differ in digits only, see `Lane.image`
    cdef bint large
    cdef size_t out_size
    cdef int64_t base
    cdef int open_lanes
    cdef readonly uint64_t duplicates

    # What it is about: which message may be written, how, and what an answer to it means.
    cdef bint ready(self, Connection *connection, Lane *lane) noexcept nogil
    cdef char *write(self, Connection *connection, Lane *lane, char *at, int64_t *now) noexcept nogil
    cdef bint acknowledge(self, Connection *connection, Lane *lane, const char *at,
                          Message *message, int64_t now) noexcept nogil
    cdef bint owed(self, Lane *lane) noexcept nogil
    # The same for all.
    cdef void write_next(self, Lane *lane) noexcept nogil
    cdef bint fill(self, Connection *connection, Lane *lane) noexcept nogil
    cdef void let_go(self, Lane *lane, int64_t now) noexcept nogil
    cdef bint push(self, Connection *connection, int index) noexcept nogil
    cdef void finish(self, Lane *lane) noexcept nogil
    cdef void counted(self, Connection *connection, uint64_t messages, int64_t now) noexcept nogil
    cdef void took(self, Connection *connection, Lane *lane, int64_t now) noexcept nogil
    cdef bint refuse(self, Connection *connection, const char *what, const char *at, size_t size) noexcept nogil
