"""An account: a separate subject space with its own subscriptions and figures."""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.core.engine cimport Routing
from pynats_server.core.figures cimport Counted
from pynats_server.core.interest.mapping cimport Mapper
from pynats_server.core.interest.match cimport Match
from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.sublist cimport Sublist
from pynats_server.core.interest.subscription cimport Sink, Subscription


cdef class Borrowing:
    """What an account takes of the messages of others."""
    # A subscription has been added.
    cdef int joined(self, Subscription sub) except -1


cdef class Account(Counted):
    cdef readonly str name
    cdef readonly bint is_system
    cdef readonly Sublist sublist
    # Counted: in = from its clients, out = to its clients
    cdef readonly set clients
    cdef public uint64_t total_connections
    cdef public uint64_t slow_consumers
    cdef readonly uint64_t largest_payload  # bytes of the largest message of its clients
    cdef public uint64_t throttles  # times that one of its clients was held back by a limit of publishing
    cdef public uint64_t refusals  # messages that were refused by one
    cdef public object publish_limit  # of all its clients together (`rates.limit`), or None
    cdef Borrowing borrowing  # None = no messages of others
    cdef object responses  # to requests of other accounts (`sharing.responses`), or None
    cdef Mapper mapper  # None = subjects stay as they are
    # The requests to others whose latency is measured: `left(subject)` is told of each subscription
    # that ends. None = there were none.
    cdef public object awaiting
    # What is done with messages that belong to a trace elsewhere (`tracing.request.Parents`), or None.
    cdef readonly object parents
    # Answers that others owe to it, the oldest first (`sharing.responses`), and how many.
    cdef void* owed_first
    cdef void* owed_last
    cdef uint64_t owed
    cdef dict asked  # subjects of services that it imports, with the number of imports
    cdef set takers  # subscriptions of the server that get messages of others, too

    # Every subscription of the account, but for shadows of those of others, comes and goes by these.
    cdef int join(self, Subscription sub) except -1
    cdef int leave(self, Subscription sub) except -1
    cdef int reborrow(self, Subscription sub) except -1

cdef class ServiceSink(Sink):
    """A subscriber inside the server that calls Python code."""
    cdef Account account
    cdef object callback
    cdef bint with_source


# The shadows of a subscription end.
cdef int drop_shadows(Subscription sub) except -1
# Whether permissions are to be asked about each delivery.
cdef int set_filtered(Subscription sub, bint filtered) except -1
# Delivers to every subscription that matches. Returns the number of deliveries.
cdef int64_t route(Account account, Sink source, Message* msg, Routing* routing) except -1
# The same for subjects that are used once, as replies are: past the cache, to keep useful entries.
cdef int64_t route_once(Account account, Sink source, Message* msg, Routing* routing) except -1
# A message whose subject reaches `sub` alone, or nobody (NULL), as `Sublist.only` found out.
cdef int64_t route_only(void* sub, Sink source, Message* msg, Routing* routing) except -1
cdef int64_t route_match(Match* match, Sink source, Message* msg, Routing* routing) except -1
