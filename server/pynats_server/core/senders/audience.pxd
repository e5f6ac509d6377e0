"""Who gets what the server sends to a subject by itself, and whether anybody has asked for it.

A message goes to everybody whom a published one would reach: plain subscribers, and one member of
each queue group. They see `msg.subject`, whatever subject was matched. When one that would get it has
a backlog, nobody gets it: the answer is HELD, and the sender is called when that is over.
"""
from libc.stdint cimport int64_t

from pynats_server.core.engine cimport Routing
from pynats_server.core.interest.match cimport Match
from pynats_server.core.interest.message cimport Message
from pynats_server.core.senders.sender cimport Sender

cdef enum:
    HELD = -2

# Number of deliveries, or HELD. The message's payload needs to stay only for the time of the call; no
# part of the server does anything with it before the sender's next turn.
cdef int64_t deliver_everybody(
    Match* match, Sender sender, Message* msg, Routing* routing
) except -1
# Whether a subscription to exactly the subject of the match asks for what a consumer pushes there: a
# plain one, or (length > 0) one of exactly that queue group. Wildcards get what is sent, but somebody
# who looks at everything does not set it off.
cdef bint listens(Match* match, const char* group, size_t length) except -1
