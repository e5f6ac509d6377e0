"""See subscription.pxd."""
cimport cython
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from pynats_server.core.ledger cimport SUBSCRIPTIONS, count_gone, count_made
from pynats_server.core.limits cimport SUBJECT_ROOM
from pynats_server.core.subject cimport SUBJECT_WILDCARD, subject_kind


cdef class Sink:
    cdef int deliver(self, Subscription sub, Message* msg, Sink source) except -1:
        raise NotImplementedError

    cdef int trace(self, Subscription sub, Message* msg, Sink source, object trail) except -1:
        return self.deliver(sub, msg, source)

    cdef int stalled_by(self, Sink receiver, size_t pending) except -1:
        return 0

    cdef void foresee(self, uint32_t hash, int step) noexcept:
        pass


@cython.final
@cython.no_gc
cdef class Subscription:
    def __dealloc__(self):
        if self.text != NULL:
            free(self.text)
            count_gone(SUBSCRIPTIONS)

    @property
    def subject(self) -> bytes:
        return self.text[:self.subject_len]

    @property
    def sid(self) -> bytes:
        return self.c_sid()[:self.sid_len]

    @property
    def queue(self) -> bytes:
        return self.c_queue()[:self.queue_len]

    @property
    def owner(self):
        """The connection or service that subscribed; None once closed."""
        return self.sink


cdef int deliver_renamed(Subscription sub, Message* msg, Sink source) except -1:
    cdef char small[SUBJECT_ROOM]
    cdef char* out
    if msg.requested:
        return 0
    # Where receivers see another subject than the one that was matched, this is what has a new name.
    cdef bint via = msg.via_len != 0
    cdef const char* subject = msg.via if via else msg.subject
    cdef size_t length = msg.via_len if via else msg.subject_len
    cdef Message renamed = msg[0]
    cdef size_t room = sub.rename.room(length)
    if room <= sizeof(small):
        _name(&renamed, small, sub.rename.put(subject, length, small), via)
        return sub.sink.deliver(sub, &renamed, source)
    out = <char*>malloc(room)
    if out == NULL:
        raise MemoryError()
    try:
        _name(&renamed, out, sub.rename.put(subject, length, out), via)
        return sub.sink.deliver(sub, &renamed, source)
    finally:
        free(out)


cdef inline void _name(Message* msg, const char* subject, size_t length, bint via) noexcept:
    if via:
        msg.via = subject
        msg.via_len = <uint32_t>length
    else:
        msg.subject = subject
        msg.subject_len = <uint32_t>length


cdef void close_shadows(Subscription sub) noexcept:
    cdef Subscription shadow
    for shadow in sub.shadows:
        shadow.closed = True


cdef Subscription new_subscription(
    Sink sink,
    const char* subject, size_t subject_len,
    const char* queue, size_t queue_len,
    const char* sid, size_t sid_len,
):
    cdef Subscription sub = Subscription.__new__(Subscription)
    sub.text = <char*>malloc(subject_len + sid_len + queue_len + 2)
    if sub.text == NULL:
        raise MemoryError()
    count_made(SUBSCRIPTIONS)
    memcpy(sub.text, subject, subject_len)
    sub.text[subject_len] = b' '
    memcpy(sub.text + subject_len + 1, sid, sid_len)
    sub.text[subject_len + 1 + sid_len] = b' '
    memcpy(sub.text + subject_len + sid_len + 2, queue, queue_len)
    sub.subject_len = <uint32_t>subject_len
    sub.sid_len = <uint32_t>sid_len
    sub.queue_len = <uint32_t>queue_len
    sub.sink = sink
    sub.wildcard = subject_kind(subject, subject_len) == SUBJECT_WILDCARD
    return sub
