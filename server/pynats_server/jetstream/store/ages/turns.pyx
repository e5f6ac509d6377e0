"""See turns.pxd."""

cdef enum:
    MOST = 64  # turns that are known; of more, those that matter least are forgotten


cdef class Turn:
    def __init__(self, uint64_t seq, int64_t from_ns, int64_t to_ns, int64_t since_ns):
        self.seq, self.by_ns, self.to_ns, self.since_ns = seq, from_ns - to_ns, to_ns, since_ns


cdef class Turns:
    def __init__(self):
        self.turns = []

    def __len__(self):
        return len(self.turns)

    def known(self):
        """[(first sequence behind it, how far the time went back in ns)]"""
        cdef Turn turn
        return [(turn.seq, turn.by_ns) for turn in self.turns]

    cdef int note(self, uint64_t seq, int64_t from_ns, int64_t to_ns, int64_t since_ns) except -1:
        cdef Turn turn, other, least
        cdef Py_ssize_t at = len(self.turns)
        while at:
            turn = self.turns[at - 1]
            if turn.seq <= seq:
                if turn.seq == seq:
                    return 0
                break
            at -= 1
        self.turns.insert(at, Turn(seq, from_ns, to_ns, since_ns))
        if len(self.turns) > MOST:
            # What is behind a forgotten one may run out later, by as much as the time went back.
            least = self.turns[0]
            for other in self.turns:
                if other.by_ns < least.by_ns:
                    least = other
            at = self.turns.index(least)
            del self.turns[at]
            if at < len(self.turns):
                other = self.turns[at]  # its run is longer now, and is looked through from there
                other.gathered = min(other.gathered, least.gathered)
        return 0

    cdef int pass_below(self, uint64_t seq) except -1:
        """The stream begins at `seq` now."""
        cdef Turn turn
        while self.turns:
            turn = self.turns[0]
            if turn.seq > seq:
                break
            del self.turns[0]
        return 0

    def drop_above(self, uint64_t seq):
        """Messages above `seq` were taken back."""
        cdef Turn turn
        self.turns = [turn for turn in self.turns if turn.seq <= seq]
