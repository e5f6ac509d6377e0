"""See ages.pxd."""

from libc.stdint cimport int64_t, uint8_t, uint64_t

from pynats_server.jetstream.clock cimport after, steady_ns, wall_ns
from pynats_server.jetstream.store.ages.turns cimport STEP_NS, Turn
from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.expiry cimport HAS_TTL, TTL_NEVER, ExpiryQueue, expiry
from pynats_server.jetstream.store.record cimport HEAD, stamp, subject_size, u64
from pynats_server.jetstream.store.rings cimport Rings

cdef enum:
    TIDY_MAX = 2000  # entries of the queue of expiries that are looked at in one call

cdef Py_ssize_t MOST = <Py_ssize_t>1 << 62


cdef inline int64_t sooner(int64_t found, int64_t at) noexcept:
    """Which of two times comes first; 0 is none."""
    return at if found == 0 or at < found else found


cdef class Run:
    """See ages.pxd."""


cdef class Ages(Rings):
    def __cinit__(self, *args, **kwargs):
        self.due = {}
        self.noticed = ExpiryQueue()

    def gather_expiries(self, Block block):
        """Queue the TTLs of a loaded block's live messages and count them."""
        cdef Py_ssize_t i
        cdef uint64_t seq
        cdef int64_t ttl
        block.count_marks()
        for i in range(block.count if block.ttls else 0):
            seq = u64(block.buf + block.offs[i] + 4)
            if seq < block.first_seq or seq > block.last_seq or block.deleted.has(seq):
                continue
            if block.marks_at(i, &ttl) & HAS_TTL:
                self.expiries.reserve()
                self.expiries.insert(expiry(stamp(block.buf + block.offs[i]), ttl), seq)

    def forget_above(self, uint64_t seq):
        """Sequences above `seq` will be given out again: drop what is queued for them."""
        self.expiries.drop_above(seq)
        self.noticed.drop_above(seq)
        self.turns.drop_above(seq)
        self.due = {key: at for key, at in self.due.items() if key <= seq}
        self.ageless = min(self.ageless, seq + 1)

    cdef int tidy_expiries(self) except -1:
        """Drop dead entries at the top, and everywhere once they outnumber the living: some in
        each call, so that a dead one may still be on top."""
        cdef ExpiryQueue queue = self.expiries
        cdef int left = TIDY_MAX
        if self.sweep == 0 and self.stale > <uint64_t>queue.size // 2 + 1024:
            self.sweep = queue.size
        while self.sweep and left:
            left -= 1
            self.sweep -= 1
            if self.sweep < queue.size and not self.is_live(queue.heap[self.sweep].seq):
                queue.drop_at(self.sweep)
            if self.sweep == 0:
                self.stale = 0
        while queue.size and left and not self.is_live(queue.heap[0].seq):
            left -= 1
            queue.drop_top()
        return 0

    def queued_expiries(self):
        """Entries of the TTL queue, those of messages that are gone included."""
        return self.expiries.size

    def next_expiry(self, int64_t max_age_ns=0, bint ttl=True):
        """When (ns since 1970) the next message runs out, by its TTL or by `max_age_ns`; 0 when
        none will. May lie in the past."""
        cdef int64_t found = 0, now = wall_ns()
        cdef Run run
        if ttl:
            self.tidy_expiries()
            if self.expiries.size:
                found = self.expiries.heap[0].at
            if self.noticed.size:
                found = sooner(found, now + self.noticed.heap[0].at - steady_ns())
            if self.expiries.size and self.ungathered() is not None:
                found = sooner(found, now)
            for seq, at in list(self.due.items()):
                if not self.is_live(seq):
                    del self.due[seq]
                else:
                    found = sooner(found, at)
        if max_age_ns:
            for run in self.runs():
                aged = self.next_aging(run, run.start, True)
                if aged is not None:
                    found = sooner(found, self.runs_out(run, aged, max_age_ns, now))
        return found

    cdef list runs(self):
        """All messages, in parts in which times are in order."""
        cdef Run run = Run()
        cdef Turn turn
        cdef list runs = [run]
        self.turns.pass_below(self.first_seq)
        run.stop = MOST
        for turn in self.turns.turns:
            run.stop, run.ends = turn.seq, turn
            run = Run()
            run.start, run.stop, run.begins = turn.seq, MOST, turn
            runs.append(run)
        return runs

    cdef int64_t runs_out(self, Run run, object aged, int64_t max_age_ns, int64_t now) except? -1:
        """When a message of a run does, by `max_age_ns`. One that is yet to come was there at the
        latest when that was noticed."""
        cdef uint64_t seq = aged[0]
        cdef int64_t ts = aged[1], at = after(ts, max_age_ns)
        if ts - now <= STEP_NS:
            return at
        if run.ends is None:
            self.turns.note(self.last_seq + 1, ts, now, steady_ns())
            return min(at, after(now, max_age_ns))
        return min(at, after(now, after(run.ends.since_ns, max_age_ns) - steady_ns()))

    def look_at_clock(self):
        """Notice that the clock was set back if no message has shown it."""
        cdef int64_t now = wall_ns()
        if self.msgs and self.last_ts - now > STEP_NS:
            self.turns.note(self.last_seq + 1, self.last_ts, now, steady_ns())

    def ungathered(self):
        """The first turn before which TTLs are still to be looked at; None if there is none."""
        cdef Turn turn
        self.turns.pass_below(self.first_seq)
        for turn in self.turns.turns:
            if turn.gathered < turn.seq:
                return turn
        return None

    def gather_part(self, Py_ssize_t most):
        """(whether there is more, block to read or None): queue TTLs of messages that are yet to
        come by the clock."""
        cdef Turn turn = self.ungathered(), other
        cdef Block block
        cdef Py_ssize_t at
        cdef uint64_t seq, start
        cdef int64_t ttl = 0, now = wall_ns()
        cdef const uint8_t *r
        if turn is None:
            return False, None
        start = self.first_seq
        for other in self.turns.turns:
            if other is turn:
                break
            start = other.seq
        start = max(start, turn.gathered)
        while start < turn.seq:
            at = self.block_at(start)
            if at >= len(self.blocks):
                break
            block = self.blocks[at]
            if not block.msgs or not block.ttls or max(block.first_ts, block.last_ts) <= now:
                turn.gathered = start = block.last_seq + 1
                most -= 8
                if most <= 0:
                    return True, None
                continue
            if not block.loaded:
                return True, block
            at = block.slot_from(start)
            while at < block.count:
                r = block.buf + block.offs[at]
                seq = u64(r + 4)
                if seq >= turn.seq or seq > block.last_seq:
                    break
                if most <= 0:
                    turn.gathered = seq
                    return True, None
                most -= 1
                if stamp(r) - now > STEP_NS and seq >= block.first_seq \
                        and not block.deleted.has(seq) and block.marks_at(at, &ttl) & HAS_TTL:
                    self.noticed.reserve()
                    self.noticed.insert(expiry(turn.since_ns, ttl), seq)
                at += 1
            turn.gathered = start = block.last_seq + 1
        turn.gathered = turn.seq
        return True, None

    cdef int take_due(self, ExpiryQueue queue, int64_t now, Py_ssize_t most, bint by_wall) except -1:
        """Note in `due` what a queue says has run out."""
        cdef Py_ssize_t dead = 0
        while queue.size and queue.heap[0].at <= now and len(self.due) < most and dead < TIDY_MAX:
            if self.is_live(queue.heap[0].seq):
                # By the wall clock, whatever it will say.
                self.due[queue.heap[0].seq] = queue.heap[0].at if by_wall else 1
            else:
                dead += 1
            queue.drop_top()
        return 0

    def expired(self, int64_t now, int64_t max_age_ns=0, bint ttl=True, Py_ssize_t most=MOST):
        """Messages that have run out by `now` (ns), in sequence order: (seq, subject, ts, had a
        TTL that ran out). `max_age_ns` in ns, 0 = none; it always spares `Nats-TTL: never`. `ttl`
        off ignores all other TTLs. Of those with a TTL of their own `most` at a time. Removing
        while iterating is fine; what is not removed comes again. With `most` it ends at a block
        that has to be read first, `unread`."""
        cdef Block block
        cdef Run run
        cdef Py_ssize_t at, next = 0
        cdef const uint8_t *r
        self.unread = None
        if ttl:
            self.tidy_expiries()
            for seq in [seq for seq in self.due if not self.is_live(seq)]:
                del self.due[seq]
            self.take_due(self.expiries, now, most, True)
            self.take_due(self.noticed, steady_ns(), most, False)
        waiting = sorted([seq for seq, at_ns in self.due.items() if at_ns <= now]) if ttl else []
        for run in self.runs():
            start = max(self.first_seq, run.start)
            while True:
                aged = self.next_aging(run, start, most < MOST) if max_age_ns else None
                if aged is not None and self.runs_out(run, aged, max_age_ns, now) > now:
                    aged = None
                # Others may have got these sequences since (`forget_above`).
                while next < len(waiting) and not (waiting[next] in self.due
                                                   and self.is_live(waiting[next])):
                    self.due.pop(waiting[next], None)
                    next += 1
                if next < len(waiting) and waiting[next] < run.stop \
                        and (aged is None or waiting[next] <= aged[0]):
                    seq = waiting[next]
                    next += 1
                    if aged is not None and aged[0] == seq:
                        start = seq + 1
                    block = self.blocks[self.block_at(seq)]
                    if not block.loaded and most < MOST:
                        self.unread = block
                        return
                    block = self.holder(seq)
                    at = block.slot(seq)
                    if at < 0:
                        continue
                    r = block.buf + block.offs[at]
                    yield seq, (<const char *>r + HEAD)[:subject_size(r)], stamp(r), True
                elif aged is not None:
                    if aged[2] is None:
                        self.unread = self.blocks[self.block_at(aged[0])]
                        return
                    start = aged[0] + 1
                    yield aged[0], aged[2], aged[1], False
                else:
                    break

    cdef next_aging(self, Run run, uint64_t start, bint glance):
        """(seq, ts, subject) of the first live message of a run, at or after `start`, that ages, or
        None. With `glance` no block is read: the first message of one stands for what it holds,
        without a subject.
        Messages at the front of a run that never age are remembered and not looked at again."""
        cdef Py_ssize_t i, at
        cdef Block block
        cdef const uint8_t *r
        cdef uint64_t seq, known = self.ageless if run.begins is None else run.begins.ageless
        cdef int64_t ttl = 0
        cdef bint front
        start = max(start, known, self.first_seq)
        front = start <= max(self.first_seq, run.start, known)
        for i in range(self.block_at(start), len(self.blocks)):
            block = self.blocks[i]
            if not block.msgs:
                continue
            if block.first_seq >= run.stop:
                break
            if not block.loaded:
                if glance:
                    return max(start, block.first_seq), block.first_ts, None
                self.load_block(block)
            at = block.slot_from(start)
            while at < block.count:
                r = block.buf + block.offs[at]
                seq = u64(r + 4)
                at += 1
                if seq < block.first_seq or block.deleted.has(seq):
                    continue
                if seq > block.last_seq or seq >= run.stop:
                    break
                block.marks_at(at - 1, &ttl)
                if ttl == TTL_NEVER:
                    if front and run.begins is None:
                        self.ageless = seq + 1
                    elif front:
                        run.begins.ageless = seq + 1
                    continue
                return seq, stamp(r), (<const char *>r + HEAD)[:subject_size(r)]
        return None
