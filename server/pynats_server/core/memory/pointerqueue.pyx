"""See pointerqueue.pxd."""
from libc.stdlib cimport free, realloc
from libc.string cimport memmove


cdef int queue_put(PointerQueue* self, void* item) except -1:
    cdef void** grown
    cdef uint32_t capacity
    if self.end == self.capacity:
        if self.first > self.capacity // 2:
            self.end -= self.first
            memmove(self.items, self.items + self.first, self.end * sizeof(void*))
            self.first = 0
        else:
            capacity = self.capacity * 2 if self.capacity else 256
            grown = <void**>realloc(self.items, capacity * sizeof(void*))
            if grown == NULL:
                raise MemoryError()
            self.items = grown
            self.capacity = capacity
    self.items[self.end] = item
    self.end += 1
    return 0


cdef void queue_free(PointerQueue* self) noexcept:
    free(self.items)
    self.items = NULL
    self.first = self.end = self.capacity = 0
