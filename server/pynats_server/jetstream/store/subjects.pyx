"""Per-subject state in a tree that answers wildcard filters without visiting every subject.

A crit-bit (binary Patricia) tree over the subject's bytes: one 24-byte branch and one leaf with
the key inline per subject, no rebalancing, ordered, and every branch knows up to which byte the
keys below it agree, so a filter prunes whole subtrees. A table of recently used leaves,
which grows with the tree, answers most literal look-ups without descending: one line of the CPU's
cache has all leaves that a hash may lead to. It forgets when it grows, so growing takes no time.

Every subject has a small number, its id, by which it is found and under which others note things
of it. It is given out again when the subject has gone.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memchr, memcmp, memcpy, memmove, memset

from pynats_server.core.memory.bytemap cimport bytemap_hash

cdef enum:
    RECENT_MIN = 8           # buckets of recently used leaves: most streams have few subjects
    RECENT_MAX = 1 << 19     # 32 MiB: for some 3 million subjects
    RING_MAX = 1024      # sequences kept for one subject; more are found by scanning

cdef bint subject_matches(const uint8_t *f, size_t fn, const uint8_t *s, size_t sn) noexcept nogil:
    """Whether filter `f` ('*' one token, '>' the rest) covers the literal subject `s`."""
    cdef size_t i = 0, j = 0
    while i < fn:
        if f[i] == 62 and i + 1 == fn and (i == 0 or f[i - 1] == 46):
            return j < sn
        if j >= sn:
            return False
        if f[i] == 42 and (i == 0 or f[i - 1] == 46) and (i + 1 == fn or f[i + 1] == 46):
            if s[j] == 46:
                return False
            while j < sn and s[j] != 46:
                j += 1
            i += 1
            continue
        if f[i] != s[j]:
            return False
        i += 1
        j += 1
    return j == sn


cdef void ring_push(Leaf *leaf, uint64_t seq) noexcept nogil:
    """Append to a leaf's ring, made when there is none. A ring that grew too large, or finds no
    memory, is dropped: then the sequences are found by scanning."""
    cdef SeqRing *ring = leaf.ring
    cdef SeqRing *grown
    cdef uint32_t room
    if ring != NULL and ring.count and ring.head >= ring.count:
        memcpy(ring.seqs, &ring.seqs[ring.head], ring.count * 8)
        ring.head = 0
    if ring == NULL or ring.head + ring.count == ring.room:
        room = 2 if ring == NULL else ring.room * 2
        grown = NULL
        if ring == NULL or ring.count < RING_MAX:
            grown = <SeqRing *>realloc(ring, sizeof(SeqRing) + room * 8)
        if grown == NULL:
            ring_drop(leaf)
            return
        if ring == NULL:
            grown.head = grown.count = 0
        grown.room = room
        leaf.ring = ring = grown
    ring.seqs[ring.head + ring.count] = seq
    ring.count += 1


cdef void ring_unshift(Leaf *leaf, uint64_t seq) noexcept nogil:
    """Put back, at the front, what `ring_take` took from there; dropped when there is no room."""
    cdef SeqRing *ring = leaf.ring
    if ring.head == 0 or (ring.count and ring.seqs[ring.head] < seq):
        ring_drop(leaf)
        return
    ring.head -= 1
    ring.count += 1
    ring.seqs[ring.head] = seq


cdef void ring_take(Leaf *leaf, uint64_t seq) noexcept nogil:
    """Take a removed sequence out."""
    cdef SeqRing *ring = leaf.ring
    cdef uint32_t i = ring.head, end = ring.head + ring.count
    while i < end and ring.seqs[i] != seq:
        i += 1
    if i == end:
        return
    ring.count -= 1
    if i == ring.head:
        ring.head += 1
    else:
        memmove(&ring.seqs[i], &ring.seqs[i + 1], (end - i - 1) * 8)


cdef void ring_drop(Leaf *leaf) noexcept nogil:
    free(leaf.ring)
    leaf.ring = NULL


cdef class SubjectTree:
    def __cinit__(self):
        self.root = NULL
        self.size = 0
        self.free_id = NOBODY
        if not self.widen(RECENT_MIN):
            raise MemoryError

    def __dealloc__(self):
        self.free_all()
        free(self.recent_block)
        free(self.given)

    def clear(self):
        """Forget every subject. Other threads may run meanwhile."""
        with nogil:
            self.free_all()

    cdef void free_all(self) noexcept nogil:
        cdef void *p = self.root
        cdef Branch *b
        if p == NULL:
            return
        # Rotate left children up so that freeing needs no stack, however deep the tree.
        while is_branch(p):
            b = branch_of(p)
            if is_branch(b.child[0]):
                p = b.child[0]
                b.child[0] = branch_of(p).child[1]
                branch_of(p).child[1] = <void *>(<uintptr_t>b + 1)
            else:
                ring_drop(<Leaf *>b.child[0])
                free(b.child[0])
                p = b.child[1]
                free(b)
        ring_drop(<Leaf *>p)
        free(p)
        free(self.named)
        self.named = NULL
        self.named_room = self.ids = 0
        self.free_id = NOBODY
        self.gave += GIVEN + 1
        self.root = NULL
        self.size = 0
        self.memory_bytes = (<size_t>self.recent_mask + 1) * WAYS * 8
        memset(self.recent, 0, (<size_t>self.recent_mask + 1) * WAYS * 8)

    cdef bint widen(self, uint32_t buckets) noexcept:
        """So many places for recently used leaves, as there are more of them. They are found again
        as they are used; without memory it stays as it is."""
        cdef size_t size = <size_t>buckets * WAYS * 8
        cdef void *wider = calloc(1, size + 64)
        if wider == NULL:
            return False
        if self.recent_block != NULL:
            free(self.recent_block)
            self.memory_bytes -= (<uint64_t>self.recent_mask + 1) * WAYS * 8
        self.memory_bytes += size
        self.recent_block, self.recent_mask = wider, buckets - 1
        self.recent = <uint64_t *>((<uintptr_t>wider + 63) & ~<uintptr_t>63)
        return True

    cdef int name(self, Leaf *leaf) except -1:
        """Give a new subject its id."""
        cdef uint32_t id = self.free_id, room
        cdef Leaf **grown
        if id != NOBODY:
            self.free_id = <uint32_t>(<uintptr_t>self.named[id] >> 1)
        else:
            if self.ids == self.named_room:
                room = self.named_room + self.named_room // 2 + 16
                if room <= self.ids or room >= NOBODY:
                    raise MemoryError
                grown = <Leaf **>realloc(self.named, room * sizeof(Leaf *))
                if grown == NULL:
                    raise MemoryError
                self.memory_bytes += (room - self.named_room) * sizeof(Leaf *)
                self.named, self.named_room = grown, room
            id = self.ids
            self.ids += 1
        leaf.id = id
        self.named[id] = leaf
        if self.given != NULL:
            self.given[self.gave % GIVEN] = id
        self.gave += 1
        return 0

    cdef void unname(self, Leaf *leaf) noexcept:
        self.named[leaf.id] = <Leaf *>((<uintptr_t>self.free_id << 1) | 1)
        self.free_id = leaf.id

    cdef int keep_given(self) except -1:
        """Remember from now on which ids are given out."""
        if self.given == NULL:
            self.given = <uint32_t *>malloc(GIVEN * sizeof(uint32_t))
            if self.given == NULL:
                raise MemoryError
        return 0

    cdef Leaf *get(self, const uint8_t *key, size_t n) noexcept nogil:
        cdef uint32_t hash = bytemap_hash(<const char *>key, n)
        cdef Leaf *leaf = self.recall(key, n, hash)
        if leaf != NULL:
            return leaf
        leaf = self.nearest(key, n)
        if leaf != NULL and leaf.size == n and memcmp(leaf.key, key, n) == 0:
            self.remember(leaf, hash)
            return leaf
        return NULL

    cdef Leaf *recall(self, const uint8_t *key, size_t n, uint32_t hash) noexcept nogil:
        """The leaf of a key, if it is among those recently used."""
        cdef uint64_t *bucket = &self.recent[(hash & self.recent_mask) * WAYS]
        cdef uint64_t tag = tag_of(hash)
        cdef Leaf *leaf
        cdef int i
        for i in range(WAYS):
            if (bucket[i] ^ tag) >> 48 == 0 and bucket[i]:
                leaf = leaf_of(bucket[i])
                if leaf.size == n and memcmp(leaf.key, key, n) == 0:
                    return leaf
        return NULL

    cdef void remember(self, Leaf *leaf, uint32_t hash) noexcept nogil:
        """Note a leaf that is not in its bucket, if need be in the place of another one."""
        cdef uint64_t *bucket = &self.recent[(hash & self.recent_mask) * WAYS]
        cdef int i, at = (hash >> 13) & (WAYS - 1)
        for i in range(WAYS):
            if bucket[i] == 0:
                at = i
                break
        bucket[at] = <uint64_t><uintptr_t>leaf | tag_of(hash)

    cdef Leaf *nearest(self, const uint8_t *key, size_t n) noexcept nogil:
        """The leaf of a key, or one that shares with it as much as any; NULL in an empty tree."""
        cdef void *p = self.root
        if p == NULL:
            return NULL
        while is_branch(p):
            p = branch_of(p).child[side(branch_of(p), key, n)]
        return <Leaf *>p

    cdef Leaf *get_or_add(self, const uint8_t *key, size_t n) except NULL:
        cdef uint32_t hash = bytemap_hash(<const char *>key, n)
        cdef Leaf *leaf = self.recall(key, n, hash)
        cdef Leaf *near
        cdef Branch *b
        cdef void **where
        cdef size_t at = 0
        cdef uint8_t differ, c
        cdef int way
        if leaf != NULL:
            return leaf
        near = self.nearest(key, n)
        if near != NULL and near.size == n and memcmp(near.key, key, n) == 0:
            self.remember(near, hash)
            return near
        if n == 0 or n > 65535:
            raise ValueError("a subject has 1 to 65535 bytes")
        if memchr(key, 0, n) != NULL:
            raise ValueError("a subject holds no NUL")
        leaf = <Leaf *>malloc(sizeof(Leaf) + n)
        if leaf == NULL:
            raise MemoryError
        leaf.first = leaf.last = leaf.total = 0
        leaf.flags = 0
        leaf.ring = NULL
        leaf.size = <uint16_t>n
        memcpy(leaf.key, key, n)
        try:
            self.name(leaf)
        except MemoryError:
            free(leaf)
            raise
        self.memory_bytes += sizeof(Leaf) + n
        if near == NULL:
            self.root = leaf
            self.size = 1
            self.remember(leaf, hash)
            return leaf
        while at < n and at < near.size and near.key[at] == key[at]:
            at += 1
        differ = (key[at] if at < n else 0) ^ (near.key[at] if at < near.size else 0)
        while differ & (differ - 1):
            differ &= differ - 1
        b = <Branch *>malloc(sizeof(Branch))
        if b == NULL:
            self.unname(leaf)
            self.memory_bytes -= sizeof(Leaf) + n
            free(leaf)
            raise MemoryError
        self.memory_bytes += sizeof(Branch)
        b.byte = <uint32_t>at
        b.mask = 255 ^ differ
        way = side(b, key, n)
        where = &self.root
        while is_branch(where[0]):
            if branch_of(where[0]).byte > at:
                break
            if branch_of(where[0]).byte == at and branch_of(where[0]).mask > b.mask:
                break
            where = &branch_of(where[0]).child[side(branch_of(where[0]), key, n)]
        b.child[way] = leaf
        b.child[1 - way] = where[0]
        where[0] = <void *>(<uintptr_t>b + 1)
        self.size += 1
        # A quarter of the places is free: then few of a bucket drive each other out.
        if self.size * 4 > <uint64_t>(self.recent_mask + 1) * WAYS * 3:
            if self.recent_mask < RECENT_MAX - 1:
                self.widen((self.recent_mask + 1) * 2)
        self.remember(leaf, hash)
        return leaf

    cdef bint drop(self, const uint8_t *key, size_t n) noexcept:
        cdef void **where = &self.root
        cdef void **above = NULL
        cdef Branch *b
        cdef Leaf *leaf
        cdef uint32_t hash = bytemap_hash(<const char *>key, n)
        cdef uint64_t *bucket = &self.recent[(hash & self.recent_mask) * WAYS]
        cdef int i, way = 0
        if self.root == NULL:
            return False
        while is_branch(where[0]):
            above = where
            way = side(branch_of(where[0]), key, n)
            where = &branch_of(where[0]).child[way]
        leaf = <Leaf *>where[0]
        if leaf.size != n or memcmp(leaf.key, key, n) != 0:
            return False
        for i in range(WAYS):
            if leaf_of(bucket[i]) == leaf:
                bucket[i] = 0
        self.memory_bytes -= sizeof(Leaf) + n
        self.size -= 1
        if above == NULL:
            self.root = NULL
        else:
            b = branch_of(above[0])
            above[0] = b.child[1 - way]
            self.memory_bytes -= sizeof(Branch)
            free(b)
        self.unname(leaf)
        ring_drop(leaf)
        free(leaf)
        return True

    cdef Leaf **leaves(self) except? NULL:
        """Every leaf in byte order, `size` of them; the caller frees the array."""
        cdef Leaf **found
        cdef void **stack = NULL
        cdef void **grown
        cdef void *p
        cdef size_t top = 0, room = 0
        cdef uint64_t filled = 0
        if self.root == NULL:
            return NULL
        found = <Leaf **>malloc(self.size * sizeof(void *))
        p = self.root
        while found != NULL:
            while is_branch(p):
                if top == room:
                    room = room * 2 if room else 256
                    grown = <void **>realloc(stack, room * sizeof(void *))
                    if grown == NULL:
                        free(found)
                        free(stack)
                        raise MemoryError
                    stack = grown
                stack[top] = branch_of(p).child[1]
                top += 1
                p = branch_of(p).child[0]
            found[filled] = <Leaf *>p
            filled += 1
            if top == 0:
                free(stack)
                return found
            top -= 1
            p = stack[top]
        raise MemoryError

    def part(self):
        """Another tree with everything that this one held, which is empty now."""
        cdef SubjectTree made = SubjectTree()
        self.root, made.root = made.root, self.root
        self.recent, made.recent = made.recent, self.recent
        self.recent_mask, made.recent_mask = made.recent_mask, self.recent_mask
        self.recent_block, made.recent_block = made.recent_block, self.recent_block
        self.size, made.size = made.size, self.size
        self.memory_bytes, made.memory_bytes = made.memory_bytes, self.memory_bytes
        self.named, made.named = made.named, self.named
        self.named_room, made.named_room = made.named_room, self.named_room
        self.ids, made.ids = made.ids, self.ids
        self.free_id, made.free_id = made.free_id, self.free_id
        self.gave += GIVEN + 1
        return made

    # Python's view: subject -> (total, first, last).

    def set(self, bytes subject, total, first, last):
        """Store the state of one subject."""
        cdef Leaf *leaf = self.get_or_add(<const uint8_t *>subject, len(subject))
        leaf.total, leaf.first, leaf.last = total, first, last

    def find(self, bytes subject):
        """(total, first, last) of a literal subject, or None."""
        cdef Leaf *leaf = self.get(<const uint8_t *>subject, len(subject))
        return None if leaf == NULL else (leaf.total, leaf.first, leaf.last)

    def delete(self, bytes subject):
        """Forget one subject; True when it was known."""
        return self.drop(<const uint8_t *>subject, len(subject))

    def __len__(self):
        return self.size


def matches(bytes filter, bytes subject):
    """Whether a filter with `*` and `>` covers a literal subject."""
    return subject_matches(<const uint8_t *>filter, len(filter),
                           <const uint8_t *>subject, len(subject))
