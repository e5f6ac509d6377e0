from libc.stdint cimport uint64_t

from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.search.scanning cimport Scanning
from pynats_server.jetstream.store.subjects cimport Leaf


cdef class Rings(Scanning):
    cdef public bint gathering         # rings of the messages stored before are being looked for

    cdef uint64_t first_of(self, Leaf *leaf) except? 0
    cdef int settle(self, Block block) except -1
    cdef int build_rings(self) except -1
