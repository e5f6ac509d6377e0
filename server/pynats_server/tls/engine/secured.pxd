"""A TLS session as the layer of a connection."""
from pynats_server.core.sockets.layer cimport Layer
from pynats_server.tls.engine.library cimport SSL_CTX, OpenSSL
from pynats_server.tls.engine.session cimport Session


cdef class Shared:
    """What sessions need of their context."""
    cdef readonly OpenSSL library
    cdef SSL_CTX* ctx
    cdef bint client
    cdef bint verifies


cdef class TlsLayer(Layer):
    cdef Shared context  # keeps what the session uses
    cdef Session session

    cdef _expect(self, bytes name, bytes address)
