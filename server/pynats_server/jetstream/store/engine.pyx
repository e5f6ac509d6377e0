# cython: boundscheck=False
"""The compiled part both stores share: records, blocks, and the in-memory index over them.

A block is a run of records in one growing buffer plus a table of record offsets; block files
hold exactly these bytes (before compression and encryption). The subject tree and the blocks'
deleted sets are kept for the whole stream, the buffers only for blocks in use, so memory grows
with subjects and interior deletes and not with messages.

Record (little endian, nats-server's): u32 length, high bit = has headers; u64 sequence, bit 63 =
erased or skipped, bit 62 = tombstone; i64 ns; u16 subject length; subject; [u32 header length,
header]; payload; HighwayHash-64 over sequence, time, subject, header and payload.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memcpy

from .highway cimport hw_hash64, hw_piece
from .seqset cimport SequenceSet
from .subjects cimport FIRST_STALE, LAST_STALE, Leaf, SubjectTree, subject_matches

import hashlib

from .api import CorruptRecord, SequenceNotFound, StoreFailed, TooLarge

cdef enum:
    HEAD = 22
    EMPTY = 30                 # a record that carries nothing
cdef uint32_t HAS_HEADERS = 0x80000000u
cdef uint64_t ERASED = <uint64_t>1 << 63
cdef uint64_t TOMBSTONE = <uint64_t>1 << 62
cdef uint64_t SEQ_MASK = (<uint64_t>1 << 62) - 1
cdef size_t RECORD_MAX = 32 * 1024 * 1024


cdef inline uint32_t u32(const uint8_t *p) noexcept nogil:
    cdef uint32_t v
    memcpy(&v, p, 4)
    return v

cdef inline uint64_t u64(const uint8_t *p) noexcept nogil:
    cdef uint64_t v
    memcpy(&v, p, 8)
    return v

cdef inline size_t subject_size(const uint8_t *r) noexcept nogil:
    return r[20] | (<size_t>r[21] << 8)


cdef uint64_t record_sum(const uint8_t *key, const uint8_t *r, size_t rl) noexcept nogil:
    """Checksum of a framed record; the header length itself is not covered by the format."""
    cdef hw_piece piece[3]
    cdef size_t sn = subject_size(r)
    piece[0].data, piece[0].size = r + 4, 16
    if u32(r) & HAS_HEADERS:
        piece[1].data, piece[1].size = r + HEAD, sn
        piece[2].data, piece[2].size = r + HEAD + sn + 4, rl - HEAD - 8 - sn - 4
        return hw_hash64(key, piece, 3)
    piece[1].data, piece[1].size = r + HEAD, rl - HEAD - 8
    return hw_hash64(key, piece, 2)


cdef size_t record_at(const uint8_t *key, const uint8_t *r, size_t left) noexcept nogil:
    """Length of the intact record at `r`, or 0. Beyond the checksum this refuses a header
    block that does not end where its length says, which the checksum alone cannot see."""
    cdef size_t rl, sn, hn
    if left < EMPTY:
        return 0
    rl = u32(r) & ~HAS_HEADERS
    sn = subject_size(r)
    if rl < EMPTY or rl > left or rl > RECORD_MAX or sn + EMPTY > rl:
        return 0
    if u32(r) & HAS_HEADERS:
        if sn + 4 + EMPTY > rl:
            return 0
        hn = u32(r + HEAD + sn)
        if hn > rl - EMPTY - sn - 4:
            return 0
        if rl >= EMPTY + sn + 8 and memcmp(r + HEAD + sn + 4, "NATS", 4) == 0 and \
                (hn < 12 or memcmp(r + HEAD + sn + hn, "\r\n\r\n", 4) != 0):
            return 0
    if record_sum(key, r, rl) != u64(r + rl - 8):
        return 0
    return rl


cdef class Message:
    """One stored message: seq, ts (ns since 1970), subject, headers (b"" = none), payload."""

    def __repr__(self):
        return f"<Message {self.seq} {self.subject!r} {len(self.payload)} bytes>"


cdef class Block:
    """One block. `first_seq`..`last_seq` minus `deleted` are live; empty when first > last."""

    def __cinit__(self, uint32_t index, uint64_t first_seq, str stream=""):
        self.index = index
        self.first_seq, self.last_seq = first_seq, first_seq - 1
        self.deleted = SequenceSet()
        self.loaded = True
        self.tail_sum = bytes(8)
        cdef bytes key = hashlib.sha256(f"{stream}-{index}".encode()).digest()
        memcpy(self.key, PyBytes_AS_STRING(key), 32)

    def __dealloc__(self):
        free(self.buf)
        free(self.offs)

    @property
    def buffered(self):
        """Bytes of the buffer (0 when unloaded)."""
        return self.size

    @property
    def memory_bytes(self):
        return self.room + self.slots * 4 + self.deleted.memory_bytes

    cdef int reserve(self, size_t more) except -1:
        cdef size_t room = self.room
        cdef uint8_t *grown
        if self.size + more <= room:
            return 0
        room = max(room * 2, 4096, self.size + more)
        grown = <uint8_t *>realloc(self.buf, room)
        if grown == NULL:
            raise MemoryError
        self.buf, self.room = grown, room
        return 0

    cdef int push_slot(self, uint32_t offset) except -1:
        cdef uint32_t *grown
        if self.count == self.slots:
            self.slots = self.slots * 2 if self.slots else 64
            grown = <uint32_t *>realloc(self.offs, self.slots * 4)
            if grown == NULL:
                raise MemoryError
            self.offs = grown
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

    cdef int put(self, uint64_t seq, int64_t ts, const uint8_t *subject, size_t sn,
                 const uint8_t *hdr, size_t hn, const uint8_t *msg, size_t mn) except -1:
        """Encode one record at the end of the buffer. The caller does the accounting."""
        cdef size_t rl = EMPTY + sn + mn + (hn + 4 if hn else 0)
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
        memcpy(p, subject, sn)
        p += sn
        if hn:
            word = <uint32_t>hn
            memcpy(p, &word, 4)
            memcpy(p + 4, hdr, hn)
            p += 4 + hn
        memcpy(p, msg, mn)
        total = record_sum(self.key, r, rl)
        memcpy(r + rl - 8, &total, 8)
        if not seq & (ERASED | TOMBSTONE):
            self.push_slot(<uint32_t>self.size)
        self.size += rl
        self.dirty = True
        return 0

    def mark(self, uint64_t seq, int64_t ts, bint tombstone):
        """Append an empty record: a tombstone for `seq`, or a skip up to and with `seq`."""
        self.put(seq | (TOMBSTONE if tombstone else ERASED), ts, NULL, 0, NULL, 0, NULL, 0)

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
        free(self.buf)
        free(self.offs)
        self.buf, self.offs = NULL, NULL
        self.size = self.room = 0
        self.count = self.slots = 0
        self.loaded = False

    def scan(self, data):
        """Load `data` as the block's bytes.

        Returns (tombstones, skips, holes): [(seq, ts)], [(seq, ts)] and [(offset, size)] of
        ranges that hold no intact record. Every intact record is found, also behind damage.
        """
        cdef const uint8_t[::1] view = memoryview(data)
        cdef size_t total = view.shape[0], at = 0, rl, bad_from = 0
        cdef bint bad = False
        cdef uint64_t seq, last = 0
        cdef const uint8_t *r
        tombs, skips, holes = [], [], []
        self.size = 0
        self.count = 0
        self.reserve(total)
        if total:
            memcpy(self.buf, &view[0], total)
        self.size = self.written = self.raw_size = total
        self.loaded = True
        while at < total:
            r = self.buf + at
            rl = record_at(self.key, r, total - at)
            if rl == 0:
                if not bad:
                    bad, bad_from = True, at
                at += 1
                continue
            if bad:
                holes.append((bad_from, at - bad_from))
                bad = False
            seq = u64(r + 4)
            if seq & TOMBSTONE:
                tombs.append((seq & SEQ_MASK, <int64_t>u64(r + 12)))
            elif seq & ERASED or seq == 0:
                skips.append((seq & SEQ_MASK, <int64_t>u64(r + 12)))
            elif seq > last:
                self.push_slot(<uint32_t>at)
                last = seq
            at += rl
        if bad:
            holes.append((bad_from, total - bad_from))
        return tombs, skips, holes

    def drop_strangers(self, set known, uint64_t last):
        """Drop records up to `last` whose subject is not in `known`; returns their sequences."""
        cdef Py_ssize_t i, kept = 0
        cdef const uint8_t *r
        cdef uint64_t seq
        out = []
        for i in range(self.count):
            r = self.buf + self.offs[i]
            seq = u64(r + 4)
            if seq <= last and (<const char *>r + HEAD)[:subject_size(r)] not in known:
                out.append(seq)
                continue
            self.offs[kept] = self.offs[i]
            kept += 1
        self.count = kept
        return out

    def cut(self, size_t size):
        """Forget the buffer's bytes from `size` on (a torn tail)."""
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
            out.append((seq, <int64_t>u64(r + 12), (<const char *>r + HEAD)[:subject_size(r)],
                        u32(r) & ~HAS_HEADERS))
        return out

    def record_seqs(self):
        """Sequences of every message record in the buffer, deleted or not."""
        cdef Py_ssize_t i
        return [u64(self.buf + self.offs[i] + 4) for i in range(self.count)]

    def compacted(self, keep_tombstone):
        """The block's bytes without deleted records; `keep_tombstone(seq)` says which stay."""
        cdef size_t at = 0, rl
        cdef uint64_t seq
        parts = []
        while at < self.size:
            rl = record_at(self.key, self.buf + at, self.size - at)
            if rl == 0:
                raise CorruptRecord(f"block {self.index} is damaged at byte {at}")
            seq = u64(self.buf + at + 4)
            if seq & TOMBSTONE:
                keep = keep_tombstone(seq & SEQ_MASK)
            elif seq & ERASED:
                keep = (seq & SEQ_MASK) == self.last_seq
            else:
                keep = self.first_seq <= seq <= self.last_seq and not self.deleted.has(seq)
            if keep:
                parts.append((<const char *>self.buf + at)[:rl])
            at += rl
        return b"".join(parts)

    def scrub(self, uint64_t seq, bytes noise):
        """Overwrite one record with `noise` as an erased record of the same length."""
        cdef Py_ssize_t at = self.slot(seq), i
        cdef uint8_t *r
        cdef size_t rl
        cdef uint32_t word
        cdef uint64_t value
        if at < 0:
            raise SequenceNotFound(seq)
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

    def read(self, uint64_t seq):
        """The message, its checksum verified; raises SequenceNotFound or CorruptRecord."""
        cdef Py_ssize_t at = self.slot(seq)
        if at < 0:
            raise SequenceNotFound(seq)
        return self.message(at)

    cdef Message message(self, Py_ssize_t at):
        cdef const uint8_t *r = self.buf + self.offs[at]
        cdef size_t rl, sn, hn = 0, body
        cdef Message m
        rl = record_at(self.key, r, self.size - self.offs[at])
        if rl == 0:
            raise CorruptRecord(f"block {self.index}: record at byte {self.offs[at]} is damaged")
        sn = subject_size(r)
        body = HEAD + sn
        m = Message.__new__(Message)
        m.seq = u64(r + 4)
        m.ts = <int64_t>u64(r + 12)
        m.subject = (<const char *>r + HEAD)[:sn]
        if u32(r) & HAS_HEADERS:
            hn = u32(r + body)
            m.headers = (<const char *>r + body + 4)[:hn]
            body += 4 + hn
        else:
            m.headers = b""
        m.payload = (<const char *>r + body)[:rl - 8 - body]
        return m

    def next_match(self, bytes filter, uint64_t start, uint64_t stop):
        """First live message of `filter` in start..stop as a Message, or None."""
        return self.hunt(filter, start, stop, 1)

    def previous_match(self, bytes filter, uint64_t start, uint64_t stop):
        """Last live message of `filter` in start..stop, or None."""
        return self.hunt(filter, start, stop, -1)

    cdef hunt(self, object filter, uint64_t start, uint64_t stop, int step):
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

    def count_matches(self, bytes filter, uint64_t start, uint64_t stop):
        """Live messages of `filter` in start..stop."""
        cdef const uint8_t *f = <const uint8_t *>PyBytes_AS_STRING(filter)
        cdef size_t fn = PyBytes_GET_SIZE(filter)
        cdef Py_ssize_t i
        cdef const uint8_t *r
        cdef uint64_t seq, found = 0
        for i in range(self.count):
            r = self.buf + self.offs[i]
            seq = u64(r + 4)
            if seq < start or seq < self.first_seq or seq > stop or seq > self.last_seq:
                continue
            if subject_matches(f, fn, r + HEAD, subject_size(r)) and not self.deleted.has(seq):
                found += 1
        return found


cdef class Engine:
    """State of one stream over its blocks. Subclasses supply `roll_block` and `load_block`."""

    def __cinit__(self, *args, **kwargs):
        self.blocks = []
        self.tree = SubjectTree()
        self.first_seq, self.last_seq = 1, 0
        self.block_size = 8 * 1024 * 1024
        self.failed = None

    def roll_block(self):
        raise NotImplementedError

    def load_block(self, block):
        raise NotImplementedError

    def on_dirty(self):
        """Called when the first record since the last flush arrives."""

    cdef uint64_t append_raw(self, const uint8_t *subject, size_t sn, const uint8_t *hdr,
                             size_t hn, const uint8_t *msg, size_t mn, int64_t ts) except 0:
        """The hot path: one record into the tail block's buffer. Nothing changes on an error."""
        cdef size_t rl = EMPTY + sn + mn + (hn + 4 if hn else 0)
        cdef uint64_t seq = self.last_seq + 1, counted
        cdef Block tail
        cdef Leaf *leaf
        if self.failed is not None:
            raise StoreFailed(str(self.failed))
        if rl > RECORD_MAX or sn > 65535:
            raise TooLarge(f"record of {rl} bytes is too large")
        tail = self.tail
        if tail is None or (tail.size + rl > self.block_size and tail.size):
            tail = self.roll_block()
        leaf = self.tree.get_or_add(subject, sn)
        try:
            tail.put(seq, ts, subject, sn, hdr, hn, msg, mn)
        except MemoryError:
            if leaf.total == 0:
                self.tree.drop(subject, sn)
            raise
        if leaf.total == 0:
            leaf.first = seq
            leaf.flags = 0
        leaf.total += 1
        leaf.last = seq
        leaf.flags &= ~LAST_STALE
        counted = rl if self.on_disk else sn + hn + mn + 16
        if tail.msgs == 0:
            tail.first_seq, tail.first_ts = seq, ts
            tail.deleted.wipe()
        elif seq != tail.last_seq + 1:
            tail.deleted.insert_range(tail.last_seq + 1, seq - 1)
        tail.last_seq, tail.last_ts = seq, ts
        tail.msgs += 1
        tail.nbytes += counted
        if self.msgs == 0:
            self.first_seq, self.first_ts = seq, ts
        self.last_seq, self.last_ts = seq, ts
        self.msgs += 1
        self.nbytes += counted
        if not self.dirty:
            self.dirty = True
            self.on_dirty()
        return seq

    def append(self, bytes subject not None, bytes headers, bytes payload, int64_t ts):
        """Store a message; returns its sequence at once (see `commit` for durability)."""
        return self.append_raw(
            <const uint8_t *>PyBytes_AS_STRING(subject), PyBytes_GET_SIZE(subject),
            <const uint8_t *>PyBytes_AS_STRING(headers) if headers is not None else NULL,
            PyBytes_GET_SIZE(headers) if headers is not None else 0,
            <const uint8_t *>PyBytes_AS_STRING(payload) if payload is not None else NULL,
            PyBytes_GET_SIZE(payload) if payload is not None else 0, ts)

    def append_many(self, list messages, int64_t ts):
        """[(subject, headers or None, payload)] with one timestamp; returns the last sequence."""
        cdef uint64_t seq = self.last_seq
        for subject, headers, payload in messages:
            seq = self.append(subject, headers, payload, ts)
        return seq

    cpdef Py_ssize_t block_at(self, uint64_t seq):
        """Index in `blocks` of the first block whose last sequence is >= `seq`."""
        cdef Py_ssize_t low = 0, high = len(self.blocks), middle
        while low < high:
            middle = (low + high) >> 1
            if (<Block>self.blocks[middle]).last_seq < seq:
                low = middle + 1
            else:
                high = middle
        return low

    cdef Block holder(self, uint64_t seq):
        cdef Py_ssize_t at
        cdef Block block
        if self.tail is not None and self.tail.first_seq <= seq <= self.tail.last_seq:
            block = self.tail
        else:
            at = self.block_at(seq)
            if at >= len(self.blocks):
                return None
            block = self.blocks[at]
        if seq < block.first_seq or block.deleted.has(seq):
            return None
        if not block.loaded:
            self.load_block(block)
        return block

    def load(self, uint64_t seq):
        """The message; SequenceNotFound when there is none, CorruptRecord when it is damaged."""
        cdef Block block = self.holder(seq)
        cdef Py_ssize_t at
        if block is None:
            raise SequenceNotFound(seq)
        at = block.slot(seq)
        if at < 0:
            raise CorruptRecord(f"sequence {seq} should be in block {block.index} and is not")
        return block.message(at)

    def unlink(self, uint64_t seq):
        """Take a live message out of the index; returns (subject, ts) or None. No disk work."""
        cdef Block block = self.holder(seq)
        cdef Py_ssize_t at
        cdef const uint8_t *r
        cdef Leaf *leaf
        cdef uint64_t counted
        cdef size_t sn, rl
        if block is None:
            return None
        at = block.slot(seq)
        if at < 0:
            raise CorruptRecord(f"sequence {seq} should be in block {block.index} and is not")
        r = block.buf + block.offs[at]
        sn = subject_size(r)
        rl = u32(r) & ~HAS_HEADERS
        counted = rl if self.on_disk else rl - EMPTY - (4 if u32(r) & HAS_HEADERS else 0) + 16
        leaf = self.tree.get(r + HEAD, sn)
        if leaf != NULL:
            if leaf.total <= 1:
                self.tree.drop(r + HEAD, sn)
            else:
                leaf.total -= 1
                if seq <= leaf.first:
                    leaf.first = seq + 1
                    leaf.flags |= FIRST_STALE
                if seq >= leaf.last:
                    leaf.last = seq - 1
                    leaf.flags |= LAST_STALE
        block.msgs -= 1
        block.nbytes -= counted
        self.msgs -= 1
        self.nbytes -= counted
        if block.msgs == 0:
            block.first_seq, block.first_ts = block.last_seq + 1, 0
            block.deleted.wipe()
        elif seq == block.first_seq:
            block.first_seq = block.deleted.next_absent(seq + 1)
            block.deleted.remove_below(block.first_seq)
            at = block.slot(block.first_seq)
            if at >= 0:
                block.first_ts = <int64_t>u64(block.buf + block.offs[at] + 12)
        else:
            block.deleted.insert(seq)
        if seq == self.first_seq:
            self.find_first()
        return (<const char *>r + HEAD)[:sn], <int64_t>u64(r + 12)

    def unlink_all(self, Block block):
        """Take every live message of a block out of the index; returns how many."""
        cdef Leaf *leaf
        cdef uint64_t gone = block.msgs, seq
        cdef Py_ssize_t i
        cdef const uint8_t *r
        if block.msgs and not block.loaded:
            self.load_block(block)
        for i in range(block.count):
            r = block.buf + block.offs[i]
            seq = u64(r + 4)
            if seq < block.first_seq or seq > block.last_seq or block.deleted.has(seq):
                continue
            leaf = self.tree.get(r + HEAD, subject_size(r))
            if leaf == NULL:
                continue
            if leaf.total <= 1:
                self.tree.drop(r + HEAD, subject_size(r))
                continue
            leaf.total -= 1
            if seq <= leaf.first:
                leaf.first = seq + 1
                leaf.flags |= FIRST_STALE
            if seq >= leaf.last:
                leaf.last = seq - 1
                leaf.flags |= LAST_STALE
        self.msgs -= gone
        self.nbytes -= block.nbytes
        block.msgs = block.nbytes = 0
        block.first_seq, block.first_ts = block.last_seq + 1, 0
        block.deleted.wipe()
        return gone

    def find_first(self):
        """Recompute the stream's first sequence from its blocks."""
        cdef Block block
        if self.msgs:
            for block in self.blocks:
                if block.msgs:
                    self.first_seq, self.first_ts = block.first_seq, block.first_ts
                    return
        self.first_seq, self.first_ts = self.last_seq + 1, 0

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

    def count_in(self, bytes subject, uint64_t seq):
        """Note one live record of `subject` while recovering."""
        cdef Leaf *leaf = self.tree.get_or_add(<const uint8_t *>subject, len(subject))
        if leaf.total == 0 or seq < leaf.first:
            leaf.first = seq
        if seq > leaf.last:
            leaf.last = seq
        leaf.total += 1

    def set_subject(self, bytes subject, uint64_t total, uint64_t first, uint64_t last):
        """State of one subject from index.db, whose bounds are blocks and not sequences."""
        cdef Leaf *leaf = self.tree.get_or_add(<const uint8_t *>subject, len(subject))
        leaf.total, leaf.first, leaf.last = total, first, last
        leaf.flags = FIRST_STALE | LAST_STALE

    cdef (uint64_t, uint64_t) exact(self, Leaf *leaf):
        """First and last sequence of a subject, found by scanning between the bounds."""
        cdef bytes subject
        if leaf.flags:
            subject = leaf.key[:leaf.size]
            if leaf.flags & FIRST_STALE:
                found = self.next_of(subject, leaf.first, leaf.last)
                if found is not None:
                    leaf.first = found.seq
                    leaf.flags &= ~FIRST_STALE
            if leaf.flags & LAST_STALE:
                found = self.previous_of(subject, leaf.first, leaf.last)
                if found is not None:
                    leaf.last = found.seq
                    leaf.flags &= ~LAST_STALE
        return leaf.first, leaf.last

    def next_of(self, bytes filter, uint64_t start, uint64_t stop):
        """First live message of `filter` in start..stop, or None."""
        cdef Py_ssize_t i
        cdef Block block
        start = max(start, self.first_seq)
        for i in range(self.block_at(start), len(self.blocks)):
            block = self.blocks[i]
            if block.first_seq > stop:
                return None
            if block.msgs:
                if not block.loaded:
                    self.load_block(block)
                found = block.hunt(filter, start, stop, 1)
                if found is not None:
                    return found
        return None

    def previous_of(self, bytes filter, uint64_t start, uint64_t stop):
        """Last live message of `filter` in start..stop, or None."""
        cdef Py_ssize_t i = min(self.block_at(stop), <Py_ssize_t>len(self.blocks) - 1)
        cdef Block block
        while i >= 0:
            block = self.blocks[i]
            if block.last_seq < start:
                return None
            if block.msgs and block.first_seq <= stop:
                if not block.loaded:
                    self.load_block(block)
                found = block.hunt(filter, start, stop, -1)
                if found is not None:
                    return found
            i -= 1
        return None

    def subject_states(self, bytes filter):
        """{subject: (count, first seq, last seq)} of the subjects a filter covers."""
        cdef Leaf *leaf
        out = {}
        for address in self.tree.match_leaves(<const uint8_t *>filter, len(filter)):
            leaf = <Leaf *><uintptr_t>address
            first, last = self.exact(leaf)
            out[leaf.key[:leaf.size]] = (leaf.total, first, last)
        return out

    def subject_totals(self, bytes filter):
        """{subject: count}; never reads a block."""
        cdef Leaf *leaf
        out = {}
        for address in self.tree.match_leaves(<const uint8_t *>filter, len(filter)):
            leaf = <Leaf *><uintptr_t>address
            out[leaf.key[:leaf.size]] = leaf.total
        return out

    def subject_bounds(self, bytes filter):
        """(subjects, messages, lowest first, highest last), the last two as bounds."""
        cdef Leaf *leaf
        cdef uint64_t total = 0, low = <uint64_t>-1, high = 0
        cdef list found
        if b"*" not in filter and b">" not in filter:
            leaf = self.tree.get(<const uint8_t *>filter, len(filter))
            if leaf == NULL:
                return 0, 0, 0, 0
            return 1, leaf.total, leaf.first, leaf.last
        found = self.tree.match_leaves(<const uint8_t *>filter, len(filter))
        for address in found:
            leaf = <Leaf *><uintptr_t>address
            total += leaf.total
            low = min(low, leaf.first)
            high = max(high, leaf.last)
        if not found:
            return 0, 0, 0, 0
        return len(found), total, low, high

    def subject_state(self, bytes subject):
        """(count, first, last) of one literal subject, zeros when unknown."""
        cdef Leaf *leaf = self.tree.get(<const uint8_t *>subject, len(subject))
        if leaf == NULL:
            return 0, 0, 0
        first, last = self.exact(leaf)
        return leaf.total, first, last
