"""All subscriptions of a list, some at a time, for monitoring.

Where it goes on is told by places of hash maps, which may be moved by what comes and goes in between:
then something is left out, or listed twice. So nothing has to be kept for whoever does not come back.
"""
from libc.stdint cimport uint32_t

from pynats_server.core.interest.groups cimport QueueGroup, SubSet, array_items
from pynats_server.core.interest.sublist cimport Literal, Node, Sublist
from pynats_server.core.interest.subscription cimport Subscription

cdef enum:
    LOOKED = 4096  # places that one step looks at; most of them may be empty

cdef struct Listing:
    uint32_t looked
    uint32_t most


cdef int _add_set(SubSet* subs, list found) except -1:
    cdef uint32_t i, j
    cdef QueueGroup* group
    for i in range(subs.plain.length):
        found.append(<Subscription>array_items(&subs.plain)[i])
    if subs.queues != NULL:
        for i in range(subs.queues.length):
            group = &subs.queues.groups[i]
            for j in range(group.members.length):
                found.append(<Subscription>array_items(&group.members)[j])
    return 0


cdef bint _go_on(Node* node, list at, int depth, Listing* listing, list found) except -1:
    """Goes on below a node at the place that `at` says from `depth` on: which child is next. Whether
    that is enough for now; else the node is through, and its place is taken from `at`."""
    cdef Node* child
    cdef uint32_t index
    if len(at) == depth:
        _add_set(&node.subs, found)
        at.append(0)
    index = at[depth]
    while index < node.children.capacity + 2:
        if listing.looked >= LOOKED or <uint32_t>len(found) >= listing.most:
            at[depth] = index
            return True
        listing.looked += 1
        if index == 0:
            child = node.star
        elif index == 1:
            child = node.gt
        else:
            child = <Node*>node.children.slots[index - 2].value
        if child == NULL:
            del at[depth + 1:]
        else:
            at[depth] = index
            if _go_on(child, at, depth + 1, listing, found):
                return True
        index += 1
    at.pop()
    return False


def listed(Sublist sublist not None, tuple place=(), uint32_t most=512) -> tuple:
    """(about `most` of all subscriptions from a place on, the place where the others begin or None
    when there are none). What comes or goes in between may be left out, or listed twice."""
    cdef Listing listing = Listing(0, most)
    cdef Literal* literal
    cdef uint32_t slot
    cdef list at
    found = []
    if not place or place[0] == 0:
        slot = place[1] if place else 0
        while slot < sublist.literals.capacity:
            if listing.looked >= LOOKED or <uint32_t>len(found) >= most:
                return found, (0, slot)
            listing.looked += 1
            literal = <Literal*>sublist.literals.slots[slot].value
            if literal != NULL:
                _add_set(&literal.subs, found)
            slot += 1
        place = (1,)
    at = list(place[1:])
    if _go_on(sublist.root, at, 0, &listing, found):
        return found, (1, *at)
    return found, None
