"""See audience.pxd."""
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp, memset

from pynats_server.core.engine cimport Engine, Peer, is_spent
from pynats_server.core.interest.match cimport MatchQueue
from pynats_server.core.interest.subscription cimport Subscription, hand_over
from pynats_server.core.limits cimport BULK_RECEIVERS
from pynats_server.core.native cimport pn_below


cdef inline bint _asks(Subscription sub) except -1:
    return (
        not sub.wildcard and not sub.closed
        and not (isinstance(sub.sink, Peer) and (<Peer>sub.sink).closing)
    )


cdef bint listens(Match* match, const char* group, size_t length) except -1:
    cdef MatchQueue* queue
    cdef uint32_t i, j
    if length == 0:
        for i in range(match.n_plain):
            if _asks(<Subscription>match.plain[i]):
                return True
        return False
    for i in range(match.n_queues):
        queue = &match.queues[i]
        if queue.name_len == length and memcmp(queue.name, group, length) == 0:
            for j in range(queue.length):
                if _asks(<Subscription>queue.members[j]):
                    return True
    return False


cdef inline bint _holds(Subscription sub, Sender sender) except -1:
    """Whether a receiver takes nothing more now. The sender goes on once it does."""
    if sub.closed:
        return False
    if sub.sink.full:
        sender.wait_for(sub.sink, True)
        return True
    return sender.parcels is not None and sender.is_laden() and not isinstance(sub.sink, Peer)


cdef inline bint _give(Subscription sub, Sender sender, Message* msg) except -1:
    if isinstance(sub.sink, Peer):
        return hand_over(sub, msg, sender)
    sender.post(sub, msg)
    return True


cdef inline bint _plain_holds(Match* match, Sender sender) except -1:
    cdef uint32_t i
    for i in range(match.n_plain):
        if _holds(<Subscription>match.plain[i], sender):
            return True
    return False


cdef bint _group_holds(MatchQueue* queue, Sender sender, Routing* routing) except -1:
    """Whether every member has a backlog. The sender then waits for whoever is ready first."""
    cdef Subscription sub
    cdef uint32_t i
    cdef bint held = False
    for i in range(queue.length):
        sub = <Subscription>queue.members[i]
        if not sub.closed:
            if not (sub.sink.full or (sender.is_laden() and not isinstance(sub.sink, Peer))):
                return False
            held = True
    if held:
        routing.steps += queue.length
        for i in range(queue.length):
            sub = <Subscription>queue.members[i]
            if not sub.closed and sub.sink.full:
                sender.wait_for(sub.sink, True)
    return held


cdef inline int64_t _to_plain(
    Match* match, Sender sender, Message* msg, Routing* routing
) except -1:
    cdef int64_t delivered = 0
    cdef Subscription sub
    cdef uint32_t i
    cdef bint bulk = match.n_plain > BULK_RECEIVERS
    routing.steps += match.n_plain
    routing.bulk = bulk
    try:
        for i in range(match.n_plain):
            sub = <Subscription>match.plain[i]
            if not sub.closed:
                delivered += _give(sub, sender, msg)
    finally:
        routing.bulk = False
    return delivered


cdef inline int64_t _to_member(
    MatchQueue* queue, Sender sender, Message* msg, Routing* routing
) except -1:
    """A random member; when it cannot take the message, the next ones in turn."""
    cdef Subscription sub
    cdef uint32_t i
    cdef uint32_t start = pn_below(&routing.random, queue.length) if queue.length > 1 else 0
    for i in range(queue.length):
        sub = <Subscription>queue.members[(start + i) % queue.length]
        routing.steps += 1
        if not sub.closed and not sub.sink.full and _give(sub, sender, msg):
            return 1
    return 0


cdef inline int64_t _to_one(
    Match* match, Sender sender, Message* msg, Routing* routing
) except -1:
    """As below, for most of what is sent: to a single subscriber."""
    cdef Subscription sub = <Subscription>match.plain[0]
    routing.steps += 2
    if sub.closed:
        return 0
    if _holds(sub, sender):
        return HELD
    msg.via = match.subject
    msg.via_len = match.subject_len
    msg.borrowed = False
    match_retain(match)
    try:
        return _give(sub, sender, msg)
    finally:
        match_release(match)


cdef int64_t deliver_everybody(
    Match* match, Sender sender, Message* msg, Routing* routing
) except -1:
    cdef int64_t delivered
    cdef uint32_t i
    if match.n_plain == 1 and match.n_queues == 0:
        return _to_one(match, sender, msg, routing)
    routing.steps += 1
    if _plain_holds(match, sender):
        return HELD
    for i in range(match.n_queues):
        if _group_holds(&match.queues[i], sender, routing):
            return HELD
    msg.via = match.subject
    msg.via_len = match.subject_len
    msg.borrowed = False
    match_retain(match)
    try:
        delivered = _to_plain(match, sender, msg, routing)
        for i in range(match.n_queues):
            delivered += _to_member(&match.queues[i], sender, msg, routing)
    finally:
        match_release(match)
    return delivered


cdef class Courier(Sender):
    """For tests: sends one message again and again to a subject, as a consumer would."""
    cdef Sublist sublist
    cdef bytes to
    cdef bytes subject
    cdef bytes block
    cdef uint32_t header_len
    cdef readonly uint64_t sent
    cdef readonly uint64_t delivered
    cdef readonly uint64_t held
    cdef readonly uint64_t left

    def __init__(
        self, Engine engine not None, Sublist sublist not None, bytes to not None, bytes subject not None,
        bytes payload not None, bytes headers not None=b"",
    ):
        self.engine = engine
        self.sublist = sublist
        self.to = to
        self.subject = subject
        self.block = headers + payload
        self.header_len = <uint32_t>len(headers)

    def start(self, uint64_t count) -> None:
        self.left += count
        self.ask_turn()

    cdef bint send(self) except -1:
        cdef Message msg
        cdef int64_t taken
        cdef Match* match
        while self.left:
            if is_spent(self.engine):
                return True
            memset(&msg, 0, sizeof(msg))
            msg.subject = self.subject
            msg.subject_len = <uint32_t>len(self.subject)
            msg.payload = self.block
            msg.header_len = self.header_len
            msg.total_len = <uint32_t>len(self.block)
            match = self.sublist.match(self.to, len(self.to))
            taken = deliver_everybody(match, self, &msg, &self.engine.routing)
            if taken == HELD:
                self.held += 1
                return False
            self.left -= 1
            self.sent += 1
            self.delivered += taken
        return False
