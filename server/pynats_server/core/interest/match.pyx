"""See match.pxd."""
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset

from pynats_server.core.interest.groups cimport QueueGroup, QueueSet, SubArray, array_items, set_is_empty
from pynats_server.core.interest.subscription cimport Subscription
from pynats_server.core.ledger cimport MATCHES, count_gone, count_made, must
from pynats_server.core.memory.bytemap cimport ByteMap, bytemap_free, bytemap_get, bytemap_put

cdef enum:
    # Queue groups in all sets together that are looked through by name; more get a map.
    GROUP_SCAN_MAX = 8


cdef int add_hit(Hits* hits, SubSet* subs) except -1:
    if set_is_empty(subs):
        return 0
    cdef SubSet** grown
    if hits.length == hits.capacity:
        hits.capacity = hits.capacity * 2 if hits.capacity else 16
        grown = <SubSet**>realloc(hits.sets, hits.capacity * sizeof(SubSet*))
        if grown == NULL:
            raise MemoryError()
        hits.sets = grown
    hits.sets[hits.length] = subs
    hits.length += 1
    return 0


cdef struct Gathering:
    # The groups of several sets by name, each once, with the number of its members.
    MatchQueue* queues
    uint32_t length
    bint mapped
    uint64_t compared  # names
    ByteMap places  # name -> place + 1


cdef MatchQueue* _gathered(Gathering* self, QueueGroup* group) noexcept:
    cdef MatchQueue* queue
    cdef uint32_t i
    if self.mapped:
        self.compared += 1
        i = <uint32_t><size_t>bytemap_get(&self.places, group.name, group.name_len)
        return &self.queues[i - 1] if i else NULL
    for i in range(self.length):
        self.compared += 1
        queue = &self.queues[i]
        if queue.name_len == group.name_len and memcmp(queue.name, group.name, queue.name_len) == 0:
            return queue
    return NULL


cdef int _gather(Gathering* self, QueueSet* queues) except -1:
    cdef QueueGroup* group
    cdef MatchQueue* queue
    cdef uint32_t i
    for i in range(queues.length):
        group = &queues.groups[i]
        queue = _gathered(self, group)
        if queue == NULL:
            queue = &self.queues[self.length]
            queue.members = NULL
            queue.length = 0
            queue.name = group.name  # borrowed while the match is built
            queue.name_len = group.name_len
            self.length += 1
            if self.mapped:
                bytemap_put(&self.places, queue.name, queue.name_len, <void*><size_t>self.length)
        queue.length += group.members.length
    return 0


cdef void _take_members(MatchQueue* queue, SubArray* members) noexcept:
    cdef void** items = array_items(members)
    cdef uint32_t i
    for i in range(members.length):
        queue.members[queue.length + i] = items[i]
        Py_INCREF(<Subscription>items[i])
    queue.length += members.length


cdef void _fill_groups(Match* match, Gathering* gathering, Hits* hits) noexcept:
    """Every group's members to their place, and its name to where the match holds it."""
    cdef void** members = match.plain + match.n_plain
    cdef QueueSet* queues
    cdef QueueGroup* group
    cdef MatchQueue* queue
    cdef uint32_t i, j
    for i in range(gathering.length):
        queue = &gathering.queues[i]
        queue.members = members
        members += queue.length
        queue.length = 0
    for i in range(hits.length):
        queues = hits.sets[i].queues
        if queues != NULL:
            for j in range(queues.length):
                _take_members(
                    _gathered(gathering, &queues.groups[j]), &queues.groups[j].members
                )
    memcpy(match.queues, gathering.queues, gathering.length * sizeof(MatchQueue))
    match.n_queues = gathering.length


cdef void _fill_from_one(Match* match, QueueSet* queues) noexcept:
    """The same where one set has all the groups: nothing to gather."""
    cdef void** members = match.plain + match.n_plain
    cdef MatchQueue* queue
    cdef uint32_t i
    for i in range(queues.length):
        queue = &match.queues[i]
        queue.members = members
        queue.length = 0
        queue.name_len = queues.groups[i].name_len
        _take_members(queue, &queues.groups[i].members)
        members += queue.length
    match.n_queues = queues.length


cdef Match* match_build(Hits* hits, const char* subject, size_t subject_len) except NULL:
    cdef Gathering gathering
    cdef QueueSet* queues = NULL
    cdef size_t n_plain = 0
    cdef size_t n_members = 0
    cdef size_t n_groups = 0
    cdef int n_sets = 0  # with groups
    cdef SubSet* subs
    cdef uint32_t i, j
    for i in range(hits.length):
        subs = hits.sets[i]
        n_plain += subs.plain.length
        if subs.queues != NULL:
            queues = subs.queues
            n_sets += 1
            n_groups += queues.length
            for j in range(queues.length):
                n_members += queues.groups[j].members.length
    hits.steps += n_plain + n_members
    if n_sets <= 1:
        return _build(hits, subject, subject_len, n_plain, n_members, n_groups, queues, NULL)
    memset(&gathering, 0, sizeof(gathering))
    gathering.mapped = n_groups > GROUP_SCAN_MAX
    gathering.queues = <MatchQueue*>malloc(n_groups * sizeof(MatchQueue))
    if gathering.queues == NULL:
        raise MemoryError()
    try:
        for i in range(hits.length):
            if hits.sets[i].queues != NULL:
                _gather(&gathering, hits.sets[i].queues)
        return _build(
            hits, subject, subject_len, n_plain, n_members, gathering.length, NULL, &gathering
        )
    finally:
        hits.steps += gathering.compared
        bytemap_free(&gathering.places)
        free(gathering.queues)


cdef Match* _build(
    Hits* hits, const char* subject, size_t subject_len, size_t n_plain, size_t n_members,
    size_t n_queues, QueueSet* only, Gathering* gathering
) except NULL:
    # One allocation: Match, pointers, queue headers, subject.
    cdef size_t pointers = (n_plain + n_members) * sizeof(void*)
    cdef char* block = <char*>malloc(
        sizeof(Match) + pointers + n_queues * sizeof(MatchQueue) + subject_len
    )
    if block == NULL:
        raise MemoryError()
    count_made(MATCHES)
    cdef Match* match = <Match*>block
    match.plain = <void**>(block + sizeof(Match))
    match.queues = <MatchQueue*>(block + sizeof(Match) + pointers)
    match.subject = block + sizeof(Match) + pointers + n_queues * sizeof(MatchQueue)
    match.subject_len = <uint32_t>subject_len
    memcpy(match.subject, subject, subject_len)
    match.n_plain = 0
    match.n_queues = 0
    match.weight = <uint32_t>(n_plain + n_members)
    match.references = 1
    match.valid = True

    cdef void** items
    cdef uint32_t i, j
    for i in range(hits.length):
        items = array_items(&hits.sets[i].plain)
        for j in range(hits.sets[i].plain.length):
            match.plain[match.n_plain] = items[j]
            match.n_plain += 1
            Py_INCREF(<Subscription>items[j])
    if gathering != NULL:
        _fill_groups(match, gathering, hits)
    elif only != NULL:
        _fill_from_one(match, only)
    for i in range(match.n_queues):  # a name that lives as long as the match: its first member's
        match.queues[i].name = (<Subscription>match.queues[i].members[0]).c_queue()
    return match


cdef void match_release(Match* match) noexcept:
    must(match.references > 0, b"a released match has a holder")
    match.references -= 1
    if match.references:
        return
    count_gone(MATCHES)
    cdef uint32_t i, j
    for i in range(match.n_plain):
        Py_DECREF(<Subscription>match.plain[i])
    for i in range(match.n_queues):
        for j in range(match.queues[i].length):
            Py_DECREF(<Subscription>match.queues[i].members[j])
    free(match)
