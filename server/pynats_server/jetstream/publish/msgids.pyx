"""See msgids.pxd."""
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy, memmove, memset

from pynats_server.core.memory.bytemap cimport hash_seed
from pynats_server.core.native cimport pn_hash
from pynats_server.jetstream.store.ages.turns cimport STEP_NS

cdef extern from "<stdlib.h>" nogil:
    int posix_memalign(void** memory, size_t alignment, size_t size)

cdef extern from *:
    """
    #include <sys/mman.h>
    #ifdef MADV_HUGEPAGE
    #define want_huge_pages(p, n) ((void)madvise(p, n, MADV_HUGEPAGE))
    #else
    #define want_huge_pages(p, n) ((void)0)
    #endif
    """
    void want_huge_pages(void* memory, size_t size) noexcept nogil

cdef enum:
    HUGE_PAGE = 2097152
    CHUNK_SIZE = 65536
    SLOTS_MIN = 16
    # Ids that have run out and are dropped with each message that comes: more than one, so that
    # they become fewer. And in a call that does nothing else.
    SOME = 4
    MANY = 2000


cdef inline size_t entry_size(size_t id_size) noexcept nogil:
    return (sizeof(MsgId) + id_size + 7) & ~<size_t>7


cdef inline char* entries(IdChunk* chunk) noexcept nogil:
    return <char*>chunk + sizeof(IdChunk)


cdef IdSlot* new_slots(size_t capacity) noexcept nogil:
    """Empty slots. A large table is read at random places; with small pages each of them costs a
    page-table walk."""
    cdef void* memory = NULL
    cdef size_t size = capacity * sizeof(IdSlot)
    if size < HUGE_PAGE:
        return <IdSlot*>calloc(capacity, sizeof(IdSlot))
    if posix_memalign(&memory, HUGE_PAGE, size) != 0:
        return NULL
    want_huge_pages(memory, size)
    memset(memory, 0, size)
    return <IdSlot*>memory


cdef class MsgIds:
    def __init__(self, int64_t window_ns=0):
        self.window_ns = window_ns
        self.floor = -0x7FFFFFFFFFFFFFFF
        self.latest_ns = -0x4000000000000000  # far enough from the end of the numbers

    def __dealloc__(self):
        self.clear_all()

    cdef uint64_t find(self, const char* id, size_t size, int64_t now) noexcept:
        cdef MsgId* entry
        self.expire(now, SOME)
        if self.used == 0:
            return 0
        entry = self.slots[self.seek(id, size, pn_hash(id, size, hash_seed))].entry
        if entry == NULL or now - self.time_of(entry) >= self.window_ns or entry.ts <= self.floor:
            return 0
        return entry.seq

    cdef int64_t time_of(self, MsgId* entry) noexcept:
        cdef int i
        if self.capped == 0 or entry.seq > self.caps[self.capped - 1].seq:
            return entry.ts
        for i in range(self.capped):
            if entry.seq <= self.caps[i].seq:
                return min(entry.ts, self.caps[i].ts)
        return entry.ts

    cdef void set_back(self, int64_t now) noexcept:
        """What is known is from `now` at the latest."""
        while self.capped and self.caps[self.capped - 1].ts >= now:
            self.capped -= 1
        if self.capped == CAPS:
            memmove(&self.caps[0], &self.caps[1], (CAPS - 1) * sizeof(MsgId))
            self.capped -= 1
        self.caps[self.capped].seq, self.caps[self.capped].ts = self.latest_seq, now
        self.capped += 1
        self.latest_ns = now
        self.floor = min(self.floor, now - 1)

    cdef size_t seek(self, const char* id, size_t size, uint32_t hash) noexcept:
        """The slot of an id, or the empty one where it belongs. There are slots."""
        cdef size_t mask = self.capacity - 1
        cdef size_t i = hash & mask
        cdef IdSlot* slot
        while True:
            slot = &self.slots[i]
            if slot.entry == NULL or (
                slot.hash == hash
                and slot.entry.size == size
                and memcmp(id_of(slot.entry), id, size) == 0
            ):
                return i
            i = (i + 1) & mask

    cdef int grow(self) except -1:
        cdef size_t capacity = self.capacity * 2 if self.capacity else SLOTS_MIN
        cdef IdSlot* slots = new_slots(capacity)
        cdef size_t i, at
        if slots == NULL:
            raise MemoryError
        for i in range(self.capacity):
            if self.slots[i].entry != NULL:
                at = self.slots[i].hash & (capacity - 1)
                while slots[at].entry != NULL:
                    at = (at + 1) & (capacity - 1)
                slots[at] = self.slots[i]
        free(self.slots)
        self.slots, self.capacity = slots, capacity
        return 0

    cdef void unlink(self, MsgId* entry) noexcept:
        """Takes an entry out of the map, unless a later entry with the same id has replaced it."""
        cdef size_t mask = self.capacity - 1
        cdef size_t gap, i
        if self.used == 0:
            return
        gap = i = self.seek(
            id_of(entry), entry.size, pn_hash(id_of(entry), entry.size, hash_seed)
        )
        if self.slots[gap].entry != entry:
            return
        while True:  # what follows moves up, so that no search ends at the gap
            i = (i + 1) & mask
            if self.slots[i].entry == NULL:
                break
            if ((i - self.slots[i].hash) & mask) >= ((i - gap) & mask):
                self.slots[gap] = self.slots[i]
                gap = i
        self.slots[gap].entry = NULL
        self.used -= 1

    cdef int remember(self, const char* id, size_t size, uint64_t seq, int64_t ts) except -1:
        cdef size_t need = entry_size(size)
        cdef size_t room
        cdef IdChunk* chunk = self.newest
        cdef MsgId* entry
        cdef IdSlot* slot
        cdef uint32_t hash
        if self.window_ns <= 0:
            return 0
        self.expire(ts, SOME)
        chunk = self.newest
        if chunk == NULL or chunk.capacity - chunk.used < need:
            room = max(need, <size_t>CHUNK_SIZE - sizeof(IdChunk))
            chunk = <IdChunk*>malloc(sizeof(IdChunk) + room)
            if chunk == NULL:
                raise MemoryError
            chunk.next = NULL
            chunk.start = chunk.used = 0
            chunk.capacity = room
            if self.newest == NULL:
                self.oldest = chunk
            else:
                self.newest.next = chunk
            self.newest = chunk
        entry = <MsgId*>(entries(chunk) + chunk.used)
        entry.seq, entry.ts, entry.size = seq, ts, size
        memcpy(id_of(entry), id, size)
        if (self.used + 1) * 2 > self.capacity:
            self.grow()
        hash = pn_hash(id, size, hash_seed)
        slot = &self.slots[self.seek(id, size, hash)]
        if slot.entry == NULL:
            self.used += 1
        slot.entry, slot.hash = entry, hash
        chunk.used += need
        self.count += 1
        self.latest_ns, self.latest_seq = ts, seq
        return 0

    cdef void expire(self, int64_t now, int most) noexcept:
        cdef IdChunk* chunk = self.oldest
        if now < self.latest_ns - STEP_NS:
            self.set_back(now)
        while chunk != NULL:
            if chunk.start == chunk.used:
                if chunk == self.newest:
                    chunk.start = chunk.used = 0  # empty: its memory is reused
                    return
                self.oldest = chunk.next
                free(chunk)
                chunk = self.oldest
                continue
            if most <= 0 or now - self.time_of(
                <MsgId*>(entries(chunk) + chunk.start)
            ) < self.window_ns:
                return
            most -= 1
            self.drop_oldest()

    cdef MsgId* forget_above(self, uint64_t seq) noexcept:
        cdef IdChunk* last = NULL  # with entries that stay
        cdef IdChunk* chunk = self.oldest
        cdef IdChunk* following
        cdef int i
        self.latest_seq = min(self.latest_seq, seq)
        for i in range(self.capped):
            self.caps[i].seq = min(self.caps[i].seq, seq)
        while chunk != NULL and (
            chunk.start == chunk.used or (<MsgId*>(entries(chunk) + chunk.start)).seq <= seq
        ):
            last = chunk
            chunk = chunk.next
        if last == NULL:
            self.oldest = NULL
        else:
            last.next = NULL
        self.newest = last
        while chunk != NULL:
            self.cut(chunk, seq)
            following = chunk.next
            free(chunk)
            chunk = following
        return self.cut(last, seq) if last != NULL else NULL

    cdef MsgId* cut(self, IdChunk* chunk, uint64_t seq) noexcept:
        """Drops the entries of a chunk that are above `seq`, its last ones. The last that stays."""
        cdef MsgId* kept = NULL
        cdef MsgId* entry
        cdef size_t at = chunk.start, end = chunk.used
        while at < end:
            entry = <MsgId*>(entries(chunk) + at)
            if entry.seq <= seq:
                kept = entry
            else:
                chunk.used = min(chunk.used, at)
                self.count -= 1
                self.unlink(entry)
            at += entry_size(entry.size)
        return kept

    cdef void drop_oldest(self) noexcept:
        cdef IdChunk* chunk = self.oldest
        cdef MsgId* entry = <MsgId*>(entries(chunk) + chunk.start)
        chunk.start += entry_size(entry.size)
        self.count -= 1
        self.unlink(entry)

    cdef void clear_all(self) noexcept:
        cdef IdChunk* chunk = self.oldest
        cdef IdChunk* following
        free(self.slots)
        self.slots = NULL
        self.capacity = self.used = 0
        while chunk != NULL:
            following = chunk.next
            free(chunk)
            chunk = following
        self.oldest = self.newest = NULL
        self.count = 0
        self.capped = 0

    @property
    def nbytes(self):
        """Memory held, in bytes."""
        cdef IdChunk* chunk = self.oldest
        cdef size_t total = self.capacity * sizeof(IdSlot)
        while chunk != NULL:
            total += sizeof(IdChunk) + chunk.capacity
            chunk = chunk.next
        return total

    def set_window(self, int64_t window_ns, int64_t now):
        """Remember ids for `window_ns` from now on; what is older than that is forgotten, and what
        was to be forgotten before stays so."""
        if self.window_ns > 0:
            self.floor = max(self.floor, now - self.window_ns)
        self.window_ns = window_ns
        if window_ns <= 0:
            self.clear_all()
        else:
            self.expire(now, MANY)

    def get(self, bytes id not None, int64_t now):
        """The sequence of the message with this id, 0 when the window up to `now` has none."""
        return self.find(id, len(id), now)

    def put(self, bytes id not None, uint64_t seq, int64_t ts):
        """Remember the id of message `seq`, stored at `ts`, which is not before the last one's."""
        self.remember(id, len(id), seq, ts)

    def known(self, int64_t now):
        """[(id, sequence, ns)] of the window up to `now`, in order of sequences."""
        cdef size_t i
        cdef MsgId* entry
        found = []
        for i in range(self.capacity):
            entry = self.slots[i].entry
            if entry != NULL and now - self.time_of(entry) < self.window_ns \
                    and entry.ts > self.floor:
                found.append((id_of(entry)[:entry.size], entry.seq, self.time_of(entry)))
        found.sort(key=lambda each: each[1])
        return found

    def drop_above(self, uint64_t seq):
        """Messages above `seq` were taken back."""
        self.forget_above(seq)

    def forget(self, int64_t now):
        """Drop what has run out by `now`, some of it; returns when (ns) the next id does, which is
        past when there is more to drop, and 0 without any."""
        cdef int64_t ts
        self.expire(now, MANY)
        if self.count == 0:
            self.clear_all()
            return 0
        ts = self.time_of(<MsgId*>(entries(self.oldest) + self.oldest.start))
        return min(ts, 0x7FFFFFFFFFFFFFFF - self.window_ns) + self.window_ns  # the end of time
