"""Subscriptions of one account, and who gets a published subject.

Literal subjects live in a hash map, wildcard subjects in a token trie, so a literal costs one look-up
however many there are, and the trie holds only what needs walking. The flattened answer for a subject
is a `Match`, kept in a bounded cache. Adding or removing a literal invalidates only the match of that
subject. A wildcard changes the generation, which puts all in doubt: a match that is asked for again is
built anew, or kept where none of the few wildcards that changed since concerns its subject.

With more subjects than the cache has places, most look-ups would build a match, put it in the place
of another one and never see it again. So once it is full, most subjects that are not in it and reach
one subscription at most, as those of a bucket's keys do, are looked up without a match (`only`), and
one in `KEPT_SHARE` gets a place: what comes often has one before long.

What is done grows with what is found; `steps` counts it, so that callers can share out their time.
"""
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp

from pynats_server.core.interest.groups cimport SubSet
from pynats_server.core.interest.match cimport Match
from pynats_server.core.interest.subscription cimport Subscription
from pynats_server.core.memory.bytemap cimport ByteMap, bytemap_prefetch, bytemap_prefetch_entry


cdef enum:
    # Changes of wildcards that are remembered, to be compared with subjects that are in doubt.
    CHANGES_KEPT = 64
    # Of so many look-ups that miss the full cache one gets a place in it.
    KEPT_SHARE = 16

cdef struct Shortcut:
    # A sink that takes everything below a prefix, mostly subjects that never come again.
    void* sub  # its Subscription, to `prefix` and ">"
    size_t length  # of the prefix, the dot at its end included
    uint64_t generation  # for which `alone` holds
    bint alone  # no other pattern reaches what is below the prefix

cdef struct Literal:
    SubSet subs
    uint32_t length
    char* subject

cdef struct Node:
    SubSet subs
    ByteMap children
    Node* star
    Node* gt
    char* token
    uint32_t token_len


cdef class Observer:
    """Hears of every subscription of a list to a literal subject."""
    # It has been added, or removed.
    cdef int changed(self, Subscription sub) except -1


cdef class Sublist:
    cdef ByteMap literals
    cdef ByteMap cache
    cdef Node* root
    cdef uint64_t cache_weight  # subscribers in all cached matches
    cdef uint32_t evict_at  # slot of the cache where room is made next
    cdef uint32_t passed_by  # look-ups past the full cache
    cdef Observer observer  # or None
    cdef Shortcut* shortcuts
    cdef uint32_t n_shortcuts
    cdef void* changed[CHANGES_KEPT]  # wildcard Subscription by generation, owned references
    cdef readonly uint64_t generation  # wildcards added, removed or touched so far
    cdef readonly uint64_t steps  # taken for matches so far, see Hits
    cdef readonly uint32_t cache_max  # 0 = no cache
    cdef readonly uint64_t count
    cdef readonly uint64_t inserts
    cdef readonly uint64_t removes
    cdef readonly uint64_t matches
    cdef readonly uint64_t cache_hits

    cdef int insert(self, Subscription sub) except -1
    cdef int remove(self, Subscription sub) except -1
    # A subscription changed in a way that shortcuts rely on (its limit): matches are built anew.
    cdef int touch(self, Subscription sub) except -1
    # All subscriptions may have: every match is built anew.
    cdef void touch_all(self) noexcept
    # Borrowed: valid until the next change of the sublist or the next call of match.
    cdef Match* match(self, const char* subject, size_t length) except NULL
    # The cached match, if it is there and current, else NULL. `hash` is bytemap_hash(subject).
    cdef Match* find(self, const char* subject, size_t length, uint32_t hash) noexcept
    # The cached match, current or made so, else NULL. A look-up: `find` and `only` are not.
    cdef Match* cached_match(self, const char* subject, size_t length) noexcept
    # A match that is not cached yet, which it is from now on. Borrowed, as above.
    cdef Match* new_match(self, const char* subject, size_t length) except NULL
    # Whether a match that is not cached should become so, instead of asking `only`.
    cdef inline bint keeps_next(self) noexcept:
        if self.cache.used < self.cache_max:
            return True
        self.passed_by += 1
        return self.passed_by % KEPT_SHARE == 0
    # Whether a subject reaches at most one subscription, which is not in a queue group. It is left
    # in `sub`, borrowed; NULL = nobody gets it.
    cdef bint only(self, const char* subject, size_t length, void** sub) noexcept
    # Another value after each change that a result of `only` could not survive.
    cdef inline uint64_t stamp(self) noexcept:
        return self.inserts + self.removes
    # As `match` for a subject that will hardly come again, past the cache. Owned by the caller.
    cdef Match* match_once(self, const char* subject, size_t length) except NULL
    # Subjects below `prefix`, which ends with a dot, go to the sink of `sub` without a match where
    # nobody else wants them. Only while the list has a subscription to the prefix and ">".
    cdef int add_shortcut(self, Subscription sub) except -1
    cdef void drop_shortcut(self, Subscription sub) noexcept
    # Which shortcut a subject is below, NULL = none. For every message of an account that has some.
    cdef inline Shortcut* shortcut(self, const char* subject, size_t length) noexcept:
        cdef uint32_t i
        cdef Shortcut* found
        for i in range(self.n_shortcuts):
            found = &self.shortcuts[i]
            if length > found.length and subject[0] == (<Subscription>found.sub).text[0]:
                if memcmp(subject, (<Subscription>found.sub).text, found.length) == 0:
                    return found
        return NULL
    # Whether the shortcut's sink is the only one that a subject below it reaches.
    cdef bint is_alone(self, Shortcut* shortcut, const char* subject, size_t length) noexcept

    # Whether any subscription matches, without building or caching a Match.
    cdef bint has_match(self, const char* subject, size_t length) noexcept

    # Whether a single one of the subjects in the list matches all that `subject` (wildcards allowed)
    # matches. For lists of rules.
    cdef bint covers(self, const char* subject, size_t length) noexcept

    cdef int _insert_literal(self, const char* p, size_t n, Subscription sub) except -1
    cdef Match* _collect(self, const char* subject, size_t length) except NULL
    cdef void _change(self, Subscription sub) noexcept
    cdef bint _still_holds(self, Match* match) noexcept
    cdef void _invalidate(self, const char* p, size_t n) noexcept
    cdef void _make_room(self, uint64_t weight) noexcept
    cdef void _drop_cache(self) noexcept

    # What `find` will read: call the first for many subjects, then the second, then find.
    cdef inline void prefetch_slot(self, uint32_t hash) noexcept:
        bytemap_prefetch(&self.cache, hash)

    cdef inline void prefetch_match(self, uint32_t hash) noexcept:
        bytemap_prefetch_entry(&self.cache, hash)

    cdef inline bint is_current(self, Match* match) noexcept:
        return match.valid and (match.generation == self.generation or self._still_holds(match))
