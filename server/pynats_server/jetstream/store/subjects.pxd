from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t

from pynats_server.core.native cimport prefetch


cdef struct SeqRing:
    uint32_t room, head, count
    uint64_t seqs[1]


cdef struct Leaf:
    SeqRing *ring       # every live sequence in order when not NULL (per-subject limits use it)
    uint64_t first      # lowest live sequence, or a lower bound while FIRST_STALE is set
    uint64_t last       # highest live sequence, or an upper bound while LAST_STALE is set
    uint64_t total
    uint32_t id         # its own among those that live; it is given out again
    uint16_t size
    uint8_t flags
    uint8_t key[1]


cdef struct Branch:
    void *child[2]
    uint32_t byte
    uint8_t mask     # every bit set except the one that decides


cdef inline bint is_branch(void *p) noexcept nogil:
    return (<uintptr_t>p) & 1

cdef inline Branch *branch_of(void *p) noexcept nogil:
    return <Branch *>((<uintptr_t>p) - 1)

cdef inline int side(Branch *b, const uint8_t *key, size_t n) noexcept nogil:
    cdef uint8_t c = key[b.byte] if b.byte < n else 0
    return (1 + (b.mask | c)) >> 8


cdef inline Leaf *leaf_of(uint64_t entry) noexcept nogil:
    return <Leaf *><uintptr_t>((entry << 16) >> 16)

cdef inline uint64_t tag_of(uint32_t hash) noexcept nogil:
    return <uint64_t>(hash >> 16) << 48


cdef enum:
    FIRST_STALE = 1
    LAST_STALE = 2
    GIVEN = 4096        # ids whose giving out is remembered
    WAYS = 8            # recently used leaves in a bucket, which is one line of the CPU's cache

cdef extern from *:
    """
    #define NOBODYS_ID 0xFFFFFFFFu
    """
    const uint32_t NOBODY "NOBODYS_ID"


cdef bint subject_matches(const uint8_t *f, size_t fn, const uint8_t *s, size_t sn) noexcept nogil


cdef void ring_push(Leaf *leaf, uint64_t seq) noexcept nogil
cdef void ring_unshift(Leaf *leaf, uint64_t seq) noexcept nogil
cdef void ring_take(Leaf *leaf, uint64_t seq) noexcept nogil
cdef void ring_drop(Leaf *leaf) noexcept nogil


cdef class SubjectTree:
    cdef void *root
    cdef uint64_t *recent      # buckets of `WAYS` leaves; the high 16 bits are the hash's
    cdef uint32_t recent_mask  # of the buckets
    cdef void *recent_block    # what `recent` lies in
    cdef readonly uint64_t size
    cdef readonly uint64_t memory_bytes
    cdef Leaf **named          # by id; a free one has the next free id, shifted, and a low 1
    cdef readonly uint32_t ids # so many were in use at once
    cdef uint32_t named_room, free_id
    cdef uint32_t *given       # the last `GIVEN` ids given out, if somebody wants to know
    cdef uint64_t gave         # how many were given out

    cdef Leaf *recall(self, const uint8_t *key, size_t n, uint32_t hash) noexcept nogil
    cdef void remember(self, Leaf *leaf, uint32_t hash) noexcept nogil
    cdef Leaf *nearest(self, const uint8_t *key, size_t n) noexcept nogil
    cdef bint widen(self, uint32_t buckets) noexcept
    cdef int name(self, Leaf *leaf) except -1
    cdef void unname(self, Leaf *leaf) noexcept
    cdef int keep_given(self) except -1
    cdef Leaf *get(self, const uint8_t *key, size_t n) noexcept nogil
    cdef Leaf *get_or_add(self, const uint8_t *key, size_t n) except NULL
    cdef bint drop(self, const uint8_t *key, size_t n) noexcept
    cdef Leaf **leaves(self) except? NULL
    cdef void free_all(self) noexcept nogil

    # Two steps ahead of `get` for many subjects: fetch the bucket, then the leaf.
    cdef inline void prefetch_bucket(self, uint32_t hash) noexcept nogil:
        prefetch(&self.recent[(hash & self.recent_mask) * WAYS])

    cdef inline void prefetch_leaf(self, uint32_t hash) noexcept nogil:
        cdef uint64_t *bucket = &self.recent[(hash & self.recent_mask) * WAYS]
        cdef uint64_t tag = tag_of(hash)
        cdef int i
        for i in range(WAYS):
            if (bucket[i] ^ tag) >> 48 == 0 and bucket[i]:
                prefetch(leaf_of(bucket[i]))
                prefetch(<char *>leaf_of(bucket[i]) + 64)
                return
