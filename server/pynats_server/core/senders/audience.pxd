"""Who of those that a subject reaches gets what the server sends there by itself.

    plain     every plain subscriber, and no queue group
    group     one member of exactly that queue group
    everybody as a published message: plain subscribers, and one of each group

Receivers see `msg.subject`, whatever subject was matched. When one that would get the message has a
backlog, nobody gets it: the answer is HELD, and the sender is called when that is over.
"""
from libc.stdint cimport int64_t

from pynats_server.core.engine cimport Routing
from pynats_server.core.interest.match cimport Match
from pynats_server.core.interest.message cimport Message
from pynats_server.core.senders.sender cimport Sender

cdef enum:
    HELD = -2

# Number of deliveries, or HELD. The message's payload needs to stay only for the time of the call.
cdef int64_t deliver_plain(Match* match, Sender sender, Message* msg, Routing* routing) except -1
cdef int64_t deliver_group(
    Match* match, const char* group, size_t length, Sender sender, Message* msg, Routing* routing
) except -1
cdef int64_t deliver_everybody(
    Match* match, Sender sender, Message* msg, Routing* routing
) except -1
# Whether anybody of the plain subscribers (length 0) or of the group would get a message.
cdef bint listens(Match* match, const char* group, size_t length) except -1
