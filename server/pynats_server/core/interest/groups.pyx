"""See groups.pxd."""
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset

from pynats_server.core.memory.bytemap cimport bytemap_free, bytemap_get, bytemap_pop, bytemap_put

cdef enum:
    # Queue groups of one subject that are looked through; more get a map by name.
    QUEUE_SCAN_MAX = 8


cdef int _array_add(SubArray* self, Subscription sub) except -1:
    cdef void** grown
    cdef uint32_t capacity
    if self.capacity == 0 and self.length == 0:
        self.items = <void**><void*>sub
    else:
        if self.capacity == 0:
            grown = <void**>malloc(4 * sizeof(void*))
            if grown == NULL:
                raise MemoryError()
            grown[0] = <void*>self.items
            self.items = grown
            self.capacity = 4
        elif self.length == self.capacity:
            capacity = self.capacity * 2
            grown = <void**>realloc(self.items, capacity * sizeof(void*))
            if grown == NULL:
                raise MemoryError()
            self.items = grown
            self.capacity = capacity
        self.items[self.length] = <void*>sub
    sub.index = self.length
    self.length += 1
    Py_INCREF(sub)  # the set owns one reference until _array_remove
    return 0


cdef bint _array_remove(SubArray* self, Subscription sub) noexcept:
    cdef void** items = array_items(self)
    cdef uint32_t i = sub.index
    cdef void* last
    if i >= self.length or items[i] != <void*>sub:
        return False
    self.length -= 1
    last = items[self.length]
    items[i] = last
    (<Subscription>last).index = i
    if self.length == 0 and self.capacity:
        free(self.items)
        self.items = NULL
        self.capacity = 0
    Py_DECREF(sub)
    return True


cdef QueueGroup* _find_group(QueueSet* self, const char* name, size_t length) noexcept:
    cdef QueueGroup* group
    cdef uint32_t i
    if self == NULL:
        return NULL
    if self.places.used:
        i = <uint32_t><size_t>bytemap_get(&self.places, name, length)
        return &self.groups[i - 1] if i else NULL
    for i in range(self.length):
        group = &self.groups[i]
        if group.name_len == length and memcmp(group.name, name, length) == 0:
            return group
    return NULL


cdef int _index_groups(QueueSet* self) except -1:
    """Brings `places` up to date after a group was appended."""
    cdef uint32_t i
    cdef uint32_t first = self.length - 1 if self.places.used else 0
    if self.length <= QUEUE_SCAN_MAX and not self.places.used:
        return 0
    for i in range(first, self.length):
        bytemap_put(
            &self.places, self.groups[i].name, self.groups[i].name_len, <void*><size_t>(i + 1)
        )
    return 0


cdef QueueGroup* _add_group(SubSet* self, const char* name, size_t length) except NULL:
    cdef QueueSet* queues = self.queues
    cdef QueueGroup* grown
    cdef QueueGroup* group
    if queues == NULL:
        queues = self.queues = <QueueSet*>calloc(1, sizeof(QueueSet))
        if queues == NULL:
            raise MemoryError()
    # Doubles at powers of two, so that many groups cost few copies.
    if queues.length & (queues.length - 1) == 0:
        grown = <QueueGroup*>realloc(
            queues.groups, (queues.length * 2 if queues.length else 1) * sizeof(QueueGroup)
        )
        if grown == NULL:
            raise MemoryError()
        queues.groups = grown
    group = &queues.groups[queues.length]
    memset(group, 0, sizeof(QueueGroup))
    group.name = <char*>malloc(length)
    if group.name == NULL:
        raise MemoryError()
    memcpy(group.name, name, length)
    group.name_len = <uint32_t>length
    queues.length += 1
    _index_groups(queues)
    return group


cdef void _drop_group(SubSet* self, QueueGroup* group) noexcept:
    """The last group takes the place of the dropped one."""
    cdef QueueSet* queues = self.queues
    cdef QueueGroup* last = &queues.groups[queues.length - 1]
    cdef bint indexed = queues.places.used != 0
    if indexed:
        bytemap_pop(&queues.places, group.name, group.name_len)
    free(group.name)
    queues.length -= 1
    if group != last:
        group[0] = last[0]
        if indexed:  # replaces the entry in place: cannot fail
            bytemap_put(
                &queues.places, group.name, group.name_len,
                <void*><size_t>(group - queues.groups + 1),
            )
    if queues.length == 0:
        _queues_free(self)


cdef void _queues_free(SubSet* self) noexcept:
    if self.queues != NULL:
        bytemap_free(&self.queues.places)
        free(self.queues.groups)
        free(self.queues)
        self.queues = NULL


cdef int set_add(SubSet* self, Subscription sub) except -1:
    if sub.queue_len == 0:
        return _array_add(&self.plain, sub)
    cdef QueueGroup* group = _find_group(self.queues, sub.c_queue(), sub.queue_len)
    if group == NULL:
        group = _add_group(self, sub.c_queue(), sub.queue_len)
    return _array_add(&group.members, sub)


cdef bint set_remove(SubSet* self, Subscription sub) noexcept:
    if sub.queue_len == 0:
        return _array_remove(&self.plain, sub)
    cdef QueueGroup* group = _find_group(self.queues, sub.c_queue(), sub.queue_len)
    if group == NULL or not _array_remove(&group.members, sub):
        return False
    if group.members.length == 0:
        _drop_group(self, group)
    return True


cdef void _array_free(SubArray* self) noexcept:
    cdef void** items = array_items(self)
    cdef uint32_t i
    for i in range(self.length):
        Py_DECREF(<Subscription>items[i])
    if self.capacity:
        free(self.items)
    self.length = 0
    self.capacity = 0


cdef void set_free(SubSet* self) noexcept:
    cdef uint32_t i
    _array_free(&self.plain)
    if self.queues != NULL:
        for i in range(self.queues.length):
            free(self.queues.groups[i].name)
            _array_free(&self.queues.groups[i].members)
    _queues_free(self)
