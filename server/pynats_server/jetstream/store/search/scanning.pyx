"""Looking for messages in a stream, in steps: a step looks at so many records at most, and says
where the next one goes on. Sequences are the places, so anything may happen in between.

A step never reads a block from the disk: it returns the one that it needs.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint64_t

from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.record cimport HEAD, stamp, subject_size, u64
from pynats_server.jetstream.store.adopting cimport Adopting
from pynats_server.jetstream.store.subjects cimport Leaf
from pynats_server.jetstream.store.ages.turns cimport STEP_NS
from pynats_server.jetstream.store.search.subjectwalk cimport SubjectWalk

cdef enum:
    BLOCK_COST = 16  # records that take as long to look at as the next block
    KNOWN = 16       # messages of a block with a column that are counted as fast as a record
    UNREAD = 4       # records that are looked at as fast as one that has to be read first


cdef class Scanning(Adopting):
    """The index with reads in steps. `stop` below `start` finds nothing."""

    def step_forward(self, FilterSet filters not None, uint64_t start, uint64_t stop,
                     int64_t most):
        """(message or None, where the next step begins or 0 at the end, block to read or None):
        the first live message of a filter in start..stop."""
        cdef Block block
        cdef Py_ssize_t i, at
        cdef const uint8_t *r
        cdef uint64_t seq
        start = max(start, self.first_seq)
        stop = min(stop, self.last_seq)
        for i in range(self.block_at(start), len(self.blocks)):
            block = self.blocks[i]
            if block.first_seq > stop or start > stop:
                break
            most -= BLOCK_COST
            if block.msgs:
                if not block.loaded:
                    return None, start, block
                at = block.slot_from(max(start, block.first_seq))
                while at < block.count:
                    r = block.buf + block.offs[at]
                    seq = u64(r + 4)
                    if seq > stop or seq > block.last_seq:
                        break
                    if most <= 0:
                        return None, seq, None
                    most -= 1
                    if filters.covers(r + HEAD, subject_size(r)) and not block.deleted.has(seq):
                        return block.message(at), seq + 1 if seq < stop else 0, None
                    at += 1
            start = max(start, block.last_seq + 1)
            if most <= 0 and start <= stop:
                return None, start, None
        return None, 0, None

    def step_back(self, FilterSet filters not None, uint64_t start, uint64_t stop, int64_t most):
        """(message or None, where the next step ends or 0 at the end, block to read or None): the
        last live message of a filter in start..stop."""
        cdef Block block
        cdef Py_ssize_t i, at
        cdef const uint8_t *r
        cdef uint64_t seq
        start = max(start, self.first_seq)
        stop = min(stop, self.last_seq)
        i = min(self.block_at(stop), <Py_ssize_t>len(self.blocks) - 1)
        while i >= 0:
            block = self.blocks[i]
            i -= 1
            if block.last_seq < start or start > stop:
                break
            most -= BLOCK_COST
            if not block.msgs or block.first_seq > stop:
                continue
            if not block.loaded:
                return None, stop, block
            at = block.slot_from(min(stop, block.last_seq) + 1) - 1
            while at >= 0:
                r = block.buf + block.offs[at]
                seq = u64(r + 4)
                if seq < start or seq < block.first_seq:
                    break
                if most <= 0:
                    return None, seq, None
                most -= 1
                if filters.covers(r + HEAD, subject_size(r)) and not block.deleted.has(seq):
                    return block.message(at), seq - 1 if seq > start else 0, None
                at -= 1
            if block.first_seq <= start:
                break
            stop = min(stop, block.first_seq - 1)
            if most <= 0:
                return None, stop, None
        return None, 0, None

    def step_keep(self, FilterSet filters not None, uint64_t stop, uint64_t keep, int64_t most):
        """(how many are left to be found, where the next step ends or 0 at the end, block to read
        or None): from `stop` back through the newest `keep` live messages of the filters. With none
        left, the second is the sequence of the oldest of them."""
        cdef Block block
        cdef Py_ssize_t i, at
        cdef const uint8_t *r
        cdef uint64_t seq
        stop = min(stop, self.last_seq)
        i = min(self.block_at(stop), <Py_ssize_t>len(self.blocks) - 1)
        while i >= 0:
            block = self.blocks[i]
            i -= 1
            most -= BLOCK_COST
            if not block.msgs or block.first_seq > stop:
                continue
            if filters.every and block.last_seq <= stop and block.msgs < keep:
                keep -= block.msgs
            else:
                if not block.loaded:
                    return keep, stop, block
                at = block.slot_from(min(stop, block.last_seq) + 1) - 1
                while at >= 0:
                    r = block.buf + block.offs[at]
                    seq = u64(r + 4)
                    if seq < block.first_seq:
                        break
                    if most <= 0:
                        return keep, seq, None
                    most -= 1
                    at -= 1
                    if filters.covers(r + HEAD, subject_size(r)) and not block.deleted.has(seq):
                        keep -= 1
                        if keep == 0:
                            return 0, seq, None
            stop = min(stop, block.first_seq - 1)
            if most <= 0 and stop:
                return keep, stop, None
        return keep, 0, None

    def step_count(self, FilterSet filters not None, uint64_t start, uint64_t stop, int64_t most):
        """(how many, where the next step begins or 0 at the end, block to read or None): live
        messages of the filters in start..stop; for all subjects, blocks are counted whole."""
        cdef Block block
        cdef Py_ssize_t i, at
        cdef const uint8_t *r
        cdef uint64_t seq, found = 0
        start = max(start, self.first_seq)
        stop = min(stop, self.last_seq)
        for i in range(self.block_at(start), len(self.blocks)):
            block = self.blocks[i]
            if block.first_seq > stop or start > stop:
                break
            most -= BLOCK_COST
            if block.msgs and filters.every and start <= block.first_seq \
                    and block.last_seq <= stop:
                found += block.msgs
            elif block.msgs:
                if not block.loaded:
                    return found, start, block
                at = block.slot_from(max(start, block.first_seq))
                while at < block.count:
                    r = block.buf + block.offs[at]
                    seq = u64(r + 4)
                    if seq > stop or seq > block.last_seq:
                        break
                    if most <= 0:
                        return found, seq, None
                    most -= 1
                    if filters.covers(r + HEAD, subject_size(r)) and not block.deleted.has(seq):
                        found += 1
                    at += 1
            start = max(start, block.last_seq + 1)
            if most <= 0 and start <= stop:
                return found, start, None
        return found, 0, None

    def count_all(self, uint64_t start):
        """Live messages at or after `start`, from what the blocks know of themselves."""
        cdef Block block
        cdef Py_ssize_t i
        cdef int64_t found = 0
        for i in range(self.block_at(start), len(self.blocks)):
            block = self.blocks[i]
            if not block.msgs:
                continue
            if start <= block.first_seq:
                found += block.msgs
            else:
                found += block.last_seq + 1 - start \
                    - block.deleted.count_between(start, block.last_seq)
        return found

    def count_costs(self, uint64_t start):
        """(cost of counting what is before `start`, of what is behind it): in records, where a
        block that has to be read costs some times as much."""
        cdef Block block
        cdef int64_t cost, before = 0, behind = 0
        for block in self.blocks:
            if not block.msgs:
                continue
            cost = block.msgs
            if block.column is not None and block.column.whole:
                cost = cost // KNOWN + 1
            elif not block.loaded:
                cost *= UNREAD
            if block.last_seq < start:
                before += cost
            elif block.first_seq >= start:
                behind += cost
            else:
                before += cost
                behind += cost
        return before, behind

    def step_since(self, int64_t ts, uint64_t start, int64_t most):
        """(sequence or 0, where the next step begins or 0 at the end, block to read or None): the
        first live message with a time of `ts` or later, at or after `start`."""
        cdef Block block
        cdef Py_ssize_t i, at
        cdef const uint8_t *r
        cdef uint64_t seq
        # Within a block, times may go back by as much as a clock that is waited for.
        cdef int64_t from_ns = ts - STEP_NS if ts > 0 else ts
        for i in range(self.block_at(start), len(self.blocks)):
            block = self.blocks[i]
            most -= BLOCK_COST
            if block.msgs and max(block.first_ts, block.last_ts) >= from_ns:
                if block.first_ts >= ts and start <= block.first_seq:
                    return block.first_seq, 0, None
                if not block.loaded:
                    return 0, max(start, block.first_seq), block
                at = block.slot_from(max(start, block.first_seq))
                while at < block.count:
                    r = block.buf + block.offs[at]
                    seq = u64(r + 4)
                    if seq > block.last_seq:
                        break
                    if most <= 0:
                        return 0, seq, None
                    most -= 1
                    if stamp(r) >= ts and not block.deleted.has(seq):
                        return seq, 0, None
                    at += 1
            if most <= 0:
                return 0, block.last_seq + 1, None
        return 0, 0, None

    def step_missing(self, uint64_t start, int64_t most):
        """(sequences, where the next step begins or 0 at the end): the deleted ones between the
        first and the last message, `most` at most."""
        cdef Block block
        cdef Py_ssize_t i
        cdef uint64_t seq = max(start, self.first_seq), stop
        cdef list out = []
        for i in range(self.block_at(seq), len(self.blocks) + 1):
            stop = self.last_seq + 1
            if i < len(self.blocks):
                block = self.blocks[i]
                if not block.msgs:
                    continue
                stop = block.first_seq
            while seq < stop:  # between two blocks
                if len(out) >= most:
                    return out, seq
                out.append(seq)
                seq += 1
            if i == len(self.blocks):
                break
            if len(out) < most:
                out += block.deleted.members(seq, most - len(out))
            if len(out) >= most:
                return out, out[len(out) - 1] + 1
            seq = max(seq, block.last_seq + 1)
        return out, 0

    # What the subjects say, at once: for literal ones, or where there are few.

    def subject_states(self, bytes filter):
        """{subject: (count, first seq, last seq)} of the subjects a filter covers."""
        cdef SubjectWalk walk = SubjectWalk(self.tree, FilterSet([filter]))
        cdef Leaf *leaf
        cdef Py_ssize_t i
        out = {}
        for i in range(walk.advance(<uint64_t>1 << 62)):
            leaf = walk.found[i]
            first, last = self.exact(leaf)
            out[leaf.key[:leaf.size]] = (leaf.total, first, last)
        return out

    def subject_totals(self, bytes filter):
        """{subject: count}; never reads a block."""
        return dict(SubjectWalk(self.tree, FilterSet([filter])).totals(<uint64_t>1 << 62))

    def literal_bounds(self, bytes subject not None):
        """(messages, first, last) of a literal subject, the last two as bounds."""
        cdef Leaf *leaf = self.tree.get(<const uint8_t *>PyBytes_AS_STRING(subject),
                                        PyBytes_GET_SIZE(subject))
        if leaf == NULL:
            return 0, 0, 0
        return leaf.total, leaf.first, leaf.last

    def subject_state(self, bytes subject):
        """(count, first, last) of one literal subject, zeros when unknown."""
        cdef Leaf *leaf = self.tree.get(<const uint8_t *>PyBytes_AS_STRING(subject),
                                        PyBytes_GET_SIZE(subject))
        if leaf == NULL:
            return 0, 0, 0
        first, last = self.exact(leaf)
        return leaf.total, first, last
