"""A set of 64-bit sequences: a sorted run of 2048-bit pages.

Deleted sequences cluster, so pages are dense and few; they sit in one sorted C array, found by
bisection with a memo of the last page touched. Insertion of a page in the middle moves
pointers, not bits. Memory: 256 bytes of bits and 24 of bookkeeping for each page in use.
Pages match the on-disk form nats-server uses inside index.db (magic 22, version 2: page base,
32 words, tree height), so `encode`/`decode` convert without touching single sequences.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memmove, memset

cdef extern from *:
    int popcount64 "__builtin_popcountll"(unsigned long long) nogil
    int trailing64 "__builtin_ctzll"(unsigned long long) nogil

cdef enum:
    PAGE_BITS = 2048
    PAGE_WORDS = 32


cdef class SequenceSet:
    def __cinit__(self):
        self.pages = NULL
        self.used = self.room = 0
        self.size = 0
        self.memo = 0

    def __dealloc__(self):
        self.wipe()

    cdef void wipe(self) noexcept:
        cdef Py_ssize_t i
        for i in range(self.used):
            free(self.pages[i].words)
        free(self.pages)
        self.pages = NULL
        self.used = self.room = self.memo = 0
        self.size = 0

    cdef Py_ssize_t find(self, uint64_t base) noexcept nogil:
        """Index of the first page whose base is >= `base`."""
        cdef Py_ssize_t low = 0, high = self.used, middle
        if self.memo < self.used and self.pages[self.memo].base == base:
            return self.memo
        while low < high:
            middle = (low + high) >> 1
            if self.pages[middle].base < base:
                low = middle + 1
            else:
                high = middle
        self.memo = low
        return low

    cdef SeqPage *page_for(self, uint64_t base) except NULL:
        cdef Py_ssize_t at = self.find(base)
        cdef Py_ssize_t room
        cdef SeqPage *grown
        cdef uint64_t *words
        if at < self.used and self.pages[at].base == base:
            return &self.pages[at]
        if self.used == self.room:
            room = self.room * 2 if self.room else 4
            grown = <SeqPage *>realloc(self.pages, room * sizeof(SeqPage))
            if grown == NULL:
                raise MemoryError
            self.pages, self.room = grown, room
        words = <uint64_t *>malloc(PAGE_WORDS * 8)
        if words == NULL:
            raise MemoryError
        memset(words, 0, PAGE_WORDS * 8)
        memmove(&self.pages[at + 1], &self.pages[at], (self.used - at) * sizeof(SeqPage))
        self.pages[at].base = base
        self.pages[at].words = words
        self.pages[at].count = 0
        self.used += 1
        return &self.pages[at]

    cdef void drop_page(self, Py_ssize_t at) noexcept:
        free(self.pages[at].words)
        self.used -= 1
        memmove(&self.pages[at], &self.pages[at + 1], (self.used - at) * sizeof(SeqPage))

    cdef int insert(self, uint64_t seq) except -1:
        cdef SeqPage *page = self.page_for(seq & ~<uint64_t>(PAGE_BITS - 1))
        cdef uint64_t bit = <uint64_t>1 << (seq & 63)
        cdef uint64_t *word = &page.words[(seq >> 6) & (PAGE_WORDS - 1)]
        if word[0] & bit:
            return 0
        word[0] |= bit
        page.count += 1
        self.size += 1
        return 1

    cdef bint remove(self, uint64_t seq) noexcept:
        cdef uint64_t base = seq & ~<uint64_t>(PAGE_BITS - 1)
        cdef Py_ssize_t at = self.find(base)
        cdef uint64_t bit = <uint64_t>1 << (seq & 63)
        cdef uint64_t *word
        if at >= self.used or self.pages[at].base != base:
            return False
        word = &self.pages[at].words[(seq >> 6) & (PAGE_WORDS - 1)]
        if not word[0] & bit:
            return False
        word[0] &= ~bit
        self.size -= 1
        self.pages[at].count -= 1
        if self.pages[at].count == 0:
            self.drop_page(at)
        return True

    cdef bint has(self, uint64_t seq) noexcept nogil:
        cdef uint64_t base = seq & ~<uint64_t>(PAGE_BITS - 1)
        cdef Py_ssize_t at
        if self.size == 0:
            return False
        at = self.find(base)
        if at >= self.used or self.pages[at].base != base:
            return False
        return (self.pages[at].words[(seq >> 6) & (PAGE_WORDS - 1)] >> (seq & 63)) & 1

    cdef int insert_range(self, uint64_t first, uint64_t last) except -1:
        """Both ends included; whole pages are filled at once."""
        cdef uint64_t base
        cdef SeqPage *page
        while first <= last:
            base = first & ~<uint64_t>(PAGE_BITS - 1)
            if first == base and last - first >= PAGE_BITS - 1:
                page = self.page_for(base)
                self.size += PAGE_BITS - page.count
                page.count = PAGE_BITS
                memset(page.words, 0xFF, PAGE_WORDS * 8)
                if base + (PAGE_BITS - 1) == <uint64_t>0xFFFFFFFFFFFFFFFF:
                    return 0
                first = base + PAGE_BITS
            else:
                self.insert(first)
                if first == <uint64_t>0xFFFFFFFFFFFFFFFF:
                    return 0
                first += 1
        return 0

    cdef uint64_t remove_below(self, uint64_t seq) noexcept:
        """Forget every member below `seq`; returns how many."""
        cdef uint64_t before = self.size, word_base
        cdef Py_ssize_t whole = 0, i
        cdef SeqPage *page
        while whole < self.used and self.pages[whole].base + (PAGE_BITS - 1) < seq:
            self.size -= self.pages[whole].count
            free(self.pages[whole].words)
            whole += 1
        if whole:
            self.used -= whole
            memmove(self.pages, &self.pages[whole], self.used * sizeof(SeqPage))
        while self.used and self.pages[0].base < seq:
            page = &self.pages[0]
            word_base = page.base
            for i in range(PAGE_WORDS):
                if word_base < seq and seq - word_base >= 64:
                    page.count -= popcount64(page.words[i])
                    self.size -= popcount64(page.words[i])
                    page.words[i] = 0
                elif word_base < seq:
                    self.size -= popcount64(page.words[i])
                    page.count -= popcount64(page.words[i])
                    page.words[i] &= ~(((<uint64_t>1) << (seq - word_base)) - 1)
                    self.size += popcount64(page.words[i])
                    page.count += popcount64(page.words[i])
                word_base += 64
            if page.count == 0:
                self.drop_page(0)
            break
        return before - self.size

    cdef uint64_t next_absent(self, uint64_t seq) noexcept nogil:
        """The first sequence >= `seq` that is not a member."""
        while self.has(seq):
            seq += 1
        return seq

    cdef uint64_t next_present(self, uint64_t seq) noexcept nogil:
        """The first member >= `seq`, 0 when there is none."""
        cdef Py_ssize_t at, w
        cdef uint64_t word, first
        for at in range(self.find(seq & ~<uint64_t>(PAGE_BITS - 1)), self.used):
            first = max(seq, self.pages[at].base) - self.pages[at].base
            w = first >> 6
            word = self.pages[at].words[w] & (<uint64_t>0xFFFFFFFFFFFFFFFF << (first & 63))
            while word == 0 and w + 1 < PAGE_WORDS:
                w += 1
                word = self.pages[at].words[w]
            if word:
                return self.pages[at].base + 64 * w + trailing64(word)
        return 0

    # Python's view.

    def add(self, uint64_t seq):
        """Insert; True when it was absent."""
        return self.insert(seq) == 1

    def discard(self, uint64_t seq):
        """Delete; True when it was present."""
        return self.remove(seq)

    def add_range(self, uint64_t first, uint64_t last):
        """Insert every sequence from `first` to `last`, both included."""
        self.insert_range(first, last)

    def discard_below(self, uint64_t seq):
        """Delete every member smaller than `seq`; returns how many."""
        return self.remove_below(seq)

    def clear(self):
        self.wipe()

    def count_between(self, uint64_t first, uint64_t last):
        """Members in first..last, both included."""
        cdef uint64_t total = 0, base
        cdef Py_ssize_t i, w
        cdef uint64_t word
        if last < first:
            return 0
        for i in range(self.used):
            base = self.pages[i].base
            if base > last:
                break
            if base + (PAGE_BITS - 1) < first:
                continue
            if base >= first and base + (PAGE_BITS - 1) <= last:
                total += self.pages[i].count
                continue
            for w in range(PAGE_WORDS):
                word = self.pages[i].words[w]
                if base + 64 * w < first:
                    if first - (base + 64 * w) >= 64:
                        continue
                    word &= ~((<uint64_t>1 << (first - (base + 64 * w))) - 1)
                if base + 64 * w > last:
                    break
                if last - (base + 64 * w) < 63:
                    word &= (<uint64_t>1 << (last - (base + 64 * w) + 1)) - 1
                total += popcount64(word)
        return total

    def __contains__(self, uint64_t seq):
        return self.has(seq)

    def __len__(self):
        return self.size

    def __bool__(self):
        return self.size != 0

    def __iter__(self):
        cdef Py_ssize_t i, w
        cdef uint64_t word
        out = []
        for i in range(self.used):
            for w in range(PAGE_WORDS):
                word = self.pages[i].words[w]
                while word:
                    out.append(self.pages[i].base + 64 * w + trailing64(word))
                    word &= word - 1
        return iter(out)

    def between(self, uint64_t first, uint64_t last):
        """Members in first..last, both included, ascending."""
        cdef Py_ssize_t i, w
        cdef uint64_t word, seq
        out = []
        for i in range(self.used):
            if self.pages[i].base > last:
                break
            if self.pages[i].base + (PAGE_BITS - 1) < first:
                continue
            for w in range(PAGE_WORDS):
                word = self.pages[i].words[w]
                while word:
                    seq = self.pages[i].base + 64 * w + trailing64(word)
                    word &= word - 1
                    if first <= seq <= last:
                        out.append(seq)
        return out

    def members(self, uint64_t first, Py_ssize_t most):
        """The first `most` members that are not below `first`, ascending."""
        cdef Py_ssize_t i, w
        cdef uint64_t word, seq
        cdef list out = []
        for i in range(self.find(first & ~<uint64_t>(PAGE_BITS - 1)), self.used):
            for w in range(PAGE_WORDS):
                word = self.pages[i].words[w]
                while word:
                    seq = self.pages[i].base + 64 * w + trailing64(word)
                    word &= word - 1
                    if seq < first:
                        continue
                    if len(out) >= most:
                        return out
                    out.append(seq)
        return out

    def first(self):
        """The smallest member, or None."""
        return self.next_present(0) if self.size else None

    @property
    def memory_bytes(self):
        """Heap bytes held."""
        return self.used * (PAGE_WORDS * 8 + 16) + self.room * <Py_ssize_t>sizeof(SeqPage)

    def encode(self):
        """nats-server's form: magic 22, version 2, page count u32, size u32, then the pages
        in the pre-order of a balanced tree (its reader inserts them one below the other)."""
        cdef Py_ssize_t i
        out = bytearray()
        out += bytes((22, 2))
        out += int(self.used).to_bytes(4, "little")
        out += (self.size & 0xFFFFFFFF).to_bytes(4, "little")
        stack = [(0, self.used)]
        while stack:
            low, high = stack.pop()
            if low >= high:
                continue
            i = (low + high) // 2
            out += (<uint64_t>self.pages[i].base).to_bytes(8, "little")
            out += (<const uint8_t *>self.pages[i].words)[:PAGE_WORDS * 8]
            out += int(high - low).bit_length().to_bytes(2, "little")
            stack.append((i + 1, high))
            stack.append((low, i))
        return bytes(out)

    @staticmethod
    def decode(data, Py_ssize_t offset=0):
        """(set, offset after it); raises ValueError on anything malformed."""
        view = memoryview(data)[offset:]
        if len(view) < 10 or view[0] != 22 or view[1] not in (1, 2):
            raise ValueError("not an encoded sequence set")
        cdef Py_ssize_t words = PAGE_WORDS if view[1] == 2 else 64
        cdef Py_ssize_t record = 8 + words * 8 + 2
        cdef Py_ssize_t pages = int.from_bytes(view[2:6], "little")
        cdef uint64_t size = int.from_bytes(view[6:10], "little")
        if pages > (len(view) - 10) // record:
            raise ValueError("sequence set is shorter than its page count says")
        cdef SequenceSet made = SequenceSet()
        cdef Py_ssize_t i, w
        cdef uint64_t base, word
        cdef Py_ssize_t at = 10
        for i in range(pages):
            base = int.from_bytes(view[at:at + 8], "little")
            for w in range(words):
                word = int.from_bytes(view[at + 8 + 8 * w:at + 16 + 8 * w], "little")
                while word:
                    made.insert(base + 64 * w + trailing64(word))
                    word &= word - 1
            at += record
        if (made.size & 0xFFFFFFFF) != size:
            raise ValueError("sequence set does not hold what it says")
        return made, offset + at
