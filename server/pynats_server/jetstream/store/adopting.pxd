from libc.stdint cimport uint64_t

from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.streamindex cimport StreamIndex


cdef class Adopting(StreamIndex):
    cdef Block numbered(self, uint64_t index)
