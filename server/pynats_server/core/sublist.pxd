"""Subscriptions of one account, and who gets a published subject.

Literal subjects live in a hash map, wildcard subjects in a token trie, so a literal costs one look-up
however many there are, and the trie holds only what needs walking. The flattened answer for a subject
is a `Match`, kept in a bounded cache. Adding or removing a literal invalidates only the match of that
subject; a wildcard changes the generation and so invalidates all.

Lifetimes: a Match holds references on its subscriptions and is itself counted. Whoever walks one
while callbacks may run takes a count first (`match_retain`).
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from pynats_server.core.bytemap cimport ByteMap, bytemap_prefetch, bytemap_prefetch_entry
from pynats_server.core.figures cimport Counted


cdef struct Message:
    # Header block and body are contiguous; two more bytes behind them hold CRLF.
    const char* subject
    const char* reply
    const char* payload
    uint32_t subject_len
    uint32_t reply_len
    uint32_t header_len
    uint32_t total_len  # headers + body, without the final CRLF
    bint borrowed  # payload lies in the engine's read chunk: deliveries may refer to it


cdef class Sink(Counted):
    """What a subscription delivers to: a connection, or a part of the server."""
    # Returns 1 when the message was taken, 0 when not (closed, filtered, auto-unsubscribed).
    cdef int deliver(self, Subscription sub, Message* msg, Sink source) except -1
    cdef bint skip_own  # do not deliver to the sink that published (echo: false)


cdef class Subscription:
    cdef Sink sink
    cdef char* text  # subject, sid and queue name in one block, with blanks around the sid
    cdef uint32_t subject_len
    cdef uint32_t sid_len
    cdef uint32_t queue_len
    cdef uint32_t index  # place in the set that holds it
    cdef readonly uint64_t delivered
    cdef readonly uint64_t max  # 0 = no limit
    cdef bint closed
    cdef bint wildcard
    cdef bint filtered  # overlaps a deny rule: check each delivery

    cdef inline const char* c_subject(self) noexcept nogil:
        return self.text

    cdef inline const char* c_sid(self) noexcept nogil:
        return self.text + self.subject_len + 1

    cdef inline const char* c_queue(self) noexcept nogil:
        return self.text + self.subject_len + self.sid_len + 2

    # The sid between blanks, as it stands in a delivery: sid_len + 2 bytes.
    cdef inline const char* c_sid_field(self) noexcept nogil:
        return self.text + self.subject_len


cdef Subscription new_subscription(
    Sink sink,
    const char* subject, size_t subject_len,
    const char* queue, size_t queue_len,
    const char* sid, size_t sid_len,
)

cdef struct SubArray:
    # capacity 0: `items` itself is the only item (most subjects have one subscriber).
    void** items
    uint32_t length
    uint32_t capacity

cdef struct QueueGroup:
    char* name
    uint32_t name_len
    SubArray members

cdef struct QueueSet:
    QueueGroup* groups
    uint32_t length
    ByteMap places  # name -> place + 1; only beyond QUEUE_SCAN_MAX groups

cdef struct SubSet:
    SubArray plain
    QueueSet* queues  # NULL = none, the usual case

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

cdef struct MatchQueue:
    void** members
    uint32_t length
    const char* name
    uint32_t name_len

cdef struct Match:
    void** plain
    MatchQueue* queues
    char* subject
    uint64_t generation
    uint32_t subject_len
    uint32_t n_plain
    uint32_t n_queues
    uint32_t references
    bint valid


cdef void match_release(Match* match) noexcept

cdef inline void match_retain(Match* match) noexcept:
    match.references += 1


cdef class Sublist:
    cdef ByteMap literals
    cdef ByteMap cache
    cdef Node* root
    cdef uint64_t cache_weight
    cdef readonly uint64_t generation
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
    # Borrowed: valid until the next change of the sublist or the next call of match.
    cdef Match* match(self, const char* subject, size_t length) except NULL
    # The cached match, if it is there and current, else NULL. `hash` is bytemap_hash(subject).
    cdef Match* find(self, const char* subject, size_t length, uint32_t hash) noexcept
    # As `match` for a subject that will hardly come again, past the cache. Owned by the caller.
    cdef Match* match_once(self, const char* subject, size_t length) except NULL
    # Whether any subscription matches, without building or caching a Match.
    cdef bint has_match(self, const char* subject, size_t length) noexcept

    cdef int _insert_literal(self, const char* p, size_t n, Subscription sub) except -1
    cdef Match* _collect(self, const char* subject, size_t length) except NULL
    cdef int _invalidate(self, const char* p, size_t n) except -1
    cdef void _drop_cache(self) noexcept

    # What `find` will read: call the first for many subjects, then the second, then find.
    cdef inline void prefetch_slot(self, uint32_t hash) noexcept:
        bytemap_prefetch(&self.cache, hash)

    cdef inline void prefetch_match(self, uint32_t hash) noexcept:
        bytemap_prefetch_entry(&self.cache, hash)

    cdef inline bint is_current(self, Match* match) noexcept:
        return match.valid and match.generation == self.generation
