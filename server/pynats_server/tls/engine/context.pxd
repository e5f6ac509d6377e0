"""What is made once and shared by many connections: certificates, keys, rules. Never changed after it
was made: a reload makes a new one. Otherwise tickets of old rules would resume under new ones, with
nobody's certificate looked at.
"""
from pynats_server.tls.engine.library cimport EVP_PKEY, X509, Library
from pynats_server.tls.engine.secured cimport Shared


cdef struct Held:
    X509* certificate
    EVP_PKEY* key
    const char** names  # in lower case
    int count


cdef struct Choice:
    # What callbacks of the handshake know: C only, because they run without the interpreter's lock.
    const Library* lib
    Held* held
    int count
    const char* staple
    int staple_length


cdef class Context(Shared):
    cdef Choice choice
    cdef list kept  # the bytes that `choice` points to
