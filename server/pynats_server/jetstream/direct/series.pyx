"""The messages of one request that asks for many: found, built and sent some at a time.

Whoever runs it takes its `step`s as sliced work (`work.Turns`). A receiver with a backlog holds it
back: then `waiting` is done when that is over.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memset

from pynats_server.core.account cimport Account
from pynats_server.core.engine cimport Engine
from pynats_server.core.interest.match cimport Match
from pynats_server.core.interest.message cimport Message
from pynats_server.core.limits cimport STEP_BYTES_SHIFT
from pynats_server.core.senders.audience cimport (
    HELD as BACK, current_match, deliver_everybody, forget_match,
)
from pynats_server.core.senders.sender cimport Sender
from pynats_server.jetstream.direct.answers cimport Answers, Rest
from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.record cimport EMPTY, HAS_HEADERS, u32, u64
from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.search.seeker cimport (
    FOUND, LATER, UNREAD as UNLOADED, Seeker, Sought,
)
from pynats_server.jetstream.store.streamindex cimport StreamIndex

cdef enum:
    MESSAGES = 256  # of a step, which takes about 0.1 ms
    BYTES = 131072  # the same for large ones: copying them takes as long
    STEPS = 4096  # the same where very many listen
    SEARCH = 4000  # records that a step passes over
    GIVE_STEPS = 2

STEP_MESSAGES, STEP_BYTES = MESSAGES, BYTES


cpdef enum Went:
    ENDED = 0  # there is no more of it
    MORE = 1
    HELD = 2  # until `waiting` is done
    UNREAD = 3  # until `unread` is in memory
    NEXT = 4  # (of a search) it is found


cdef class Series(Sender):
    cdef Account account
    cdef StreamIndex store
    cdef bytes inbox, stream
    cdef bint plain  # without headers
    cdef Answers answers
    cdef Seeker seeker
    cdef uint64_t start, stop
    cdef list sequences  # instead of what the seeker finds
    cdef Py_ssize_t at
    cdef uint64_t left  # messages that may still be sent
    cdef int64_t bytes_left
    cdef readonly uint64_t sent, held
    cdef readonly uint64_t pending, last  # as the next message's headers say
    cdef readonly Block unread
    cdef Block block  # of the message that was found
    cdef Py_ssize_t slot
    cdef public object waiting  # a future
    cdef Match* match  # who listens to `inbox`, see `current_match`

    cdef Went _find_next(self, int64_t* search) except *
    cdef Went _find_picked(self) except *
    cdef bint _give(self, size_t* size) except -1

    def __init__(
        self, Engine engine not None, Account account not None, StreamIndex store not None,
        bytes inbox not None, bytes stream not None, bint plain, most_bytes,
    ):
        self.engine = engine
        self.account = account
        self.store = store
        self.inbox = inbox
        self.stream = stream
        self.plain = plain
        self.bytes_left = min(most_bytes, 1 << 62)
        self.answers = Answers()

    def __dealloc__(self):
        forget_match(&self.match)

    def follow(self, FilterSet filters not None, start, stop, count, pending) -> None:
        """`count` messages of the filters in start..stop; there are `pending`."""
        self.seeker = Seeker(self.store, filters)
        self.start, self.stop = start, stop
        self.left = min(max(count, 0), 1 << 62)
        self.pending = pending

    def pick(self, sequences, count) -> None:
        """The first `count` of the messages with these sequences that are still there."""
        self.sequences = list(sequences)
        self.left = min(max(count, 0), len(self.sequences))
        self.pending = len(self.sequences)

    def step(self, uint32_t most=MESSAGES):
        """Sends some more, see `Went`. Raises StoreError when a message is damaged."""
        cdef uint64_t begun = self.engine.routing.steps
        cdef int64_t search = SEARCH
        cdef size_t size = 0
        cdef uint32_t count = 0
        cdef Went went
        while self.left and self.bytes_left > 0:
            if count >= most or size >= BYTES or self.engine.routing.steps - begun >= STEPS:
                return MORE
            went = self._find_next(&search) if self.sequences is None else self._find_picked()
            if went != NEXT:
                return went
            if not self._give(&size):
                self.held += 1
                return HELD
            count += 1
        return ENDED

    cdef Went _find_next(self, int64_t* search) except *:
        cdef Sought sought = self.seeker.next(self.start, self.stop, search)
        if sought == FOUND:
            self.block, self.slot = self.seeker.block, self.seeker.slot
            return NEXT
        if sought == LATER:
            self.start = self.seeker.seq
            return MORE
        if sought == UNLOADED:
            self.start = self.seeker.seq
            self.unread = self.seeker.block
            return UNREAD
        return ENDED

    cdef Went _find_picked(self) except *:
        cdef Block block
        cdef uint64_t seq
        while self.at < len(self.sequences):
            seq = self.sequences[self.at]
            if self.store.is_live(seq):
                block = self.store.blocks[self.store.block_at(seq)]
                if not block.loaded:
                    self.unread = block
                    return UNREAD
                self.slot = block.slot(seq)
                if self.slot < 0:
                    self.store.load(seq)  # says that it is damaged
                self.block = block
                return NEXT
            self.at += 1  # removed since
        return ENDED

    cdef bint _give(self, size_t* total) except -1:
        """Sends what was found. False when a receiver has a backlog."""
        cdef const unsigned char* r = self.block.buf + self.block.offs[self.slot]
        cdef uint64_t seq = u64(r + 4)
        cdef size_t size = (u32(r) & ~HAS_HEADERS) - EMPTY - (4 if u32(r) & HAS_HEADERS else 0)
        cdef Message msg
        cdef Match* match
        cdef Rest rest
        memset(&msg, 0, sizeof(msg))
        if self.plain:
            self.answers.build_plain(&msg, self.block, self.slot)
        else:
            # Some may have been removed meanwhile.
            rest.pending = self.pending - 1 if self.pending else 0
            rest.last = self.last
            self.answers.build(&msg, self.stream, self.block, self.slot, &rest)
        if self.inbox:
            msg.subject = self.inbox
            msg.subject_len = <uint32_t>len(self.inbox)
            match = current_match(
                self.account.sublist, &self.match, msg.subject, msg.subject_len
            )
            if deliver_everybody(match, self, &msg, &self.engine.routing) == BACK:
                return False
        self.engine.routing.steps += GIVE_STEPS + (msg.total_len >> STEP_BYTES_SHIFT)
        if not self.plain:
            self.pending = rest.pending
        self.last = seq
        self.sent += 1
        self.left -= 1
        self.bytes_left -= size
        total[0] += size
        if self.sequences is None:
            self.start = seq + 1
        else:
            self.at += 1
        return True

    cdef bint send(self) except -1:
        """Who held it back has drained."""
        waiting, self.waiting = self.waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
        return False
