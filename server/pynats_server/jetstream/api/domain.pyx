"""Where the requests of an account arrive that name the domain of the server. They go on under the
names that they have without it.

This is a subject mapping of the account (`domains.domain_mappings`), but not one that everything
has to pass that is published.
"""
from libc.stdint cimport uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy

from pynats_server.core.account cimport Account, route
from pynats_server.core.engine cimport Engine
from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.subscription cimport Sink, Subscription
from pynats_server.core.limits cimport SUBJECT_ROOM
from pynats_server.core.publishing.publisher cimport Publisher
from pynats_server.core.tracing.trail cimport Trail
from pynats_server.core.tracing.walk cimport walk


cdef class DomainSink(Sink):
    """`mappings` are all for subjects that begin with `prefix` and a dot."""
    cdef Engine engine
    cdef Account account
    cdef size_t prefix_len
    cdef list ways  # (what follows the prefix, whether there may be more, what that becomes)

    cdef int _map(self, Message* msg, Sink source, Trail trail) except -1
    cdef int _send(self, Message* msg, Sink source, Trail trail) except -1

    def __init__(
        self, Engine engine not None, Account account not None, bytes prefix not None,
        dict mappings not None,
    ):
        self.engine = engine
        self.account = account
        self.prefix_len = len(prefix) + 1
        self.ways = []
        for source, target in mappings.items():
            is_open = source.endswith(">")
            head = source.encode()[self.prefix_len:].removesuffix(b">")
            self.ways.append((head, is_open, target.encode().removesuffix(b">")))

    cdef int _send(self, Message* msg, Sink source, Trail trail) except -1:
        if trail is not None:
            trail.mapped(msg.subject[:msg.subject_len])
        if isinstance(source, Publisher) and (<Publisher>source).account is self.account:
            if (<Publisher>source).permissions is not None:
                if not (<Publisher>source).may_publish(msg.subject, msg.subject_len):
                    (<Publisher>source)._deny_publish(msg.subject[:msg.subject_len], trail)
                    return 1
        if trail is not None:
            if walk(self.account, source, msg, &self.engine.routing, trail) == 0:
                # Here, for who asks is told the name without the domain.
                if msg.reply_len and (<Publisher>source).no_responders:
                    (<Publisher>source).no_responders_reply(msg)
            return 1
        return route(self.account, source, msg, &self.engine.routing) != 0

    cdef int deliver(self, Subscription sub, Message* msg, Sink source) except -1:
        sub.delivered += 1
        return self._map(msg, source, None)

    cdef int trace(self, Subscription sub, Message* msg, Sink source, object trail) except -1:
        sub.delivered += 1
        return self._map(msg, source, <Trail>trail)

    cdef int _map(self, Message* msg, Sink source, Trail trail) except -1:
        cdef const char* subject = msg.via if msg.via_len else msg.subject
        cdef const char* rest = subject + self.prefix_len
        cdef size_t left = (msg.via_len or msg.subject_len) - self.prefix_len
        cdef size_t head_len, target_len
        cdef Message mapped = msg[0]
        cdef char small[SUBJECT_ROOM]
        cdef char* name = small
        cdef bytes head, target
        for head, is_open, target in self.ways:
            head_len, target_len = len(head), len(target)
            if left < head_len + <bint>is_open or memcmp(rest, <const char*>head, head_len) != 0:
                continue
            if not is_open and left != head_len:
                continue
            if target_len + left - head_len > SUBJECT_ROOM:
                name = <char*>malloc(target_len + left - head_len)
                if name == NULL:
                    raise MemoryError()
            try:
                memcpy(name, <const char*>target, target_len)
                memcpy(name + target_len, rest + head_len, left - head_len)
                mapped.subject = name
                mapped.subject_len = <uint32_t>(target_len + left - head_len)
                mapped.via_len = 0
                return self._send(&mapped, source, trail)
            finally:
                if name != small:
                    free(name)
        return 0
