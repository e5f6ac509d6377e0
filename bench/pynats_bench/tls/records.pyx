"""Messages from one layer to another in memory, compiled, as a connection does it."""
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free
from posix.time cimport clock_gettime, timespec

from pynats_server.core.sockets.layer cimport LAYER_MORE, LAYER_OVERHEAD, LAYER_RECORD, Layer

cdef extern from "<time.h>":
    const int CLOCK_THREAD_CPUTIME_ID

cdef enum:
    LOT = 262144  # about so many bytes between two looks at the clock, which costs as much as a record
    READS_MOST = 64


cdef int64_t cpu_ns() noexcept nogil:
    cdef timespec at
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at)
    return at.tv_sec * 1000000000 + at.tv_nsec


def exchange(
    Layer sender not None, Layer receiver not None, size_t size, size_t burst, int lots
) -> tuple:
    """(messages, ns of the processor for sealing them, and for opening them): lots of messages, each
    a record of its own or several, of which `burst` are read at a time."""
    cdef size_t reads = max(1, min(LOT // (size * burst), READS_MOST))
    cdef size_t message = size + (size // LAYER_RECORD + 1) * LAYER_OVERHEAD
    cdef size_t room = reads * burst * message + LAYER_RECORD + LAYER_OVERHEAD
    cdef char* plain = <char*>calloc(1, max(size, <size_t>LAYER_RECORD))
    cdef char* sealed = <char*>calloc(1, room)
    cdef size_t ends[READS_MOST]
    cdef int64_t sealing = 0, opening = 0, begun, middle
    cdef size_t made, at, part, i, read, opened
    cdef ssize_t n = 0
    cdef int turn
    if plain == NULL or sealed == NULL:
        raise MemoryError()
    try:
        for turn in range(lots):
            begun = cpu_ns()
            made = 0
            for read in range(reads):
                for i in range(burst):
                    at = 0
                    while at < size:
                        part = min(size - at, <size_t>LAYER_RECORD)
                        n = sender.calls.seal(
                            sender.state, plain + at, part, sealed + made, room - made
                        )
                        if n < 0:
                            raise RuntimeError(sender.failure())
                        made += n
                        at += part
                ends[read] = made
            middle = cpu_ns()
            opened = made = 0
            for read in range(reads):
                receiver.calls.feed(receiver.state, sealed + made, ends[read] - made)
                made = ends[read]
                while True:
                    n = receiver.calls.open(receiver.state, plain, LAYER_RECORD)
                    if n <= 0:
                        break
                    opened += n
                if n != LAYER_MORE:
                    raise RuntimeError(receiver.failure())
            if opened != size * burst * reads:
                raise RuntimeError("not all of it has come through")
            sealing += middle - begun
            opening += cpu_ns() - middle
    finally:
        free(plain)
        free(sealed)
    return lots * reads * burst, sealing, opening
