"""Blocks: runs of records in one growing buffer plus a table of record offsets.

Block files hold exactly these bytes (before compression and encryption). A block's deleted set
is always in memory, its buffer only while it is in use.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from pynats_server.core.memory.chunks cimport chunk_lend
from pynats_server.jetstream.store.expiry cimport HAS_SCHEDULE, HAS_TTL, header_marks
from pynats_server.jetstream.store.pieces cimport PIECE, let_others_run
from pynats_server.jetstream.store.record cimport (EMPTY, ERASED, HAS_HEADERS, HEAD, HELD_MAX, SEQ_MASK,
                        TOMBSTONE, Content, headers_of, record_at, record_size, record_sum,
                        record_within, stamp, subject_size, take_apart, u32, u64)
from pynats_server.jetstream.store.seqset cimport SequenceSet
from pynats_server.jetstream.store.subjects cimport SubjectTree, subject_matches

import hashlib

from pynats_server.jetstream.store.errors import CorruptRecord, SequenceNotFound


cdef class Message:
    """One stored message: seq, ts (ns since 1970), subject, headers (b"" = none), payload."""

    def __repr__(self):
        return f"<Message {self.seq} {self.subject!r} {len(self.payload)} bytes>"


cdef class Block(Buffer):
    """One block. `first_seq`..`last_seq` minus `deleted` are live; empty when first > last."""

    def __cinit__(self, uint32_t index, uint64_t first_seq, str stream=""):
        self.index = index
        self.first_seq, self.last_seq = first_seq, first_seq - 1
        self.base = first_seq
        self.deleted = SequenceSet()
        self.notes = []
        self.loaded = True
        self.tail_sum = bytes(8)
        cdef bytes key = hashlib.sha256(f"{stream}-{index}".encode()).digest()
        memcpy(self.key, PyBytes_AS_STRING(key), 32)

    def __dealloc__(self):
        free(self.offs)

    def free(self):
        """Give the memory of a block that is not used any more back. Other threads may run."""
        if self.shared != NULL:
            self.drop_buffer()
        with nogil:
            free(self.buf)
            free(self.offs)
        self.buf, self.offs = NULL, NULL
        self.size = self.room = 0
        self.count = self.slots = 0
        self.loaded = False

    @property
    def buffered(self):
        """Bytes of the buffer (0 when unloaded)."""
        return self.size

    @property
    def memory_bytes(self):
        return self.room + self.slots * 4 + self.deleted.memory_bytes

    cdef int push_slot(self, uint32_t offset) except -1 nogil:
        cdef uint32_t *grown
        cdef Py_ssize_t slots
        if self.count == self.slots:
            slots = self.slots * 2 if self.slots else 64
            grown = <uint32_t *>realloc(self.offs, slots * 4)
            if grown == NULL:
                with gil:
                    raise MemoryError
            self.offs, self.slots = grown, slots
        self.offs[self.count] = offset
        self.count += 1
        return 0

    cdef Py_ssize_t slot(self, uint64_t seq) noexcept nogil:
        """Index into the offset table of a message record, or -1."""
        cdef Py_ssize_t low = 0, high = self.count, middle
        cdef uint64_t base, found
        if high == 0:
            return -1
        base = u64(self.buf + self.offs[0] + 4) & SEQ_MASK
        if seq < base:
            return -1
        if seq - base < <uint64_t>high:
            middle = <Py_ssize_t>(seq - base)
            if u64(self.buf + self.offs[middle] + 4) == seq:
                return middle
        while low < high:
            middle = (low + high) >> 1
            found = u64(self.buf + self.offs[middle] + 4) & SEQ_MASK
            if found < seq:
                low = middle + 1
            else:
                high = middle
        if low < self.count and (u64(self.buf + self.offs[low] + 4) & SEQ_MASK) == seq:
            return low
        return -1

    cdef Py_ssize_t slot_from(self, uint64_t seq) noexcept nogil:
        """Index of the first message record at or after a sequence, `count` when none is."""
        cdef Py_ssize_t low = 0, high = self.count, middle
        while low < high:
            middle = (low + high) >> 1
            if u64(self.buf + self.offs[middle] + 4) < seq:
                low = middle + 1
            else:
                high = middle
        return low

    cdef int put(self, uint64_t seq, int64_t ts, const uint8_t *subject, size_t sn,
                 const uint8_t *hdr, size_t hn, const uint8_t *msg, size_t mn) except -1:
        """Encode one record at the end of the buffer. The caller does the accounting."""
        cdef size_t rl = record_size(sn, hn, mn)
        cdef uint8_t *r
        cdef uint8_t *p
        cdef uint32_t word
        cdef uint64_t total
        self.reserve(rl)
        r = self.buf + self.size
        word = <uint32_t>rl | (HAS_HEADERS if hn else 0)
        memcpy(r, &word, 4)
        memcpy(r + 4, &seq, 8)
        memcpy(r + 12, &ts, 8)
        r[20], r[21] = <uint8_t>sn, <uint8_t>(sn >> 8)
        p = r + HEAD
        if sn:  # else there may be no pointer at all
            memcpy(p, subject, sn)
        p += sn
        if hn:
            self.plain = False
            word = <uint32_t>hn
            memcpy(p, &word, 4)
            memcpy(p + 4, hdr, hn)
            p += 4 + hn
        if mn:
            memcpy(p, msg, mn)
        total = record_sum(self.key, r, rl)
        memcpy(r + rl - 8, &total, 8)
        if not seq & (ERASED | TOMBSTONE):
            self.push_slot(<uint32_t>self.size)
        self.size += rl
        return 0

    def mark(self, uint64_t seq, int64_t ts, bint tombstone):
        """Append an empty record: a tombstone for `seq`, or a skip up to and with `seq`."""
        self.put(seq | (TOMBSTONE if tombstone else ERASED), ts, NULL, 0, NULL, 0, NULL, 0)

    def mark_floor(self, uint64_t seq, int64_t ts, bytes note=b""):
        """Append a floor: everything up to and with `seq` is gone. It may carry a note."""
        self.put(seq | TOMBSTONE, ts, <const uint8_t *>b">", 1, NULL, 0,
                 <const uint8_t *>PyBytes_AS_STRING(note), PyBytes_GET_SIZE(note))
        self.floor = max(self.floor, seq)

    def tombstones(self, size_t start=0):
        """[(seq, ts)] of the tombstones from byte `start` (a record's) on, floors left out."""
        return self.marked(start, TOMBSTONE)

    def skips(self, size_t start=0):
        """[(seq, ts)] of the skipped and erased records from byte `start` (a record's) on."""
        return self.marked(start, ERASED)

    cdef list marked(self, size_t start, uint64_t flag):
        cdef size_t at = start, rl
        cdef const uint8_t *r
        cdef uint64_t seq
        cdef list found = []
        while at + EMPTY <= self.size:
            r = self.buf + at
            rl = u32(r) & ~HAS_HEADERS
            seq = u64(r + 4)
            if rl < EMPTY:
                # Damage: every offset is tried, and only what its checksum vouches for counts.
                at += 1
                continue
            if seq & flag and (flag != TOMBSTONE or not subject_size(r)) and \
                    record_at(self.key, r, self.size - at):
                found.append((seq & SEQ_MASK, stamp(r)))
            at += rl
        return found

    def unwritten(self):
        """The bytes not yet handed to the file."""
        return PyBytes_FromStringAndSize(<char *>self.buf + self.written, self.size - self.written)

    def content(self):
        """All bytes of a loaded block."""
        return PyBytes_FromStringAndSize(<char *>self.buf, self.size)

    def last_sum(self):
        """The checksum that ends the block (index.db keeps it), zeros when empty."""
        if self.loaded and self.size >= 8:
            return PyBytes_FromStringAndSize(<char *>self.buf + self.size - 8, 8)
        return self.tail_sum

    def unload(self):
        """Drop the buffer of a block whose bytes are all written."""
        self.tail_sum = self.last_sum()
        self.raw_size = self.size
        self.drop_buffer()
        free(self.offs)
        self.offs = NULL
        self.count = self.slots = 0
        self.loaded = False

    def take_buffer(self, Block other not None):
        """Take over what another block of the same number has scanned; that one is used no more."""
        self.free()
        self.buf, self.size, self.room = other.buf, other.size, other.room
        self.shared, other.shared = other.shared, NULL
        self.offs, self.count, self.slots = other.offs, other.count, other.slots
        self.written, self.raw_size, self.floor = other.written, other.raw_size, other.floor
        self.base = other.base
        self.plain, self.loaded = other.plain, True
        other.buf, other.offs = NULL, NULL
        other.free()

    def scan(self, data):
        """Load `data` as the block's bytes. Other threads may run meanwhile.

        Returns (tombstones, skips, holes): [(seq, ts)], [(seq, ts)] and [(offset, size)] of
        ranges that hold no intact record. Every intact record is found, also behind damage.
        """
        cdef BlockScan scan = BlockScan(self, data)
        scan.step(self.size)
        return scan.tombs, scan.skips, scan.holes

    def glance(self, const uint8_t[::1] data not None):
        """Learn from the block's file, while it is not loaded, whether it is `plain`: only the
        records' lengths are looked at. What does not add up is left to whoever loads it."""
        cdef size_t total = data.shape[0], at = 0, rl
        cdef uint32_t head
        if self.loaded or self.cipher is not None:
            return
        while total - at >= EMPTY:
            head = u32(&data[at])
            rl = head & ~HAS_HEADERS
            if head & HAS_HEADERS or rl < EMPTY or rl > total - at:
                return
            at += rl
        self.plain = at == total

    cdef size_t pass_messages(self, size_t at, size_t until, uint64_t *last) except? 0 nogil:
        """Note the intact message records that begin in at..until - 1; returns where something else
        comes."""
        cdef const uint8_t *r
        cdef uint64_t seq
        cdef size_t rl
        while at < until:
            r = self.buf + at
            if self.size - at >= EMPTY and (u64(r + 4) & ~SEQ_MASK or u64(r + 4) == 0):
                break
            rl = record_at(self.key, r, self.size - at)
            if rl == 0:
                break
            seq = u64(r + 4)
            if u32(r) & HAS_HEADERS:
                self.plain = False
            if seq > last[0]:
                self.push_slot(<uint32_t>at)
                last[0] = seq
            at += rl
        return at

    def drop_strangers(self, SubjectTree known not None, uint64_t last):
        """Drop records up to `last` whose subject is not in `known`; returns their sequences."""
        cdef Py_ssize_t i, kept = 0
        cdef const uint8_t *r
        cdef uint64_t seq
        out = []
        for i in range(self.count):
            if i % PIECE == PIECE - 1:
                let_others_run()
            r = self.buf + self.offs[i]
            seq = u64(r + 4)
            if seq <= last and known.get(r + HEAD, subject_size(r)) == NULL:
                out.append(seq)
                continue
            self.offs[kept] = self.offs[i]
            kept += 1
        self.count = kept
        return out

    def cut(self, size_t size):
        """Forget the buffer's bytes from `size` on (a torn tail)."""
        self.own()  # others will be in their place
        self.size = self.written = self.raw_size = size
        while self.count and self.offs[self.count - 1] >= size:
            self.count -= 1

    def live(self):
        """[(seq, ts, subject, record length)] of the records in the buffer that are not deleted."""
        cdef Py_ssize_t i
        cdef const uint8_t *r
        cdef uint64_t seq
        out = []
        for i in range(self.count):
            r = self.buf + self.offs[i]
            seq = u64(r + 4)
            if seq < self.first_seq or seq > self.last_seq or self.deleted.has(seq):
                continue
            out.append((seq, stamp(r), (<const char *>r + HEAD)[:subject_size(r)],
                        u32(r) & ~HAS_HEADERS))
        return out

    def record_seqs(self):
        """Sequences of every message record in the buffer, deleted or not."""
        cdef Py_ssize_t i
        return [u64(self.buf + self.offs[i] + 4) for i in range(self.count)]

    def around(self, size_t offset):
        """(last sequence before a byte of the buffer, first one after it), 0 when there is none;
        message records only."""
        cdef Py_ssize_t i
        cdef uint64_t before = 0
        for i in range(self.count):
            if self.offs[i] > offset:
                return before, u64(self.buf + self.offs[i] + 4)
            before = u64(self.buf + self.offs[i] + 4)
        return before, 0

    def compacted(self, uint64_t keep_from=0, uint64_t keep_below=0):
        """The block's bytes without deleted records. Of the tombstones, those of sequences in
        keep_from..keep_below - 1 stay."""
        cdef size_t at = 0, rl, run = 0, size = 0
        cdef uint64_t seq
        cdef bint keep
        cdef bytes room = PyBytes_FromStringAndSize(NULL, self.size)
        cdef char *to = PyBytes_AS_STRING(room)
        while at < self.size:
            rl = record_at(self.key, self.buf + at, self.size - at)
            if rl == 0:
                raise CorruptRecord(f"block {self.index} is damaged at byte {at}")
            seq = u64(self.buf + at + 4)
            if seq & TOMBSTONE and subject_size(self.buf + at):
                keep = (seq & SEQ_MASK) == self.floor and self.floor <= self.last_seq
            elif seq & TOMBSTONE:
                keep = keep_from <= (seq & SEQ_MASK) < keep_below
            elif seq & ERASED:
                keep = (seq & SEQ_MASK) == self.last_seq
            else:
                keep = self.first_seq <= seq <= self.last_seq and not self.deleted.has(seq)
            if not keep:
                memcpy(to + size, self.buf + run, at - run)
                size += at - run
                run = at + rl
            at += rl
        memcpy(to + size, self.buf + run, self.size - run)
        return room[:size + self.size - run]

    def scrub(self, uint64_t seq, bytes noise):
        """Overwrite one record with `noise` as an erased record of the same length."""
        cdef Py_ssize_t at = self.slot(seq), i
        cdef uint8_t *r
        cdef size_t rl
        cdef uint32_t word
        cdef uint64_t value
        if at < 0:
            raise SequenceNotFound(seq)
        self.own()
        r = self.buf + self.offs[at]
        rl = u32(r) & ~HAS_HEADERS
        if <size_t>len(noise) < rl - EMPTY:
            raise ValueError("not enough noise")
        word, value = <uint32_t>rl, seq | ERASED
        memcpy(r, &word, 4)
        memcpy(r + 4, &value, 8)
        for i in range(12, HEAD):
            r[i] = 0
        memcpy(r + HEAD, PyBytes_AS_STRING(noise), rl - EMPTY)
        value = record_sum(self.key, r, rl)
        memcpy(r + rl - 8, &value, 8)
        for i in range(at, self.count - 1):
            self.offs[i] = self.offs[i + 1]
        self.count -= 1

    def record_length(self, uint64_t seq):
        """Bytes of one record, 0 when the buffer has none."""
        cdef Py_ssize_t at = self.slot(seq)
        return u32(self.buf + self.offs[at]) & ~HAS_HEADERS if at >= 0 else 0

    def record_span(self, uint64_t seq):
        """(offset, size) of one record, or None when the buffer has none."""
        cdef Py_ssize_t at = self.slot(seq)
        if at < 0:
            return None
        return self.offs[at], u32(self.buf + self.offs[at]) & ~HAS_HEADERS

    def piece(self, size_t offset, size_t size):
        """Bytes of the buffer."""
        if offset > self.size or size > self.size - offset:
            raise IndexError(offset)
        return PyBytes_FromStringAndSize(<char *>self.buf + offset, size)

    def holds(self, bytes last_sum not None):
        """Offset after the record that ends with this checksum, 0 when none does."""
        cdef size_t at = 0, rl
        cdef uint64_t wanted = u64(<const uint8_t *>PyBytes_AS_STRING(last_sum))
        if PyBytes_GET_SIZE(last_sum) != 8:
            raise ValueError("a checksum has 8 bytes")
        while at + EMPTY <= self.size:
            rl = u32(self.buf + at) & ~HAS_HEADERS
            if rl < EMPTY or rl > self.size - at:
                return 0
            at += rl
            if u64(self.buf + at - 8) == wanted:
                return at
        return 0

    def count_live(self):
        """Records in the buffer that are not deleted."""
        cdef Py_ssize_t i
        cdef uint64_t seq, found = 0
        for i in range(self.count):
            seq = u64(self.buf + self.offs[i] + 4)
            if self.first_seq <= seq <= self.last_seq and not self.deleted.has(seq):
                found += 1
        return found

    def count_marks(self):
        """Recount `ttls` and `schedules` from the live records of the buffer."""
        cdef Py_ssize_t i
        cdef uint64_t seq
        cdef int64_t ttl
        cdef int marks
        self.ttls = self.schedules = 0
        for i in range(self.count):
            seq = u64(self.buf + self.offs[i] + 4)
            if not u32(self.buf + self.offs[i]) & HAS_HEADERS or seq < self.first_seq \
                    or seq > self.last_seq or self.deleted.has(seq):
                continue
            marks = self.marks_at(i, &ttl)
            self.ttls += marks & HAS_TTL
            self.schedules += (marks & HAS_SCHEDULE) >> 1

    cdef int marks_at(self, Py_ssize_t slot, int64_t *ttl) noexcept nogil:
        """`header_marks` of the record in a slot."""
        cdef const uint8_t *r = self.buf + self.offs[slot]
        cdef const uint8_t *h
        cdef size_t n
        ttl[0] = 0
        if not u32(r) & HAS_HEADERS:
            return 0
        h = headers_of(r, &n)
        return header_marks(h, n, ttl)

    def read(self, uint64_t seq):
        """The message, its checksum verified; raises SequenceNotFound or CorruptRecord."""
        cdef Py_ssize_t at = self.slot(seq)
        if at < 0:
            raise SequenceNotFound(seq)
        return self.message(at)

    cdef Message message(self, Py_ssize_t at):
        cdef const uint8_t *r = self.buf + self.offs[at]
        cdef Content content
        cdef Message m
        if record_within(self.key, r, self.size - self.offs[at], HELD_MAX) == 0:
            raise CorruptRecord(f"block {self.index}: record at byte {self.offs[at]} is damaged")
        take_apart(r, &content)
        m = Message.__new__(Message)
        m.seq = u64(r + 4)
        m.ts = stamp(r)
        m.subject = (<const char *>content.subject)[:content.subject_len]
        m.headers = (<const char *>content.headers)[:content.headers_len]
        m.payload = (<const char *>content.payload)[:content.payload_len]
        return m

    cdef hunt(self, object filter, uint64_t start, uint64_t stop, int step):
        """The first live message of `filter` in start..stop, with step -1 the last one; or None."""
        cdef const uint8_t *f = <const uint8_t *>PyBytes_AS_STRING(filter)
        cdef size_t fn = PyBytes_GET_SIZE(filter)
        cdef bint every = fn == 1 and f[0] == 62
        cdef Py_ssize_t low = 0, high = self.count, middle, i
        cdef const uint8_t *r
        cdef uint64_t seq, edge = start if step > 0 else stop
        start = max(start, self.first_seq)
        stop = min(stop, self.last_seq)
        edge = start if step > 0 else stop
        while low < high:
            middle = (low + high) >> 1
            seq = u64(self.buf + self.offs[middle] + 4)
            if seq < edge or (step < 0 and seq == edge):
                low = middle + 1
            else:
                high = middle
        i = low if step > 0 else low - 1
        while 0 <= i < self.count:
            r = self.buf + self.offs[i]
            seq = u64(r + 4)
            if seq > stop or seq < start:
                return None
            if (every or subject_matches(f, fn, r + HEAD, subject_size(r))) \
                    and not self.deleted.has(seq):
                return self.message(i)
            i += step
        return None


cdef class BlockScan:
    """`Block.scan` in steps. The block is whole when they are done."""

    def __init__(self, Block block not None, data):
        cdef const uint8_t[::1] view = memoryview(data)
        cdef size_t total = view.shape[0]
        self.block = block
        self.tombs, self.skips, self.holes = [], [], []
        block.drop_buffer()
        block.count = 0
        block.floor = 0
        block.notes = []
        block.plain = True
        if total and isinstance(data, bytes):  # they do not change: used as they are
            block.shared = chunk_lend(PyBytes_AS_STRING(data), total, data)
            block.buf, block.room = <uint8_t *>block.shared.data, total
        elif total:
            block.reserve(total)
            with nogil:
                memcpy(block.buf, &view[0], total)
        block.size = block.written = block.raw_size = total
        block.loaded = True

    def step(self, size_t most):
        """Look at about `most` bytes; False when that were the last."""
        cdef Block block = self.block
        cdef size_t total = block.size, at = self.at, rl
        cdef size_t until = at + min(most, total - at)
        cdef uint64_t seq
        cdef const uint8_t *r
        while at < until:
            if not self.bad:
                with nogil:
                    at = block.pass_messages(at, until, &self.last)
                if at >= until:
                    break
            r = block.buf + at
            rl = record_at(block.key, r, total - at)
            if rl == 0:
                if not self.bad:
                    self.bad, self.bad_from = True, at
                at += 1
                continue
            if self.bad:
                self.holes.append((self.bad_from, at - self.bad_from))
                self.bad = False
            seq = u64(r + 4)
            if seq & TOMBSTONE and subject_size(r):
                block.floor = max(block.floor, seq & SEQ_MASK)
                if rl > EMPTY + subject_size(r):
                    block.notes.append((<const char *>r + HEAD + subject_size(r))
                                       [:rl - EMPTY - subject_size(r)])
            elif seq & TOMBSTONE:
                self.tombs.append((seq & SEQ_MASK, stamp(r)))
            elif seq & ERASED or seq == 0:
                self.skips.append((seq & SEQ_MASK, stamp(r)))
            elif seq > self.last:
                if u32(r) & HAS_HEADERS:
                    block.plain = False
                block.push_slot(<uint32_t>at)
                self.last = seq
            at += rl
        self.at = at
        if at < total:
            return True
        if self.bad:
            self.holes.append((self.bad_from, total - self.bad_from))
            self.bad = False
        if block.count:
            block.base = u64(block.buf + block.offs[0] + 4)
        return False
