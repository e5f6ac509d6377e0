# cython: boundscheck=False, wraparound=False
"""See msgids.pxd."""
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from pynats_server.core.bytemap cimport bytemap_free, bytemap_get, bytemap_pop, bytemap_put

cdef enum:
    CHUNK_SIZE = 65536


cdef inline size_t entry_size(size_t id_size) noexcept nogil:
    return (sizeof(MsgId) + id_size + 7) & ~<size_t>7


cdef inline char* entries(IdChunk* chunk) noexcept nogil:
    return <char*>chunk + sizeof(IdChunk)


cdef inline char* id_of(MsgId* entry) noexcept nogil:
    return <char*>entry + sizeof(MsgId)


cdef class MsgIds:
    def __init__(self, int64_t window=0):
        self.window = window

    def __dealloc__(self):
        self.clear_all()

    cdef uint64_t find(self, const char* id, size_t size, int64_t now) noexcept:
        cdef MsgId* entry
        self.expire(now)
        entry = <MsgId*>bytemap_get(&self.map, id, size)
        return entry.seq if entry != NULL else 0

    cdef int remember(self, const char* id, size_t size, uint64_t seq, int64_t ts) except -1:
        cdef size_t need = entry_size(size)
        cdef size_t room
        cdef IdChunk* chunk = self.newest
        cdef MsgId* entry
        if self.window <= 0:
            return 0
        self.expire(ts)
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
        # An older entry of the id goes first: its map entry refers to its own copy of the key.
        bytemap_pop(&self.map, id, size)
        bytemap_put(&self.map, id_of(entry), size, entry)
        chunk.used += need
        self.count += 1
        return 0

    cdef void expire(self, int64_t now) noexcept:
        cdef IdChunk* chunk = self.oldest
        while chunk != NULL:
            if chunk.start == chunk.used:
                if chunk == self.newest:
                    chunk.start = chunk.used = 0  # empty: its memory serves again
                    return
                self.oldest = chunk.next
                free(chunk)
                chunk = self.oldest
                continue
            if now - (<MsgId*>(entries(chunk) + chunk.start)).ts < self.window:
                return
            self.drop_oldest()

    cdef void forget_above(self, uint64_t seq) noexcept:
        """Messages above `seq` are not kept after all. Their entries stay in the queue, unused."""
        cdef IdChunk* chunk = self.oldest
        cdef MsgId* entry
        cdef size_t at
        while chunk != NULL:
            at = chunk.start
            while at < chunk.used:
                entry = <MsgId*>(entries(chunk) + at)
                at += entry_size(entry.size)
                if entry.seq > seq and (
                    bytemap_get(&self.map, id_of(entry), entry.size) == <void*>entry
                ):
                    bytemap_pop(&self.map, id_of(entry), entry.size)
            chunk = chunk.next

    cdef void drop_oldest(self) noexcept:
        cdef IdChunk* chunk = self.oldest
        cdef MsgId* entry = <MsgId*>(entries(chunk) + chunk.start)
        chunk.start += entry_size(entry.size)
        self.count -= 1
        if bytemap_get(&self.map, id_of(entry), entry.size) == <void*>entry:
            bytemap_pop(&self.map, id_of(entry), entry.size)

    cdef void clear_all(self) noexcept:
        cdef IdChunk* chunk = self.oldest
        cdef IdChunk* following
        bytemap_free(&self.map)
        while chunk != NULL:
            following = chunk.next
            free(chunk)
            chunk = following
        self.oldest = self.newest = NULL
        self.count = 0

    @property
    def nbytes(self):
        """Memory held, in bytes."""
        cdef IdChunk* chunk = self.oldest
        cdef size_t total = self.map.capacity * sizeof(self.map.slots[0])
        while chunk != NULL:
            total += sizeof(IdChunk) + chunk.capacity
            chunk = chunk.next
        return total

    def set_window(self, int64_t window, int64_t now):
        """Remember ids for `window` ns from now on; what is older than that is forgotten."""
        self.window = window
        if window <= 0:
            self.clear_all()
        else:
            self.expire(now)

    def get(self, bytes id not None, int64_t now):
        """The sequence of the message with this id, 0 when the window up to `now` has none."""
        return self.find(id, len(id), now)

    def put(self, bytes id not None, uint64_t seq, int64_t ts):
        """Remember the id of message `seq`, stored at `ts`, which is not before the last one's."""
        self.remember(id, len(id), seq, ts)

    def drop_above(self, uint64_t seq):
        """Messages above `seq` were taken back."""
        self.forget_above(seq)

    def forget(self, int64_t now):
        """Drop what has run out by `now`; returns when (ns) the next id does, 0 without any."""
        self.expire(now)
        if self.count == 0:
            self.clear_all()
            return 0
        return (<MsgId*>(entries(self.oldest) + self.oldest.start)).ts + self.window
