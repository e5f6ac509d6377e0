"""What a folder holds becomes an index: records of scanned blocks and subjects of index.db are
counted, and what the stream never heard of is left out. For recovery, and for blocks read back.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t

from pynats_server.jetstream.clock cimport steady_ns
from pynats_server.jetstream.store.ages.turns cimport STEP_NS
from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.expiry cimport HAS_SCHEDULE, HAS_TTL, expiry
from pynats_server.jetstream.store.format.subjectlist cimport Listed, next_listed
from pynats_server.jetstream.store.format.varint cimport get_uvarint
from pynats_server.jetstream.store.pieces cimport PIECE, let_others_run
from pynats_server.jetstream.store.record cimport HAS_HEADERS, HEAD, stamp, subject_size, u32, u64
from pynats_server.jetstream.store.seqset cimport SequenceSet
from pynats_server.jetstream.store.streamindex cimport StreamIndex
from pynats_server.jetstream.store.subjects cimport FIRST_STALE, LAST_STALE, Leaf

from pynats_server.jetstream.store.errors import CorruptRecord

cdef enum:
    # No server leaves more unused sequences inside of a block: each is noted in memory.
    GAP_READ_MAX = 1 << 26


cdef class Adopting(StreamIndex):
    """The index with what fills it from a folder."""

    def strangers(self, Block block):
        """Drop records whose subject the stream does not know, and return their sequences.

        The format's checksum does not cover the subject length, so a damaged length shows
        itself only as a subject that the (separately checksummed) index never heard of.
        """
        cdef Py_ssize_t i, kept = 0
        cdef const uint8_t *r
        cdef uint64_t seq
        out = []
        for i in range(block.count):
            if i % PIECE == PIECE - 1:
                let_others_run()
            r = block.buf + block.offs[i]
            seq = u64(r + 4)
            if block.first_seq <= seq <= block.last_seq and not block.deleted.has(seq) \
                    and self.tree.get(r + HEAD, subject_size(r)) == NULL:
                out.append(seq)
                continue
            block.offs[kept] = block.offs[i]
            kept += 1
        block.count = kept
        return out

    def find_stranger(self, Block block not None, Py_ssize_t at, Py_ssize_t most):
        """The slot where the next step of the search for a record as above goes on; -1 at the end,
        -2 where there is one."""
        cdef Py_ssize_t stop = min(at + most, block.count)
        cdef const uint8_t *r
        cdef uint64_t seq
        while at < stop:
            r = block.buf + block.offs[at]
            seq = u64(r + 4)
            if block.first_seq <= seq <= block.last_seq and not block.deleted.has(seq) \
                    and self.tree.get(r + HEAD, subject_size(r)) == NULL:
                return -2
            at += 1
        return at if at < block.count else -1

    def adopt(self, Block block, uint64_t top):
        """Count a scanned block's records above the last sequence as live; `top` is the highest
        sequence known so far, for a block that has none."""
        block.deleted = SequenceSet()
        block.msgs = block.nbytes = 0
        block.ttls = block.schedules = 0
        block.first_seq, block.last_seq = top + 1, top
        self.extend(block)

    def extend(self, Block block):
        """Count the records above the last sequence that a counted block has got since."""
        cdef Py_ssize_t i
        cdef const uint8_t *r
        cdef uint64_t seq
        cdef Leaf *leaf
        cdef int64_t ttl
        cdef int marks
        for i in range(block.slot_from(self.last_seq + 1), block.count):
            if i % PIECE == PIECE - 1:
                let_others_run()
            r = block.buf + block.offs[i]
            seq = u64(r + 4)
            if block.msgs == 0:
                block.first_seq, block.first_ts = seq, stamp(r)
                block.deleted.wipe()
            elif seq != block.last_seq + 1:
                if seq - block.last_seq > GAP_READ_MAX:
                    raise CorruptRecord(f"sequence {seq} cannot follow {block.last_seq} in a block")
                block.deleted.insert_range(block.last_seq + 1, seq - 1)
            if self.msgs and self.last_ts - stamp(r) > STEP_NS:
                self.turns.note(seq, self.last_ts, stamp(r), steady_ns())
            leaf = self.tree.get_or_add(r + HEAD, subject_size(r))
            if leaf.total == 0:
                leaf.first = seq
                leaf.flags = 0
            leaf.last = seq
            leaf.flags &= ~LAST_STALE
            leaf.total += 1
            block.msgs += 1
            block.nbytes += u32(r) & ~HAS_HEADERS
            block.last_seq, block.last_ts = seq, stamp(r)
            self.msgs += 1
            self.nbytes += u32(r) & ~HAS_HEADERS
            self.last_seq, self.last_ts = seq, stamp(r)
            marks = block.marks_at(i, &ttl)
            if marks:
                block.ttls += marks & HAS_TTL
                block.schedules += (marks & HAS_SCHEDULE) >> 1
                if marks & HAS_TTL:
                    self.expiries.reserve()
                    self.expiries.insert(expiry(stamp(r), ttl), seq)

    def take_subjects(self, const uint8_t[::1] data, bint with_last):
        """States of all subjects from index.db, in whose list the bounds are blocks and not
        sequences. `list_end` has accepted it."""
        cdef const uint8_t *p = &data[0]
        cdef const uint8_t *end = p + data.shape[0]
        cdef uint64_t count
        cdef Listed entry
        cdef Leaf *leaf
        cdef Block first, last
        p = get_uvarint(p, end, &count)
        while p != NULL and count:
            p = next_listed(p, end, with_last, &entry)
            count -= 1
            if p == NULL:
                return
            if count % PIECE == 0:
                let_others_run()
            first, last = self.numbered(entry.first), self.numbered(entry.last)
            leaf = self.tree.get_or_add(entry.subject, entry.size)
            leaf.total = entry.total
            leaf.first = (first if first is not None else <Block>self.blocks[0]).first_seq
            leaf.last = last.last_seq if last is not None else self.last_seq
            leaf.flags = FIRST_STALE | LAST_STALE

    def take_over(self, Adopting other not None):
        """Take over the blocks of another index, which is not used again."""
        self.blocks, self.tail, self.tree = other.blocks, other.tail, other.tree
        self.first_seq, self.first_ts = other.first_seq, other.first_ts
        self.last_seq, self.last_ts = other.last_seq, other.last_ts
        self.msgs, self.nbytes, self.rings = other.msgs, other.nbytes, other.rings
        self.expiries, self.stale = other.expiries, other.stale
        self.turns = other.turns
        self.find_turns()

    cdef Block numbered(self, uint64_t index):
        """The block of this number, or None; they are in order."""
        cdef Py_ssize_t low = 0, high = len(self.blocks), middle
        cdef Block block
        while low < high:
            middle = (low + high) >> 1
            block = <Block>self.blocks[middle]
            if block.index == index:
                return block
            if block.index < index:
                low = middle + 1
            else:
                high = middle
        return None
