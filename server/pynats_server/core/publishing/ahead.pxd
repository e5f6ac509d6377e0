"""Publishes that were parsed before their turn: their look-ups miss the cache together instead of
one after the other. They are found in steps, each for all of them, which prefetch what the next
step reads; before each is published, `ahead_settle` drops what an earlier one has made untrue."""
from libc.stdint cimport uint32_t, uint64_t

from pynats_server.core.engine cimport Routing
from pynats_server.core.interest.mapping cimport Mapper
from pynats_server.core.interest.match cimport Match, match_release, match_retain
from pynats_server.core.interest.sublist cimport Sublist
from pynats_server.core.protocol.wire cimport Frame


cdef struct Ahead:
    Frame frame
    Match* match  # owned; NULL = look it up
    bint keep  # the match becomes cached
    const char* subject  # of what it is mapped to, if it is
    uint32_t subject_len
    bint named  # it is mapped, for which nothing else is to be looked at
    void* only  # the one subscription that it reaches, without a match, as long as nothing changes
    uint32_t hash  # of that subject


# Where a message goes: `subject`, `hash`, `named`. False = that has to be looked at in its turn, as
# what is drawn, lost, or not `simple` (mapped, and something else has to be looked at, too).
cdef bint ahead_name(Ahead* item, Mapper mapper, bint simple) except -1
# Whom `count` messages reach.
cdef int ahead_find(Ahead* found, int count, Sublist sublist) except -1
# Lets receivers know that do something ahead themselves.
cdef int ahead_foresee(Ahead* found, int count) except -1
cdef void ahead_release(Ahead* found, int count) noexcept


cdef inline int ahead_settle(
    Ahead* item, Sublist sublist, uint64_t stamp, Routing* routing
) except -1:
    """Its turn has come: `match` and `only` are what still holds, NULL otherwise. `stamp` is that
    of the list when it was found."""
    cdef uint64_t steps
    if item.match != NULL:
        if sublist.is_current(item.match):
            sublist.matches += 1
            sublist.cache_hits += 1
        else:
            ahead_release(item, 1)
            item.only = NULL
    elif item.keep:
        steps = sublist.steps
        item.match = sublist.match(item.subject, item.subject_len)
        match_retain(item.match)
        routing.steps += sublist.steps - steps
    elif item.only != NULL:
        if sublist.stamp() == stamp:
            sublist.matches += 1
        else:
            item.only = NULL
    return 0
