"""Deliveries that a client has not come to: where to acknowledge them, and their sizes."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memmove

cdef enum:
    ENTRY_HEAD = 12   # the payload's size and the reply's length, in front of the reply


cdef struct Backlog:
    char *data
    size_t start
    size_t end
    size_t room
    uint64_t count


cdef inline bint backlog_add(
    Backlog *self, const char *reply, uint32_t reply_len, uint64_t size
) noexcept nogil:
    """False: no memory."""
    cdef size_t need = ENTRY_HEAD + reply_len, room
    cdef char *larger
    if self.end + need > self.room and self.start > self.room // 2:
        memmove(self.data, self.data + self.start, self.end - self.start)
        self.end -= self.start
        self.start = 0
    if self.end + need > self.room:
        room = 2 * (self.room + need) + 4096
        larger = <char *>realloc(self.data, room)
        if larger == NULL:
            return False
        self.data = larger
        self.room = room
    memcpy(self.data + self.end, &size, 8)
    memcpy(self.data + self.end + 8, &reply_len, 4)
    memcpy(self.data + self.end + ENTRY_HEAD, reply, reply_len)
    self.end += need
    self.count += 1
    return True


cdef inline const char *backlog_first(
    Backlog *self, uint32_t *reply_len, uint64_t *size
) noexcept nogil:
    """The reply of the oldest; there is one."""
    memcpy(size, self.data + self.start, 8)
    memcpy(reply_len, self.data + self.start + 8, 4)
    return self.data + self.start + ENTRY_HEAD


cdef inline void backlog_drop(Backlog *self) noexcept nogil:
    """Forgets the oldest."""
    cdef uint32_t reply_len
    memcpy(&reply_len, self.data + self.start + 8, 4)
    self.start += ENTRY_HEAD + reply_len
    self.count -= 1
    if self.count == 0:
        self.start = self.end = 0


cdef inline void backlog_free(Backlog *self) noexcept nogil:
    free(self.data)
