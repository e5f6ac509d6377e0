"""The ceiling: one thread that moves bytes from one socket to another and does nothing else.

No broker on one thread can be faster on the same machine, because it also has to read every byte
from one socket and write it to another.
"""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.errno cimport EINTR, errno

from pynats_bench.engine.net cimport PATIENCE_NS, recv, send_all

cdef enum:
    RELAY_BYTES = 262144  # one read and one write; the size of a well tuned broker


def relay(int source, int sink):
    """Move bytes from socket `source` to socket `sink` until the source ends. Returns how many."""
    cdef unsigned long long moved = 0
    cdef ssize_t got
    cdef char *buffer = <char *>PyMem_Malloc(RELAY_BYTES)
    if buffer == NULL:
        raise MemoryError
    with nogil:
        while True:
            got = recv(source, buffer, RELAY_BYTES, 0)
            if got < 0 and errno == EINTR:
                continue
            if got <= 0 or send_all(sink, buffer, got, NULL, PATIENCE_NS) != 0:
                break
            moved += got
    PyMem_Free(buffer)
    return moved
