"""The publishing half of a client connection: from a parsed publish to everybody who gets it.

Three ways, the fastest that fits first:

- `repeat`: the same control line again, recognised by one comparison (`Memo`). Runs of such messages
  are made into blocks of deliveries (`runs`).
- `publish_ahead`: changing subjects, several at a time, so that their look-ups miss the cache
  together instead of one after the other.
- `publish`: one message, with every check.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from pynats_server.core.interest.mapping cimport Rule
from pynats_server.core.interest.match cimport Match
from pynats_server.core.interest.message cimport Message
from pynats_server.core.publishing.ahead cimport Ahead
from pynats_server.core.publishing.repeats cimport Memo
from pynats_server.core.publishing.verdicts cimport Verdicts
from pynats_server.core.rates.limit cimport Allowance
from pynats_server.core.receiver cimport Receiver
from pynats_server.core.tracing.trail cimport Trail


cdef enum Pass:
    PASSES
    WAITS  # it is paused until the message may pass
    REFUSED

cdef class Publisher(Receiver):
    cdef Memo memo
    cdef Verdicts verdicts
    cdef Allowance allowance  # None = it may publish as much as it wants
    cdef readonly uint64_t throttles  # times that it was held back by a limit
    cdef readonly uint64_t refusals  # messages that were refused by one
    cdef public bint verbose
    cdef public bint pedantic
    cdef public bint no_responders
    cdef public int64_t max_control_line  # bytes
    cdef public int64_t max_payload  # bytes; negative = unlimited
    cdef uint32_t largest  # bytes of its largest message so far

    # A message is larger than all before.
    cdef int note_largest(self, uint32_t size) except -1
    # Whether limits let the next message pass, which is then counted.
    cdef Pass count_publish(self, Message* msg) except *
    cdef int _refuse(self, Message* msg) except -1
    # -ERR; the connection goes on.
    cdef int complain(self, bytes text) except -1
    # +OK, for verbose clients.
    cdef int confirm(self) except -1
    # As many frames with the remembered control line as are at p. Returns the bytes taken; only
    # while `memo.line_len`.
    cdef Py_ssize_t repeat(self, char* p, char* end) except -1
    # Returns the bytes taken, 0 when there is no publish that can be dealt with here.
    cdef Py_ssize_t publish_ahead(self, char* p, char* end) except -1
    # Checks and routes one message. `match` is where the subject leads if that is known, else NULL;
    # or it leads to the subscription `only` at most, if that is not NULL. With a trail, it was counted
    # already.
    cdef int publish(self, Message* msg, Match* match, void* only, Trail trail) except -1
    cdef bint _accepts(self, Message* msg, bint judged, Trail trail) except -1
    cdef bint _asks_trace(self, Message* msg) noexcept
    cdef bint _is_odd(self, Message* msg) noexcept
    cdef bint _publish_by_rule(self, Message* msg, Trail trail) except -1
    cdef int _publish_mapped(self, Message* msg, Rule rule, Trail trail) except -1
    # The same as `publish` for a message that has the name that it is mapped to.
    cdef int _publish_named(self, Message* msg, Match* match, void* only) except -1
    # Routes what may go where it wants to.
    cdef int _send(self, Message* msg, Match* match, void* only, Trail trail) except -1
    cdef bint _publish_traced(self, Message* msg) except -1
    cdef int _parse_ahead(self, Ahead* found, char* p, char* end) except -1
    cdef Py_ssize_t _publish_alone(self, Ahead* item, char* p) except -1
    # Whether its limits let a message pass that was parsed ahead; it is counted then.
    cdef bint _passes(self, Message* msg) except -1
    # Remembers a control line that comes the second time in a row.
    cdef int notice_line(self, const char* line, size_t line_len, Message* msg) except -1
    cdef int remember(self, const char* line, size_t line_len, Message* msg) except -1
    cdef Py_ssize_t _repeat_singly(self, Match* match, Message* msg, char* p, size_t count) except -1
    # What was remembered is no longer true: permissions, echo, account.
    cdef int forget(self) noexcept
    cdef int forget_verdicts(self) noexcept

    cdef bint may_publish(self, const char* subject, size_t length) except -1
    cdef int no_responders_reply(self, Message* msg, bytes why=*) except -1
    cdef int count_input(self, uint64_t msgs, uint64_t size) noexcept
    cdef int _count_back(self, uint64_t msgs, uint64_t size) noexcept
    # -ERR, the line in the log, and what a trace says of it.
    cdef int _deny_publish(self, bytes subject, Trail trail) except -1
    cdef int _deny_reply(self, bytes reply, Trail trail) except -1
    cdef int _deny(self, bytes how, bytes subject, str what, Trail trail) except -1
