"""See limit.pxd."""
from libc.stdint cimport UINT64_MAX

from collections import OrderedDict

from pynats_server.core.engine cimport PAUSE_RATE
from pynats_server.core.limits cimport RATE_WAIT_NS
from pynats_server.core.rates.bucket cimport bucket_fill, bucket_most, bucket_set, bucket_wait


cdef class PublishLimit:
    """`msgs` and `size` (bytes) are what may be published in a second, and at once; 0 = no limit."""

    def __init__(self, pacer, uint64_t msgs=0, uint64_t size=0, bint refuses=False):
        self.pacer = pacer
        self.queue = OrderedDict()
        self.change(msgs, size, refuses)

    def change(self, uint64_t msgs, uint64_t size, bint refuses) -> None:
        """Other limits from now on: those who wait find out what they may."""
        cdef int64_t now = self.pacer.now()
        cdef Allowance who
        bucket_set(&self.msgs, msgs, now)
        bucket_set(&self.bytes, size, now)
        self.refuses = refuses
        waiting, self.queue = self.queue, OrderedDict()
        for who in waiting:
            who.waits_for = None
            who.holder.resume(PAUSE_RATE)

    def room(self, int64_t now, uint64_t size) -> int:
        """How many messages of so many bytes may pass at that time, if nobody waits."""
        bucket_fill(&self.msgs, now)
        bucket_fill(&self.bytes, now)
        return min(bucket_most(&self.msgs, 1), bucket_most(&self.bytes, size))

    def spend(self, int64_t count, uint64_t size) -> None:
        """They pass."""
        self.pay(count, size)

    def delay_ns(self, uint64_t size) -> int:
        """How long until one of so many bytes may pass, as far as is known now."""
        return self.wait_ns(size)

    @property
    def rates(self) -> tuple[int, int]:
        return self.msgs.rate, self.bytes.rate

    @property
    def waiting(self) -> int:
        """How many connections wait for it."""
        return len(self.queue)

    cdef uint64_t most(self, Allowance who, int64_t now, uint64_t size) except? 0:
        cdef uint64_t count
        bucket_fill(&self.msgs, now)
        bucket_fill(&self.bytes, now)
        count = min(bucket_most(&self.msgs, 1), bucket_most(&self.bytes, size))
        if count == 0 or not self.queue:
            return count
        if who.called_by is not self:
            return 0  # others have waited longer
        count = min(count, who.share_msgs)
        return min(count, who.share_bytes // size) if size else count

    cdef uint64_t wait_ns(self, uint64_t size) noexcept:
        return max(bucket_wait(&self.msgs, 1), bucket_wait(&self.bytes, size))

    cdef int take(self, Allowance who, int64_t count, uint64_t size) except -1:
        cdef int64_t total = count * <int64_t>size
        self.pay(count, size)
        if who.called_by is self:
            who.share_msgs -= min(<int64_t>who.share_msgs, count)
            who.share_bytes -= min(<int64_t>who.share_bytes, total)
        return 0

    cdef void pay(self, int64_t count, uint64_t size) noexcept:
        if self.msgs.rate:
            self.msgs.tokens -= count
        if self.bytes.rate:
            self.bytes.tokens -= count * <int64_t>size

    cdef int enqueue(self, Allowance who, int64_t now) except -1:
        if who.called_by is self:
            who.called_by = None
        who.waits_for = self
        self.queue[who] = None
        return self.arm()

    cdef int leave(self, Allowance who) except -1:
        self.queue.pop(who, None)
        return 0

    cdef int arm(self) except -1:
        cdef Allowance first
        if self.armed or not self.queue:
            return 0
        self.armed = True
        first = next(iter(self.queue))
        # Not longer than that, so that who has left is let go of.
        self.pacer.after(min(self.wait_ns(first.size), <uint64_t>RATE_WAIT_NS), self._come)
        return 0

    def _come(self) -> None:
        self.armed = False
        self.call_next(self.pacer.now())
        self.arm()

    cdef int call_next(self, int64_t now) except -1:
        cdef Allowance first
        cdef uint64_t others
        if not self.queue:
            return 0
        bucket_fill(&self.msgs, now)
        bucket_fill(&self.bytes, now)
        first = next(iter(self.queue))
        if self.wait_ns(first.size):
            return 0
        del self.queue[first]
        others = len(self.queue)
        first.waits_for = None
        first.called_by = self
        first.share_msgs = first.share_bytes = UINT64_MAX >> 1
        if self.msgs.rate:
            first.share_msgs = max(1, <uint64_t>self.msgs.tokens // (others + 1))
        if self.bytes.rate:
            first.share_bytes = max(
                first.size, <uint64_t>max(0, self.bytes.tokens) // (others + 1)
            )
        return first.holder.resume(PAUSE_RATE)


cdef class Allowance:
    """`own` and `shared` may be None; then that one has no limit."""

    def __init__(self, Peer holder not None, PublishLimit own, PublishLimit shared):
        self.holder = holder
        self.own = own
        self.shared = shared

    cdef uint64_t most(self, int64_t now, uint64_t size) except? 0:
        cdef uint64_t count = UINT64_MAX
        if self.own is not None:
            count = self.own.most(self, now, size)
        if count and self.shared is not None:
            count = min(count, self.shared.most(self, now, size))
        return count

    cdef int take(self, int64_t count, uint64_t size) except -1:
        if self.own is not None:
            self.own.take(self, count, size)
        if self.shared is not None:
            self.shared.take(self, count, size)
        return 0

    cdef bint hold(self, int64_t now, uint64_t size) except -1:
        cdef PublishLimit limit
        for limit in (self.own, self.shared):
            if limit is not None and not limit.refuses and limit.most(self, now, size) == 0:
                self.size = size
                self.held_ns = now
                limit.enqueue(self, now)
                self.holder.pause(PAUSE_RATE)
                return True
        return False

    cdef int rest(self, int64_t now) except -1:
        cdef PublishLimit limit
        self.called_by = None
        for limit in (self.own, self.shared):
            if limit is not None:
                limit.call_next(now)
        return 0

    def end(self) -> None:
        """It is not counted any more: whoever was held back goes on. Idempotent."""
        cdef PublishLimit limit = self.waits_for
        self.called_by = self.waits_for = None
        if limit is not None:
            limit.leave(self)
            self.holder.resume(PAUSE_RATE)
