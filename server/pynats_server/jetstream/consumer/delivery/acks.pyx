"""What an acknowledgement says, and what it does (ADR-13).

Empty, `+ACK`, `+OK`; `-NAK [delay]`; `+WPI`; `+NXT [request]`; `+TERM [reason]`. What is none of these
does nothing, but is answered like all others.
"""
from libc.string cimport memcmp

from pynats_server.core.clock cimport monotonic_ns
from pynats_server.core.limits cimport CALL_STEPS

from pynats_server.jetstream.consumer.delivery.ack_bodies import nak_delay_ns, term_reason

cdef enum:
    SLOW_SHIFT = 2  # what Python has to look at, or answers, is a quarter of a usual call


cdef inline bint begins(const char* p, size_t n, const char* verb, size_t size) noexcept nogil:
    return n >= size and memcmp(p, verb, size) == 0


cdef int take_ack(Feed feed, uint64_t delivery, uint64_t seq, uint32_t count, Message* msg) except -1:
    """An acknowledgement with the numbers of its subject. Answered when it asks for that, once it
    is saved; but not when it ends what has not been delivered, as no message 0 has been."""
    cdef const char* body = msg.payload + msg.header_len
    cdef size_t n = msg.total_len - msg.header_len
    cdef bint is_due = seq < feed.next_seq  # has been delivered
    cdef bint is_answered = seq != 0
    feed.touched_ns = feed.engine.now if feed.engine.in_turn else monotonic_ns()
    if n == 0 or (n == 4 and memcmp(body, b"+ACK", 4) == 0) or (n == 3 and memcmp(body, b"+OK", 3) == 0):
        is_answered = is_due
        if is_due:
            feed.confirm(delivery, seq, count)
    elif begins(body, n, b"-NAK", 4):
        feed.engine.routing.steps += CALL_STEPS >> SLOW_SHIFT
        feed.nak(delivery, seq, count, nak_delay_ns(body[4:n]))
    elif n == 4 and memcmp(body, b"+WPI", 4) == 0:
        feed.progress(seq)
    elif begins(body, n, b"+NXT", 4):
        is_answered = False
        if is_due:
            feed.confirm(delivery, seq, count)
        if msg.reply_len:
            feed.host.asked(msg.reply[:msg.reply_len], body[4:n])
    elif begins(body, n, b"+TERM", 5):
        is_answered = is_due
        feed.engine.routing.steps += CALL_STEPS >> SLOW_SHIFT
        if is_due:
            feed.terminate(delivery, seq, count, term_reason(body[5:n]))
    if is_answered and msg.reply_len:
        feed.engine.routing.steps += CALL_STEPS >> SLOW_SHIFT
        feed.host.answer(msg.reply[:msg.reply_len])
    return 0
