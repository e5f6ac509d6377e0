"""What a consumer has delivered and waits for, by ascending sequence, in chunks.

A `copy` shares the chunks, so it costs next to nothing however many entries there are; whoever
changes an entry of a shared chunk copies that one first. So a state is saved from a copy while it
changes. Nothing is moved when it grows, and what is done with gives its chunks back one by one.
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t


cdef enum:
    CHUNK_SHIFT = 8
    CHUNK = 1 << CHUNK_SHIFT  # entries
    CHUNK_MASK = CHUNK - 1
    CHUNK_MIN = 8  # entries of a first chunk, which grows


cdef enum Fate:
    OPEN  # delivered and not acknowledged
    DONE  # acknowledged: the place is free
    SPENT  # delivered as often as allowed: not waited for, but an acknowledgement still counts


cdef struct Entry:
    # A message that was delivered.
    uint64_t seq  # in the stream
    uint64_t delivery  # consumer sequence of its first delivery
    int64_t ts  # ns of the steady clock, from which its acknowledgement is waited for
    uint32_t count  # deliveries so far
    uint8_t fate
    uint8_t queued  # for redelivery; not part of the state, and the same for all who share it


cdef struct Chunk:
    uint32_t owners
    uint32_t room  # entries
    Entry* entries


cdef class Entries:
    # Places of chunks. Entries are at `head` to `tail`; the first and the last are not DONE.
    cdef Chunk** chunks
    cdef size_t room
    cdef size_t head, tail
    cdef readonly uint64_t held  # entries that are not DONE

    # The entry at a place, to be looked at.
    cdef inline Entry* at(self, size_t place) noexcept nogil:
        return &self.chunks[place >> CHUNK_SHIFT].entries[place & CHUNK_MASK]

    # The same, to be changed.
    cdef inline Entry* own(self, size_t place) except NULL:
        cdef Chunk* chunk = self.chunks[place >> CHUNK_SHIFT]
        if chunk.owners > 1:
            chunk = self.unshare(place >> CHUNK_SHIFT)
        return &chunk.entries[place & CHUNK_MASK]

    # The place of the first entry at or after `seq`; `tail` when there is none.
    cdef size_t place(self, uint64_t seq) noexcept nogil
    cdef Entry* find(self, uint64_t seq) noexcept nogil
    cdef Chunk* unshare(self, size_t which) except NULL
    # A new entry for `seq`, or the DONE one that is there.
    cdef Entry* put(self, uint64_t seq) except NULL
    cdef Entry* push(self) except NULL
    cdef int make_places(self) except -1
    cdef int squeeze(self) except -1
    cdef void trim(self) noexcept
    cdef void drop_to(self, size_t place) noexcept  # all before that place
    cdef void clear(self) noexcept
    cdef int share(self, Entries other) except -1  # becomes a copy
