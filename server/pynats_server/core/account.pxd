"""An account: a separate subject space with its own subscriptions and figures."""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.core.engine cimport Routing
from pynats_server.core.figures cimport Counted
from pynats_server.core.interest.match cimport Match
from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.sublist cimport Sublist
from pynats_server.core.interest.subscription cimport Sink


cdef class Account(Counted):
    cdef readonly str name
    cdef readonly bint is_system
    cdef readonly Sublist sublist
    # Counted: in = from its clients, out = to its clients
    cdef readonly set clients
    cdef public uint64_t total_connections
    cdef public uint64_t slow_consumers

cdef class ServiceSink(Sink):
    """A subscriber inside the server that calls Python code."""
    cdef Account account
    cdef object callback
    cdef bint with_source


# Delivers to every subscription that matches. Returns the number of deliveries.
cdef int64_t route(Account account, Sink source, Message* msg, Routing* routing) except -1
# The same for subjects that are used once, as replies are: past the cache, to keep useful entries.
cdef int64_t route_once(Account account, Sink source, Message* msg, Routing* routing) except -1
# A message that is only traced: to nobody but services of the system account. Returns the number of
# clients and streams, and of those services, that it would have reached.
cdef int64_t route_traced(Account account, Sink source, Message* msg, Routing* routing) except -1
# A message whose subject reaches `sub` alone, or nobody (NULL), as `Sublist.only` found out.
cdef int64_t route_only(void* sub, Sink source, Message* msg, Routing* routing) except -1
cdef int64_t route_match(Match* match, Sink source, Message* msg, Routing* routing) except -1
