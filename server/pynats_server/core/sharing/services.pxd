"""Service imports: requests that go to another account, under the subjects that they have there.

The import is a subscriber of its own account. It makes a request of the exporter's out of each
message: with the exporter's subject, a reply subject that leads back (`responses`), and a header that
says who asks (`Nats-Request-Info`). So a service that imports another one needs nothing more.
"""
cimport cython
from libc.stdint cimport uint64_t

from pynats_server.core.account cimport Account
from pynats_server.core.engine cimport Engine
from pynats_server.core.interest.match cimport Match
from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.rename cimport Rename
from pynats_server.core.interest.subscription cimport Sink, Subscription
from pynats_server.core.limits cimport MEMO_LINE
from pynats_server.core.sharing.responses cimport Response, Responses, Terms
from pynats_server.core.tracing.trail cimport Trail


cdef class ServiceExport:
    """What all imports of a service have in common."""
    cdef readonly Terms terms
    cdef readonly object latency  # None = not measured
    cdef bytes suffix  # of reply subjects of requests that are
    cdef readonly bint allow_trace
    cdef readonly bint shown  # others answer; here it is only seen, and answers go nowhere
    cdef bint active  # a request is on its way through it


cdef struct Way:
    # The subject that was asked for last; from the second time on, whom it reaches at the exporter.
    char subject[MEMO_LINE]
    size_t length
    Match* match  # owned, or NULL
    bint vain  # it leads nowhere that could be known, as long as the list has this generation
    uint64_t generation


@cython.final
cdef class ServiceImport(Sink):
    cdef Engine engine
    cdef readonly Account importer
    cdef readonly Account exporter
    cdef readonly bytes local
    cdef readonly Rename rename  # None = the subject is the same there
    cdef readonly ServiceExport service
    cdef Terms terms  # of what was asked through it: those of the service
    cdef readonly bint share
    cdef object who
    cdef tuple told_by  # under which a connection keeps what it is told of
    cdef Responses responses
    cdef Subscription listening
    cdef Way way
    cdef dict asker  # what who asked last is told (`Peer.told`)
    cdef bytes told  # and of that what is told here

    # Whom a subject reaches if it comes again and again, else NULL. Borrowed.
    cdef Match* _known(self, const char* subject, size_t length) except? NULL
    cdef void _forget_way(self) noexcept
    cdef bytes _note(self, Message* msg, Message* request, Trail trail)
    cdef int _ask(
        self, Message* msg, Message* request, Sink source, Trail trail, Match* match
    ) except -1
    cdef object _begin(self, Message* msg, Sink source)
    cdef int _track(self, Response* response, tracked, Message* msg) except -1
    cdef bytes _info(self, Message* msg, Sink source)
    cdef bytes _told(self, Sink source)
    cdef int _carry(self, Message* msg, Sink source, Trail trail) except -1
    cdef int _request(
        self, Message* msg, Sink source, const char* subject, size_t length, Trail trail,
        Match* match,
    ) except -1
