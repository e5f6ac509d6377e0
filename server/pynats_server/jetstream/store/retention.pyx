"""Limits and purges of a stream, on top of its index: what removes messages by rule."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, realloc

from pynats_server.jetstream.store.ages.ages cimport Ages
from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.expiry cimport HAS_SCHEDULE, HAS_TTL, expiry
from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.record cimport (HAS_HEADERS, HEAD, TOMBSTONE, stamp,
                        subject_size, u32, u64)
from pynats_server.jetstream.store.subjects cimport (FIRST_STALE, LAST_STALE, Leaf, ring_drop,
                        ring_unshift)

from pynats_server.jetstream.store.errors import CorruptRecord, SequenceNotFound

MOST_AT_ONCE = EVICT_MAX


cdef class Retention(Ages):
    """The compiled part of a store. Subclasses supply `roll_block`, `load_block`, `reap`."""

    def __dealloc__(self):
        free(self.journal)

    # Limits. The caller of an append calls `enforce` right after; what it takes out comes back if the
    # write that should cover it finds the disk full (see `restore_evicted`).

    cdef int enforce(self, uint64_t max_msgs, uint64_t max_bytes, uint64_t max_per_subject,
                     const uint8_t *subject, size_t sn, int most) except -1:
        """Remove the oldest messages (of the subject, then of all) past the limits; 0 = none.

        Returns how many went. More than `most` (0 = any number) are left to `Limiting.enforcing`,
        as `behind` says. The subject comes first, as nats-server does it. A message removed
        at the front costs no record of its own: one floor is written with the next flush; others
        leave a tombstone. nats-server writes neither and applies the limits again at the next
        start, which brings back what an explicit delete or a config change has since outrun.
        """
        cdef Leaf *leaf
        cdef uint64_t seq
        cdef int gone = 0
        self.left_at = -1
        if max_per_subject:
            leaf = self.tree.get(subject, sn)
            while leaf != NULL and leaf.total > max_per_subject:
                if most and self.gathering and leaf.ring == NULL and leaf.flags & FIRST_STALE:
                    self.behind |= BEHIND_A_SUBJECT  # finding the oldest one might take long
                    self.left_at = gone
                    break
                if most and gone >= most:
                    self.behind |= BEHIND_A_SUBJECT
                    break
                if max_per_subject > 1 and not self.rings:
                    self.build_rings()
                seq = self.first_of(leaf)
                if seq:
                    self.evict(seq)
                    gone += 1
                else:
                    leaf.total -= 1  # counted but unreadable, and named as lost
        while self.msgs and ((max_msgs and self.msgs > max_msgs)
                             or (max_bytes and self.nbytes > max_bytes)):
            if most and gone >= most:
                self.behind |= BEHIND_IN_ALL
                break
            self.evict(self.first_seq)
            gone += 1
        return gone

    def enforce_limits(self, uint64_t max_msgs=0, uint64_t max_bytes=0,
                       uint64_t max_per_subject=0, bytes subject=b"", int most=0):
        """`enforce` for Python; returns how many messages went. 0 = no limit."""
        return self.enforce(max_msgs, max_bytes, max_per_subject if subject else 0,
                            <const uint8_t *>subject, len(subject), most)

    def thin_part(self, uint64_t limit, uint64_t start, int64_t most,
                  uint64_t stop=0xFFFFFFFFFFFFFFFF):
        """(where the next step begins or 0 at the end, block to read or None): from `start` to
        `stop`, remove every message of whose subject there are more than `limit`. From the front to
        the end of a stream that leaves the newest of each, whatever is known of the others."""
        cdef Py_ssize_t at
        cdef Block block
        cdef const uint8_t *r
        cdef uint64_t seq
        cdef Leaf *leaf
        start = max(start, self.first_seq)
        at = self.block_at(start)
        if at >= len(self.blocks) or start > stop:
            return 0, None
        block = self.blocks[at]
        if block.msgs and not block.loaded:
            return start, block
        at = block.slot_from(max(start, block.first_seq))
        while block.msgs and at < block.count:
            r = block.buf + block.offs[at]
            seq = u64(r + 4)
            if seq > block.last_seq or seq > stop:
                break
            if most <= 0:
                return seq, None
            most -= 2
            at += 1
            if block.deleted.has(seq):
                continue
            leaf = self.tree.get(r + HEAD, subject_size(r))
            if leaf != NULL and leaf.total > limit:
                most -= 6
                self.evict(seq)
                # The block may have been written anew, or begin behind others that were deleted.
                at = block.slot_from(max(seq + 1, block.first_seq))
        return block.last_seq + 1 if block.last_seq < self.last_seq else 0, None

    cdef int evict(self, uint64_t seq) except -1:
        """Remove one live message because of a limit."""
        cdef Block block = self.holder(seq)
        cdef Py_ssize_t at
        cdef int64_t ts = 0
        cdef bint front = seq == self.first_seq
        cdef uint64_t *grown
        if block is None:
            raise SequenceNotFound(seq)
        at = block.slot(seq)
        if at < 0:
            self.abandon(seq)
        else:
            if self.on_disk and self.journaled == self.journal_room:
                grown = <uint64_t *>realloc(self.journal, (self.journal_room * 2 + 64) * 8)
                if grown == NULL:
                    raise MemoryError
                self.journal, self.journal_room = grown, self.journal_room * 2 + 64
            ts = stamp(block.buf + block.offs[at])
            self.take(block, at, False)
            if self.on_disk:
                self.journal[self.journaled] = seq
                self.journaled += 1
        if self.on_disk:
            if front and not self.burying:
                self.floor_due = True
                self.passed = max(self.passed, seq)
            else:
                self.tail.put(seq | TOMBSTONE, ts, NULL, 0, NULL, 0, NULL, 0)
            self.touch()
        if block is self.tail:
            return 0
        if block.msgs == 0:
            self.dead = True
            if not self.on_disk:
                self.reap()
        elif not front and self.is_sparse(block):
            self.on_sparse(block)
        return 0

    def displace(self, bytes filter not None, uint64_t start, uint64_t stop):
        """Remove the messages of `filter` in start..stop because of a message that was just appended.
        If the write that covers that one finds the disk full, they come back. Returns how many."""
        cdef int gone = 0
        start = max(start, self.first_seq)
        self.burying = True
        try:
            while start <= stop:
                found = self.next_of(filter, start, stop)
                if found is None:
                    break
                self.evict(found.seq)
                gone += 1
                start = found.seq + 1
        finally:
            self.burying = False
        return gone

    cdef int displace_older(self, const uint8_t *subject, size_t sn) except -1:
        """`displace` all messages of a literal subject but the last."""
        self.burying = True
        try:
            self.enforce(0, 0, 1, subject, sn, 0)
        finally:
            self.burying = False
        return 0

    def bury_tail(self, uint64_t stop):
        """Append tombstones for the live messages of the tail up to `stop`, which stay in the index.
        Our own servers need none below a floor; nats-server knows no floors."""
        cdef Block tail = self.tail
        cdef Py_ssize_t i, count = tail.count
        cdef uint64_t seq
        for i in range(tail.slot_from(tail.first_seq), count):
            seq = u64(tail.buf + tail.offs[i] + 4)
            if seq > stop:
                break
            if not tail.deleted.has(seq):
                tail.put(seq | TOMBSTONE, stamp(tail.buf + tail.offs[i]),
                         NULL, 0, NULL, 0, NULL, 0)

    def drop_front(self, uint64_t seq, uint64_t most, bint purged=True, bint bury=False):
        """Take the first messages below `seq` out of the index, `most` and one block's at most. With
        `bury` they leave tombstones, for nats-server, which knows no floors."""
        cdef Block block, first = None
        cdef Py_ssize_t at
        cdef uint64_t gone = 0
        while self.msgs and self.first_seq < seq and gone < most:
            block = self.blocks[self.block_at(self.first_seq)]
            if first is not None and block is not first:
                break
            first = block = self.holder(self.first_seq)
            at = block.slot(self.first_seq)
            if at < 0:
                self.abandon(self.first_seq)
            else:
                if bury:
                    self.tail.put(self.first_seq | TOMBSTONE, stamp(block.buf + block.offs[at]),
                                  NULL, 0, NULL, 0, NULL, 0)
                self.take(block, at, purged)
            gone += 1
        return gone

    def purge_part(self, Block block not None, FilterSet filters not None, uint64_t start,
                   uint64_t stop, int64_t most, bint bury=True, bint purged=True):
        """(how many went, where the next step begins or 0 at the end): take live messages in
        start..stop out of a loaded block; each leaves a tombstone in the tail of a store on disk
        unless `bury` is off."""
        cdef Py_ssize_t i
        cdef const uint8_t *r
        cdef uint64_t seq, gone = 0
        stop = min(stop, block.last_seq)
        for i in range(block.slot_from(start), block.count):
            r = block.buf + block.offs[i]
            seq = u64(r + 4)
            if seq > stop or block.msgs == 0:
                break
            if most <= 0:
                self.touch()
                return gone, seq
            # A step looks at eight records in the time that it takes to remove one.
            most -= 1
            # The block's first sequence moves along and takes its part of the deleted set away.
            if seq < block.first_seq or block.deleted.has(seq) \
                    or not filters.covers(r + HEAD, subject_size(r)):
                continue
            most -= 7
            self.take(block, i, purged)
            gone += 1
            if self.on_disk and bury:
                self.tail.put(seq | TOMBSTONE, stamp(block.buf + block.offs[i]),
                              NULL, 0, NULL, 0, NULL, 0)
        self.touch()
        return gone, 0

    def evicted(self):
        """How many messages limits took out since the last flush."""
        return self.journaled

    def forget_evicted(self):
        """The flush that covers them succeeded."""
        self.journaled = 0

    def restore_evicted(self):
        """Bring back, newest first, what limits took out since the last flush."""
        while self.journaled:
            self.journaled -= 1
            self.relink(self.journal[self.journaled])

    cdef int relink(self, uint64_t seq) except -1:
        """Undo `take`: the record is still in its block."""
        cdef Block block = self.blocks[self.block_at(seq)]
        cdef Py_ssize_t at
        cdef const uint8_t *r
        cdef size_t rl
        cdef Leaf *leaf
        cdef int64_t ttl
        cdef int marks
        self.listing = None  # the subject may have been listed without this message
        block.column = None
        if not block.loaded:
            self.load_block(block)
        at = block.slot(seq)
        if at < 0:
            raise CorruptRecord(f"sequence {seq} should be in block {block.index} and is not")
        r = block.buf + block.offs[at]
        rl = u32(r) & ~HAS_HEADERS
        leaf = self.tree.get_or_add(r + HEAD, subject_size(r))
        if leaf.total == 0:
            leaf.first = leaf.last = seq
            leaf.flags = 0
        else:
            # Limits take the oldest of a subject, but others may have come back before it.
            if leaf.ring != NULL and seq < leaf.ring.seqs[leaf.ring.head]:
                ring_unshift(leaf, seq)
            elif leaf.ring != NULL:
                ring_drop(leaf)
            if seq <= leaf.first:
                leaf.first = seq
                leaf.flags &= ~FIRST_STALE
            if seq >= leaf.last:
                leaf.last = seq
                leaf.flags &= ~LAST_STALE
        leaf.total += 1
        if block.msgs == 0:
            if block.last_seq > seq:
                block.deleted.insert_range(seq + 1, block.last_seq)
            block.first_seq, block.first_ts = seq, stamp(r)
        elif seq < block.first_seq:
            block.deleted.insert_range(seq + 1, block.first_seq - 1)
            block.deleted.remove(block.first_seq)
            block.first_seq, block.first_ts = seq, stamp(r)
        else:
            block.deleted.remove(seq)
        marks = block.marks_at(at, &ttl)
        block.ttls += marks & HAS_TTL
        block.schedules += (marks & HAS_SCHEDULE) >> 1
        if marks & HAS_TTL:
            self.expiries.reserve()
            self.expiries.insert(expiry(stamp(r), ttl), seq)
        block.msgs += 1
        block.nbytes += rl
        self.msgs += 1
        self.nbytes += rl
        self.find_first()
        return 0
