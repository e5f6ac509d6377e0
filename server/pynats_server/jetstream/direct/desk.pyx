"""See desk.pxd."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy, memset

from pynats_server.core.account cimport route, route_once
from pynats_server.core.limits cimport STEP_BYTES_SHIFT
from pynats_server.core.memory.bytemap cimport bytemap_free, bytemap_get, bytemap_pop, bytemap_put
from pynats_server.jetstream.direct.asking cimport read_asked
from pynats_server.jetstream.store.record cimport HEAD, subject_size, u64
from pynats_server.jetstream.store.subjects cimport (
    FIRST_STALE, LAST_STALE, Leaf, SeqRing, subject_matches,
)

cdef enum:
    NEAR = 128  # records that are looked at for the next one of a filter
    ANSWER_STEPS = 4  # reading a request, finding and building the answer

cdef bytes NOT_FOUND = b"NATS/1.0 404 Message Not Found\r\n\r\n"


cdef inline bint may_be_wild(const char* p, size_t n) noexcept nogil:
    return memchr(p, c'*', n) != NULL or memchr(p, c'>', n) != NULL


cdef inline uint64_t in_ring(SeqRing* ring, uint64_t start) noexcept nogil:
    """The first sequence at or after `start`, which one of them is."""
    cdef uint32_t low = ring.head, high = ring.head + ring.count, middle
    while low < high:
        middle = (low + high) >> 1
        if ring.seqs[middle] < start:
            low = middle + 1
        else:
            high = middle
    return ring.seqs[low]


cdef class Desk:
    def __init__(self, Engine engine not None, Account account not None):
        self.engine = engine
        self.account = account
        self.owned = {}
        self.answers = Answers()

    def __dealloc__(self):
        bytemap_free(&self.places)

    def put(self, bytes name not None, StreamIndex store not None) -> None:
        """From now on the stream's messages may be had directly."""
        cdef Place place = Place()
        self.drop(name)
        place.name, place.store = name, store
        self.owned[name] = place
        bytemap_put(&self.places, <const char*>name, len(name), <void*>place)

    def drop(self, bytes name not None) -> None:
        """Not any more. Idempotent."""
        if name in self.owned:
            bytemap_pop(&self.places, <const char*>name, len(name))
            del self.owned[name]

    cdef bint answer(self, Message* request, const char* rest, size_t n) except -1:
        cdef const char* dot = <const char*>memchr(rest, c'.', n)
        cdef size_t name_len = n if dot == NULL else dot - rest
        cdef void* found
        cdef Place place
        cdef Asked asked
        cdef Message msg
        cdef Fate fate
        if request.header_len or request.reply_len == 0:
            return False
        found = bytemap_get(&self.places, rest, name_len)
        if found == NULL:
            return False
        place = <Place>found
        if dot == NULL:
            if not read_asked(request.payload, request.total_len, &asked):
                return False
        elif request.total_len:
            return False
        else:
            memset(&asked, 0, sizeof(asked))
            asked.last, asked.last_len = dot + 1, n - name_len - 1
        fate = self.find(place.store, &asked)
        memset(&msg, 0, sizeof(msg))
        if fate == HERE:
            self.answers.build(&msg, place.name, self.block, self.slot, NULL)
        elif fate == MISSING:
            msg.payload = NOT_FOUND
            msg.header_len = msg.total_len = <uint32_t>len(NOT_FOUND)
        else:
            return False
        self.answered += 1
        self.send(request, &msg)
        return True

    cdef Fate find(self, StreamIndex store, const Asked* asked) except *:
        if asked.last != NULL:
            return self.find_last(store, asked.last, asked.last_len)
        if asked.next != NULL:
            return self.find_next(store, asked.next, asked.next_len, max(asked.seq, 1))
        return self.find_seq(store, asked.seq)

    cdef Fate find_seq(self, StreamIndex store, uint64_t seq) except *:
        cdef Block block = store.tail
        cdef Py_ssize_t at
        if seq < store.first_seq or seq > store.last_seq:
            return MISSING
        if block is None or seq < block.first_seq or seq > block.last_seq:
            at = store.block_at(seq)
            if at >= len(store.blocks):
                return MISSING
            block = store.blocks[at]
        if seq < block.first_seq or block.deleted.has(seq):
            return MISSING
        if not block.loaded:
            return ELSEWHERE
        block.recent = True
        self.block = block
        self.slot = block.slot(seq)
        return HERE if self.slot >= 0 else ELSEWHERE  # damaged

    cdef Fate find_last(self, StreamIndex store, const char* subject, size_t n) except *:
        cdef Leaf* leaf
        if may_be_wild(subject, n):
            return ELSEWHERE
        leaf = store.tree.get(<const uint8_t*>subject, n)
        if leaf == NULL:
            return MISSING
        if leaf.flags & LAST_STALE or self.find_seq(store, leaf.last) != HERE:
            return ELSEWHERE
        return HERE

    cdef Fate find_next(
        self, StreamIndex store, const char* filter, size_t n, uint64_t start
    ) except *:
        cdef Leaf* leaf
        cdef uint64_t seq
        if may_be_wild(filter, n):
            return self.find_near(store, filter, n, start)
        leaf = store.tree.get(<const uint8_t*>filter, n)
        if leaf == NULL or start > leaf.last:
            return MISSING
        if leaf.ring != NULL and leaf.ring.count == leaf.total and not leaf.flags:
            seq = in_ring(leaf.ring, start)
        elif start <= leaf.first and not leaf.flags & FIRST_STALE:
            seq = leaf.first
        else:
            return self.find_near(store, filter, n, start)
        return HERE if self.find_seq(store, seq) == HERE else ELSEWHERE

    cdef Fate find_near(
        self, StreamIndex store, const char* filter, size_t n, uint64_t start
    ) except *:
        """Among the next records of the block."""
        cdef Block block
        cdef Py_ssize_t at, slot
        cdef const uint8_t* r
        cdef uint64_t seq
        cdef int i
        start = max(start, store.first_seq)
        if start > store.last_seq:
            return MISSING
        at = store.block_at(start)
        if at >= len(store.blocks):
            return ELSEWHERE
        block = store.blocks[at]
        if not block.loaded:
            return ELSEWHERE
        slot = block.slot_from(max(start, block.first_seq))
        for i in range(NEAR):
            if slot >= block.count:
                return ELSEWHERE
            r = block.buf + block.offs[slot]
            seq = u64(r + 4)
            if seq > block.last_seq:
                return ELSEWHERE
            self.engine.routing.steps += 1
            if (
                subject_matches(<const uint8_t*>filter, n, r + HEAD, subject_size(r))
                and not block.deleted.has(seq)
            ):
                self.block, self.slot = block, slot
                return HERE
            slot += 1
        return ELSEWHERE

    cdef int send(self, Message* request, Message* msg) except -1:
        cdef bint again = (
            request.reply_len == self.reply_len
            and memcmp(request.reply, self.reply, request.reply_len) == 0
        )
        msg.subject = request.reply
        msg.subject_len = request.reply_len
        self.engine.routing.steps += ANSWER_STEPS + (msg.total_len >> STEP_BYTES_SHIFT)
        if again:
            route(self.account, None, msg, &self.engine.routing)
            return 0
        # Most clients have a new one for each request, which would fill the cache of matches.
        self.reply_len = 0
        if request.reply_len <= REPLY_KEPT:
            memcpy(self.reply, request.reply, request.reply_len)
            self.reply_len = request.reply_len
        route_once(self.account, None, msg, &self.engine.routing)
        return 0
