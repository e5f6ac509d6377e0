"""See ahead.pxd."""
from pynats_server.core.interest.mapping cimport KnownName
from pynats_server.core.interest.subscription cimport Subscription
from pynats_server.core.native cimport prefetch


cdef bint ahead_name(Ahead* item, Mapper mapper, bint simple) except -1:
    cdef KnownName* known = mapper.steady(item.subject, item.subject_len, item.hash)
    if known == NULL:
        return False
    if known.length == 0:
        return True
    if not simple:
        return False
    item.named = True
    item.subject = known.text
    item.subject_len = known.length
    item.hash = known.hash
    return True


cdef int ahead_find(Ahead* found, int count, Sublist sublist) except -1:
    cdef Ahead* item
    cdef int i
    for i in range(count):
        sublist.prefetch_match(found[i].hash)
    for i in range(count):
        item = &found[i]
        item.match = sublist.find(item.subject, item.subject_len, item.hash)
        item.only = NULL
        item.keep = False
        if item.match != NULL:
            match_retain(item.match)
            if item.match.n_plain:
                item.only = item.match.plain[0]
                prefetch(item.only)
                prefetch(<char*>item.only + 64)
        elif sublist.keeps_next():
            item.keep = True
        elif not sublist.only(item.subject, item.subject_len, &item.only):
            item.only = NULL
    return 0


cdef int ahead_foresee(Ahead* found, int count) except -1:
    cdef Subscription sub
    cdef bint foreseen = False
    cdef int i
    for i in range(count):
        if found[i].only != NULL:
            sub = <Subscription>found[i].only
            prefetch(sub.text)
            if sub.sink is not None and sub.sink.foresees:
                sub.sink.foresee(found[i].hash, 0)
                foreseen = True
    if not foreseen:
        return 0
    for i in range(count):
        if found[i].only != NULL:
            sub = <Subscription>found[i].only
            if sub.sink is not None and sub.sink.foresees:
                sub.sink.foresee(found[i].hash, 1)
    return 0


cdef void ahead_release(Ahead* found, int count) noexcept:
    cdef int i
    for i in range(count):
        if found[i].match != NULL:
            match_release(found[i].match)
            found[i].match = NULL
