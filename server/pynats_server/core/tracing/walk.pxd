"""Routing of traced messages: as `account.route`, and every step is noted."""
from libc.stdint cimport int64_t

from pynats_server.core.account cimport Account
from pynats_server.core.engine cimport Routing
from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.subscription cimport Sink
from pynats_server.core.tracing.trail cimport Trail


# Returns the number of those who got it, or would have.
cdef int64_t walk(Account account, Sink source, Message* msg, Routing* routing, Trail trail) except -1
