"""See entries.pxd."""
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memmove, memset


cdef Chunk* new_chunk(uint32_t room) except NULL:
    cdef Chunk* made = <Chunk*>malloc(sizeof(Chunk))
    if made == NULL:
        raise MemoryError()
    made.entries = <Entry*>malloc(room * sizeof(Entry))
    if made.entries == NULL:
        free(made)
        raise MemoryError()
    made.owners, made.room = 1, room
    return made


cdef void release(Chunk* chunk) noexcept:
    if chunk == NULL:
        return
    chunk.owners -= 1
    if chunk.owners == 0:
        free(chunk.entries)
        free(chunk)


cdef class Entries:
    def __dealloc__(self):
        cdef size_t i
        for i in range(self.room):
            release(self.chunks[i])
        free(self.chunks)

    cdef size_t place(self, uint64_t seq) noexcept nogil:
        cdef size_t low = self.head, high = self.tail, middle
        if low < high and self.at(high - 1).seq < seq:
            return high
        if low < high and self.at(low).seq >= seq:
            return low
        # Without gaps the place is known: most consumers have none.
        if low < high and self.at(low).seq <= seq:
            middle = low + (seq - self.at(low).seq)
            if middle < high and self.at(middle).seq == seq:
                return middle
        while low < high:
            middle = (low + high) >> 1
            if self.at(middle).seq < seq:
                low = middle + 1
            else:
                high = middle
        return low

    cdef Entry* find(self, uint64_t seq) noexcept nogil:
        cdef size_t place = self.place(seq)
        cdef Entry* entry
        if place < self.tail:
            entry = self.at(place)
            if entry.seq == seq and entry.fate != DONE:
                return entry
        return NULL

    # -- growing ------------------------------------------------------------------------------

    cdef Chunk* unshare(self, size_t which) except NULL:
        cdef Chunk* shared = self.chunks[which]
        cdef Chunk* own = new_chunk(shared.room)
        memcpy(own.entries, shared.entries, shared.room * sizeof(Entry))
        release(shared)
        self.chunks[which] = own
        return own

    cdef int make_places(self) except -1:
        """Room for one more chunk."""
        cdef size_t gone, room
        cdef Chunk** grown
        if self.held < (self.tail - self.head) >> 1:
            self.squeeze()
            if self.tail >> CHUNK_SHIFT < self.room:
                return 0
        gone = self.head >> CHUNK_SHIFT
        if gone > self.room >> 1:
            memmove(self.chunks, self.chunks + gone, (self.room - gone) * sizeof(Chunk*))
            memset(self.chunks + self.room - gone, 0, gone * sizeof(Chunk*))
            self.head -= gone << CHUNK_SHIFT
            self.tail -= gone << CHUNK_SHIFT
            return 0
        room = max(self.room * 2, 1)
        grown = <Chunk**>realloc(self.chunks, room * sizeof(Chunk*))
        if grown == NULL:
            raise MemoryError()
        memset(grown + self.room, 0, (room - self.room) * sizeof(Chunk*))
        self.chunks, self.room = grown, room
        return 0

    cdef int squeeze(self) except -1:
        """Without the places of what is DONE: something old may stay open for long."""
        cdef size_t place, end = self.head
        for place in range(self.head, self.tail):
            if self.at(place).fate != DONE:
                if end != place:
                    self.own(end)[0] = self.at(place)[0]
                end += 1
        place = (end + CHUNK_MASK) >> CHUNK_SHIFT
        while place < self.room:
            release(self.chunks[place])
            self.chunks[place] = NULL
            place += 1
        self.tail = end
        return 0

    cdef Entry* push(self) except NULL:
        """A place behind all others."""
        cdef Chunk* chunk
        cdef Entry* grown
        cdef size_t inside
        if self.tail >> CHUNK_SHIFT == self.room:
            self.make_places()  # which may move the others
        chunk = self.chunks[self.tail >> CHUNK_SHIFT]
        inside = self.tail & CHUNK_MASK
        if chunk == NULL:
            chunk = new_chunk(CHUNK_MIN if self.tail == 0 else CHUNK)
            self.chunks[self.tail >> CHUNK_SHIFT] = chunk
        elif chunk.owners > 1:
            chunk = self.unshare(self.tail >> CHUNK_SHIFT)
        if inside >= chunk.room:
            grown = <Entry*>realloc(chunk.entries, chunk.room * 2 * sizeof(Entry))
            if grown == NULL:
                raise MemoryError()
            chunk.entries = grown
            chunk.room *= 2
        self.tail += 1
        return &chunk.entries[inside]

    cdef Entry* put(self, uint64_t seq) except NULL:
        cdef size_t place, end
        if self.tail >> CHUNK_SHIFT == self.room:
            self.make_places()
        place = self.place(seq)
        if place == self.tail:
            return self.push()
        if self.at(place).seq == seq:
            if self.at(place).fate != DONE:
                raise ValueError(f"sequence {seq} is open already")
            return self.own(place)
        self.push()
        for end in range(self.tail - 1, place, -1):
            self.own(end)[0] = self.at(end - 1)[0]
        return self.own(place)

    # -- shrinking ----------------------------------------------------------------------------

    cdef void trim(self) noexcept:
        cdef size_t head = self.head
        while head < self.tail and self.at(head).fate == DONE:
            head += 1
        self.drop_to(head)
        while self.tail > self.head and self.at(self.tail - 1).fate == DONE:
            self.tail -= 1
            if self.tail & CHUNK_MASK == 0:
                release(self.chunks[self.tail >> CHUNK_SHIFT])
                self.chunks[self.tail >> CHUNK_SHIFT] = NULL

    cdef void drop_to(self, size_t place) noexcept:
        cdef size_t which = self.head >> CHUNK_SHIFT
        if place == self.tail:
            self.clear()
            return
        self.head = place
        while which < place >> CHUNK_SHIFT:
            release(self.chunks[which])
            self.chunks[which] = NULL
            which += 1

    cdef void clear(self) noexcept:
        cdef size_t which
        cdef Chunk* kept = NULL
        cdef Chunk* chunk
        for which in range(self.head >> CHUNK_SHIFT, min((self.tail >> CHUNK_SHIFT) + 1, self.room)):
            chunk = self.chunks[which]
            self.chunks[which] = NULL
            if kept == NULL and chunk != NULL and chunk.owners == 1:
                kept = chunk  # the next message will want one
            else:
                release(chunk)
        self.head = self.tail = 0
        if kept != NULL:
            self.chunks[0] = kept
        if self.room > CHUNK:
            release(kept)
            free(self.chunks)
            self.chunks = NULL
            self.room = 0

    cdef int share(self, Entries other) except -1:
        """Of a new object: has the same entries from now on."""
        cdef size_t first = other.head >> CHUNK_SHIFT, i
        cdef size_t count = ((other.tail + CHUNK_MASK) >> CHUNK_SHIFT) - first
        if other.head == other.tail:
            return 0
        self.chunks = <Chunk**>malloc(count * sizeof(Chunk*))
        if self.chunks == NULL:
            raise MemoryError()
        memcpy(self.chunks, other.chunks + first, count * sizeof(Chunk*))
        for i in range(count):
            self.chunks[i].owners += 1
        self.room = count
        self.head = other.head - (first << CHUNK_SHIFT)
        self.tail = other.tail - (first << CHUNK_SHIFT)
        return 0
