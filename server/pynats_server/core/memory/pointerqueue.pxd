"""A queue of pointers, first in, first out. It does not own what they point to."""
from libc.stdint cimport uint32_t


cdef struct PointerQueue:
    void** items
    uint32_t first
    uint32_t end
    uint32_t capacity


cdef int queue_put(PointerQueue* self, void* item) except -1
cdef void queue_free(PointerQueue* self) noexcept

cdef inline uint32_t queue_length(PointerQueue* self) noexcept:
    return self.end - self.first

# Only of a queue that is not empty.
cdef inline void* queue_take(PointerQueue* self) noexcept:
    cdef void* item = self.items[self.first]
    self.first += 1
    if self.first == self.end:
        self.first = self.end = 0
    return item
