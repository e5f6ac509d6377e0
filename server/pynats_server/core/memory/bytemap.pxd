"""Hash map from byte strings to pointers, without Python objects.

Open addressing with linear probing and backward-shift deletion (no tombstones, so churn does not
slow it down). The map does not own its keys: a key must live as long as its entry, which callers
get for free by keeping the key inside the value.
"""
from libc.stdint cimport uint32_t, uint64_t

from pynats_server.core.native cimport pn_hash, prefetch

cdef uint64_t hash_seed

cdef struct Slot:
    const char* key
    void* value  # NULL = empty slot
    uint32_t length
    uint32_t hash

cdef struct ByteMap:
    Slot* slots
    uint32_t capacity  # power of two, or 0
    uint32_t used

cdef inline uint32_t bytemap_hash(const char* key, size_t length) noexcept nogil:
    return pn_hash(key, length, hash_seed)

cdef void* bytemap_get(ByteMap* self, const char* key, size_t length) noexcept nogil
# The same for a key whose hash is known already.
cdef void* bytemap_find(ByteMap* self, const char* key, size_t length, uint32_t hash) noexcept nogil

# Two steps ahead of bytemap_find for many keys: fetch the slots, then what the slots point to.
cdef inline void bytemap_prefetch(ByteMap* self, uint32_t hash) noexcept nogil:
    if self.used:
        prefetch(&self.slots[hash & (self.capacity - 1)])

cdef inline void bytemap_prefetch_entry(ByteMap* self, uint32_t hash) noexcept nogil:
    cdef Slot* slot
    if self.used:
        slot = &self.slots[hash & (self.capacity - 1)]
        prefetch(slot.key)
        prefetch(slot.value)

# Returns the value that was there before (NULL if none).
cdef void* bytemap_put(ByteMap* self, const char* key, size_t length, void* value) except? NULL
# Returns the removed value (NULL if none).
cdef void* bytemap_pop(ByteMap* self, const char* key, size_t length) noexcept nogil
cdef void bytemap_free(ByteMap* self) noexcept nogil
