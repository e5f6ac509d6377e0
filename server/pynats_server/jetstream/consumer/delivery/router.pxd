"""Finds consumers by the names in subjects, see router.pyx."""
from pynats_server.core.interest.message cimport Message
from pynats_server.core.memory.bytemap cimport ByteMap
from pynats_server.jetstream.consumer.delivery.feed cimport Feed

cdef enum:
    TOKENS_MAX = 13


cdef struct Parts:
    const char* at[TOKENS_MAX]
    size_t size[TOKENS_MAX]
    int count


cdef class Router:
    """Of one account: its consumers by `stream.consumer`."""
    cdef ByteMap places
    cdef dict feeds  # owns what `places` points to
    cdef bytes domain, account_hash
    cdef bint with_account  # the subjects that are sent have domain and account
    cdef Feed last  # whose acknowledgement came last, while it can be found

    # Whether the third and fourth token are this account's domain and hash.
    cdef bint is_own(self, Parts* parts) noexcept
    # The consumer that a subject of one of both forms names, whose names begin at token `first`; the
    # short form has `tokens`. None if it names none.
    cdef Feed receiver(self, Message* msg, Parts* parts, int* first, int tokens)
    # The consumer of two tokens that follow each other.
    cdef Feed find(self, const char* at, size_t size)
