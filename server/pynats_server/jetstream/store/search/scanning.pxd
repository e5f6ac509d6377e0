from pynats_server.jetstream.store.adopting cimport Adopting


cdef class Scanning(Adopting):
    pass
