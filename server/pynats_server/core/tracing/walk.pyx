"""See walk.pxd."""
from libc.stdint cimport uint32_t, uint64_t

from pynats_server.core.interest.match cimport Match, MatchQueue, match_release
from pynats_server.core.interest.subscription cimport Subscription
from pynats_server.core.native cimport pn_below

cdef enum:
    EVENT_STEPS = 32  # what an event costs: to note it, and to write it as JSON


cdef int64_t walk(
    Account account, Sink source, Message* msg, Routing* routing, Trail trail
) except -1:
    cdef uint64_t before = account.sublist.steps
    cdef Match* match = account.sublist.match_once(msg.subject, msg.subject_len)
    cdef MatchQueue* queue
    cdef Subscription sub
    cdef int64_t reached = 0
    cdef uint32_t i, j, start
    routing.steps += account.sublist.steps - before
    try:
        for i in range(match.n_plain):
            sub = <Subscription>match.plain[i]
            routing.steps += EVENT_STEPS
            if not sub.closed:
                reached += _hand_over(sub, msg, source, trail)
        for i in range(match.n_queues):
            queue = &match.queues[i]
            start = pn_below(&routing.random, queue.length) if queue.length > 1 else 0
            for j in range(queue.length):
                sub = <Subscription>queue.members[(start + j) % queue.length]
                routing.steps += EVENT_STEPS
                if not sub.closed and _hand_over(sub, msg, source, trail):
                    reached += 1
                    break
        return reached
    finally:
        match_release(match)


cdef int _hand_over(Subscription sub, Message* msg, Sink source, Trail trail) except -1:
    """As `interest.subscription.hand_over`."""
    cdef Message renamed
    cdef bytes name
    cdef bytearray room
    if sub.rename is None:
        return sub.sink.trace(sub, msg, source, trail)
    if msg.requested:
        return 0
    room = bytearray(sub.rename.room(msg.subject_len))
    name = bytes(room[:sub.rename.put(msg.subject, msg.subject_len, room)])
    renamed = msg[0]
    renamed.subject = name
    renamed.subject_len = <uint32_t>len(name)
    trail.exported(sub.taken.importer, name)
    if sub.taken.allow_trace:
        return sub.sink.trace(sub, &renamed, source, trail)
    if trail.only:
        return 1
    return sub.sink.deliver(sub, &renamed, source)
