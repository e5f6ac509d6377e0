"""The message ids of a stream's duplicate window: id -> sequence, without Python objects.

Ids come in the order of their messages' times (the clock that was set back is put right here), so the queue of what runs out first is the order of
arrival: entries lie one behind the other in chunks, the map points at them, and forgetting takes
them off the front. Memory is that of the ids published within one window.

Nearly every look-up is for an id that is not there, and with linear probing those are short only
in a map that is at most half full; so this is not core's ByteMap, which fills up to 7/8.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t


cdef struct MsgId:
    uint64_t seq
    int64_t ts  # ns
    size_t size  # of the id, which follows

cdef enum:
    CAPS = 64  # of more, the oldest is forgotten: its ids stay until those of the next go

cdef struct IdSlot:
    MsgId* entry  # NULL = empty
    uint32_t hash

cdef struct IdChunk:
    IdChunk* next
    size_t start  # the oldest entry
    size_t used
    size_t capacity
    # entries follow


cdef inline char* id_of(MsgId* entry) noexcept nogil:
    return <char*>entry + sizeof(MsgId)


cdef class MsgIds:
    cdef IdSlot* slots
    cdef size_t capacity  # of slots, a power of two or 0
    cdef size_t used
    cdef IdChunk* oldest
    cdef IdChunk* newest
    cdef readonly int64_t window_ns  # 0 = remembers nothing
    cdef int64_t floor  # ns: what is not younger than this is forgotten, whatever the window
    # Where the clock was set back, in order: ids up to `seq` are from `ts` at the latest.
    cdef MsgId caps[CAPS]
    cdef int capped
    cdef int64_t latest_ns
    cdef uint64_t latest_seq
    cdef readonly uint64_t count  # entries held, those that have run out included

    # The sequence of the message with this id, 0 when there is none in the window.
    cdef uint64_t find(self, const char* id, size_t size, int64_t now) noexcept
    cdef int remember(self, const char* id, size_t size, uint64_t seq, int64_t ts) except -1
    # Drops what has run out, `most` entries of it: they count no longer anyway.
    cdef void expire(self, int64_t now, int most) noexcept
    cdef int64_t time_of(self, MsgId* entry) noexcept
    cdef void set_back(self, int64_t now) noexcept
    # Messages above `seq` were taken back. The newest entry that stays; NULL without any.
    cdef MsgId* forget_above(self, uint64_t seq) noexcept
    cdef MsgId* cut(self, IdChunk* chunk, uint64_t seq) noexcept
    cdef void drop_oldest(self) noexcept
    cdef void unlink(self, MsgId* entry) noexcept
    cdef size_t seek(self, const char* id, size_t size, uint32_t hash) noexcept
    cdef int grow(self) except -1
    cdef void clear_all(self) noexcept
