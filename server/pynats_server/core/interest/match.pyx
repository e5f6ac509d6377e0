"""See match.pxd."""
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from pynats_server.core.interest.groups cimport QueueGroup, SubArray, array_items, find_group, set_is_empty
from pynats_server.core.interest.subscription cimport Subscription
from pynats_server.core.ledger cimport MATCHES, count_gone, count_made, must


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


cdef bint _in_sets(Hits* hits, uint32_t before, QueueGroup* group) noexcept:
    """Whether one of the first `before` sets has a group of the same name."""
    cdef uint32_t i
    for i in range(before):
        if find_group(hits.sets[i].queues, group.name, group.name_len) != NULL:
            return True
    return False


cdef void _take_members(MatchQueue* queue, SubArray* members) noexcept:
    cdef void** items = array_items(members)
    cdef uint32_t i
    for i in range(members.length):
        queue.members[queue.length + i] = items[i]
        Py_INCREF(<Subscription>items[i])
    queue.length += members.length


cdef Match* match_build(Hits* hits, const char* subject, size_t subject_len) except NULL:
    # One allocation: Match, pointers, queue headers, names, subject.
    cdef uint32_t i, j, k
    cdef uint32_t n_plain = 0
    cdef uint32_t n_members = 0
    cdef uint32_t n_groups = 0
    cdef size_t names = 0
    cdef SubSet* subs
    for i in range(hits.length):
        subs = hits.sets[i]
        n_plain += subs.plain.length
        if subs.queues != NULL:
            n_groups += subs.queues.length
            for j in range(subs.queues.length):
                n_members += subs.queues.groups[j].members.length
                names += subs.queues.groups[j].name_len

    cdef size_t pointers = (n_plain + n_members) * sizeof(void*)
    cdef char* block = <char*>malloc(
        sizeof(Match) + pointers + n_groups * sizeof(MatchQueue) + names + subject_len
    )
    if block == NULL:
        raise MemoryError()
    count_made(MATCHES)
    cdef Match* match = <Match*>block
    match.plain = <void**>(block + sizeof(Match))
    match.queues = <MatchQueue*>(block + sizeof(Match) + pointers)
    cdef char* text = block + sizeof(Match) + pointers + n_groups * sizeof(MatchQueue)
    match.subject = text
    match.subject_len = <uint32_t>subject_len
    memcpy(text, subject, subject_len)
    text += subject_len
    match.n_plain = 0
    match.n_queues = 0
    match.references = 1
    match.valid = True

    cdef void** items
    cdef void** members = match.plain + n_plain
    cdef MatchQueue* queue
    cdef QueueGroup* group
    cdef QueueGroup* same
    for i in range(hits.length):
        subs = hits.sets[i]
        items = array_items(&subs.plain)
        for j in range(subs.plain.length):
            match.plain[match.n_plain] = items[j]
            match.n_plain += 1
            Py_INCREF(<Subscription>items[j])
        if subs.queues == NULL:
            continue
        for j in range(subs.queues.length):
            group = &subs.queues.groups[j]
            if _in_sets(hits, i, group):
                continue
            queue = &match.queues[match.n_queues]
            match.n_queues += 1
            queue.members = members
            queue.length = 0
            queue.name = text
            queue.name_len = group.name_len
            memcpy(text, group.name, group.name_len)
            text += group.name_len
            for k in range(i, hits.length):
                same = find_group(hits.sets[k].queues, group.name, group.name_len)
                if same != NULL:
                    _take_members(queue, &same.members)
            members += queue.length
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
