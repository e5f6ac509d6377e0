"""See bytemap.pxd."""
from libc.stdlib cimport calloc, free
from libc.string cimport memset

import os

from pynats_server.core.native cimport pn_equal, pn_hash

hash_seed = int.from_bytes(os.urandom(8), "little")

cdef inline uint32_t _find(ByteMap* self, const char* key, size_t length, uint32_t h) noexcept nogil:
    """Index of the key's slot, or of the empty slot where it belongs."""
    cdef uint32_t mask = self.capacity - 1
    cdef uint32_t i = h & mask
    cdef Slot* slot
    while True:
        slot = &self.slots[i]
        if slot.value == NULL:
            return i
        if slot.hash == h and slot.length == length and pn_equal(slot.key, key, length):
            return i
        i = (i + 1) & mask


cdef int _grow(ByteMap* self) except -1:
    cdef uint32_t capacity = self.capacity * 2 if self.capacity else 8
    cdef Slot* slots = <Slot*>calloc(capacity, sizeof(Slot))
    if slots == NULL:
        raise MemoryError()
    cdef uint32_t mask = capacity - 1
    cdef uint32_t i, j
    for i in range(self.capacity):
        if self.slots[i].value != NULL:
            j = self.slots[i].hash & mask
            while slots[j].value != NULL:
                j = (j + 1) & mask
            slots[j] = self.slots[i]
    free(self.slots)
    self.slots = slots
    self.capacity = capacity
    return 0


cdef void* bytemap_get(ByteMap* self, const char* key, size_t length) noexcept nogil:
    if self.used == 0:
        return NULL
    return self.slots[_find(self, key, length, pn_hash(key, length, hash_seed))].value


cdef void* bytemap_find(
    ByteMap* self, const char* key, size_t length, uint32_t hash
) noexcept nogil:
    if self.used == 0:
        return NULL
    return self.slots[_find(self, key, length, hash)].value


cdef void* bytemap_put(ByteMap* self, const char* key, size_t length, void* value) except? NULL:
    # Grows at 7/8 so that probe sequences stay short and memory per entry stays near 32 bytes.
    if self.used + 1 > self.capacity - (self.capacity >> 3):
        _grow(self)
    cdef uint32_t h = pn_hash(key, length, hash_seed)
    cdef Slot* slot = &self.slots[_find(self, key, length, h)]
    cdef void* before = slot.value
    if before == NULL:
        self.used += 1
    slot.key = key
    slot.length = <uint32_t>length
    slot.hash = h
    slot.value = value
    return before


cdef void* bytemap_pop(ByteMap* self, const char* key, size_t length) noexcept nogil:
    if self.used == 0:
        return NULL
    cdef uint32_t mask = self.capacity - 1
    cdef uint32_t i = _find(self, key, length, pn_hash(key, length, hash_seed))
    cdef void* value = self.slots[i].value
    if value == NULL:
        return NULL
    # Close the gap: move back every follower that may not sit behind an empty slot.
    cdef uint32_t gap = i
    cdef uint32_t j = i
    cdef uint32_t home
    while True:
        j = (j + 1) & mask
        if self.slots[j].value == NULL:
            break
        home = self.slots[j].hash & mask
        if ((j - home) & mask) >= ((j - gap) & mask):
            self.slots[gap] = self.slots[j]
            gap = j
    memset(&self.slots[gap], 0, sizeof(Slot))
    self.used -= 1
    if self.used == 0:
        bytemap_free(self)
    return value


cdef void bytemap_free(ByteMap* self) noexcept nogil:
    free(self.slots)
    self.slots = NULL
    self.capacity = 0
    self.used = 0
