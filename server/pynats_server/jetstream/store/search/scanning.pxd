from pynats_server.jetstream.store.streamindex cimport StreamIndex


cdef class Scanning(StreamIndex):
    pass
