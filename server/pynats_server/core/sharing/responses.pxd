"""Answers that cross accounts: where they go, and for how long.

A request that leaves its account gets a reply subject of the exporter's, `_R_.<6 of the account>.<6 of
the request>`. What is published there goes to the reply subject that the request had, in its account:
once, or until an empty message ends a stream of answers, or until nothing came for too long.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from pynats_server.core.account cimport Account
from pynats_server.core.engine cimport Engine
from pynats_server.core.interest.match cimport Match
from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.subscription cimport Sink, Subscription
from pynats_server.core.memory.bytemap cimport ByteMap
from pynats_server.core.tracing.trail cimport Trail


cdef enum:
    TOKEN_LEN = 6
    PREFIX_LEN = 11  # _R_.xxxxxx.
    REPLY_LEN = PREFIX_LEN + TOKEN_LEN
    RESPONSES_KEPT = 262144  # that one account waits for: beyond that its oldest is given up
    SUFFIX_LEN = 11  # .xxxxxxxx.T behind the reply subjects of requests that are measured


cdef enum ResponseType:
    SINGLETON
    STREAMED
    CHUNKED


cdef struct Response:
    char token[TOKEN_LEN]
    Response* before  # in the queue of its terms, where what ends first is the first
    Response* after
    Response* older  # of those that its requester waits for
    Response* newer
    void* keeper  # Responses, borrowed: it frees this one
    int64_t deadline  # monotonic, ns
    void* terms  # Terms, owned reference
    void* requester  # Account, owned reference
    void* tracked  # who measures its latency, owned reference; NULL = nobody
    bint shared  # the exporter may know who asks
    uint32_t reply_len  # of the reply subject that the request had, which stands behind it


cdef class Terms:
    """How a service answers: responses that end after the same time of quiet."""
    cdef readonly int kind  # ResponseType
    cdef readonly int64_t threshold_ns
    cdef Response* first
    cdef Response* last
    cdef object timer
    cdef bint withdrawn  # answers come too late


cdef class Responses(Sink):
    """Of one exporting account."""
    cdef Engine engine
    cdef readonly Account account
    cdef Subscription listening
    cdef char prefix[PREFIX_LEN]
    cdef ByteMap pending  # token -> Response
    cdef uint64_t chance
    cdef dict back  # Terms of answers to answers, by those of the answers
    cdef set watched  # Terms that have a timer

    # A new reply subject; its first REPLY_LEN bytes go to `subject`.
    cdef Response* expect(
        self, Terms terms, Account requester, const char* reply, size_t length, char* subject
    ) except NULL
    # Nobody will answer to a subject that `expect` has made.
    cdef int forget(self, const char* subject) noexcept
    # A message of a consumer, to the reply subject of the request.
    cdef int _pass_on(
        self, Account requester, Sink source, Message* answer, bytes reply
    ) except -1
    cdef int _route(
        self, Account requester, Sink source, Message* answer, Match* match
    ) except -1
    cdef int end(self, Response* response) noexcept
    # There will be no answer, or it comes too late.
    cdef int _give_up(self, Response* response) except -1
    cdef Terms back_terms(self, Terms terms)
    cdef int64_t _now(self) noexcept
    cdef int _answer(self, Message* msg, Sink source, Trail trail) except -1
    # A destination of traces for requests that others make: nobody there learns the real one.
    cdef bytes hidden_dest(self)
    cdef Response* _find(self, Message* msg) noexcept


cdef Responses responses_of(Engine engine, Account account)
