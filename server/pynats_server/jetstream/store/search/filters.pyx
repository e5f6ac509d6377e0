"""Several filters at once: whether any of them covers a subject, or could cover one that begins
with some bytes.

The filters are sorted by their tokens, so those that share their first tokens are neighbours: a
group of them is a range, and the next token of a subject leads from a range to at most two smaller
ones by bisection. Duplicates vanish, and a filter that another one covers costs next to nothing.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp

from hashlib import sha256
from heapq import merge

cdef enum:
    SLICE = 256  # filters in one step of what is done in slices


cdef inline int compare(const uint8_t *a, uint32_t an, const uint8_t *b, uint32_t bn) noexcept nogil:
    cdef int order = memcmp(a, b, min(an, bn))
    if order:
        return order
    return (an > bn) - (an < bn)


def _tokens(bytes filter):
    return filter.split(b".")


cdef class FilterSet:
    """Filters with `*` and a final `>`; at least one."""

    def __init__(self, filters):
        self.take([filter.split(b".") for filter in sorted(set(filters), key=_tokens)])

    @staticmethod
    def building(filters):
        """A set of many filters, in slices (a `Work`); of all messages, if there are none."""
        cdef FilterSet made = FilterSet.__new__(FilterSet)
        runs, run = [], []
        for filter in filters:
            run.append(filter.split(b"."))
            if len(run) == SLICE:
                run.sort()
                runs.append(run)
                run = []
                yield
        run.sort()
        runs.append(run)
        texts, last = [], None
        for step, text in enumerate(merge(*runs) if len(runs) > 1 else run, 1):
            if text != last:
                texts.append(text)
                last = text
            if step % SLICE == 0:
                yield
        made.begin(texts or [[b">"]])
        while made.filled < made.size:
            made.fill(SLICE)
            if made.filled < made.size:
                yield
        return made

    def digest(self):
        """What stands for these filters, whatever their order (a `Work`)."""
        found = sha256()
        for step, parts in enumerate(self.texts, 1):
            found.update(b".".join(parts) + b"\0")
            if step % SLICE == 0:
                yield
        return found.digest()

    def texts_from(self, Py_ssize_t start, Py_ssize_t most) -> list:
        """The filters number `start` and following, at most so many."""
        return [b".".join(parts) for parts in self.texts[start:start + most]]

    cdef int take(self, list texts) except -1:
        self.begin(texts)
        self.fill(self.size)
        return 0

    cdef int begin(self, list texts) except -1:
        cdef Py_ssize_t total = 0
        self.texts = texts
        self.size = len(self.texts)
        if not self.size:
            raise ValueError("no filters")
        for parts in self.texts:
            total += len(<list>parts)
        self.lines = <Line *>malloc(self.size * sizeof(Line))
        self.tokens = <Token *>malloc(total * sizeof(Token))
        if self.lines == NULL or self.tokens == NULL:
            raise MemoryError
        self.literal = True
        self.token = self.tokens
        return 0

    cdef int fill(self, Py_ssize_t most) except -1:
        cdef Py_ssize_t i
        cdef Token *token = self.token
        for i in range(self.filled, min(self.filled + most, self.size)):
            parts = self.texts[i]
            self.lines[i].tokens = token
            self.lines[i].count = <uint32_t>len(<list>parts)
            self.every = self.every or parts == [b">"]
            for part in <list>parts:
                self.literal = self.literal and part != b"*" and part != b">"
                token.text = <const uint8_t *>part
                token.size = <uint32_t>len(<bytes>part)
                token += 1
        self.token = token
        self.filled = min(self.filled + most, self.size)
        return 0

    def __dealloc__(self):
        free(self.lines)
        free(self.tokens)

    cdef Py_ssize_t bound(self, Py_ssize_t low, Py_ssize_t high, uint32_t depth,
                          const uint8_t *t, uint32_t size, bint above) noexcept nogil:
        """The first filter in a range whose token is not below another, or is `above` it."""
        cdef Py_ssize_t middle
        cdef Token *token
        cdef int order
        while low < high:
            middle = (low + high) >> 1
            token = &self.lines[middle].tokens[depth]
            order = compare(token.text, token.size, t, size)
            if order < 0 or (above and order == 0):
                low = middle + 1
            else:
                high = middle
        return low

    cdef bint match(self, Py_ssize_t low, Py_ssize_t high, uint32_t depth, const uint8_t *s,
                    size_t at, size_t n, bint whole) noexcept nogil:
        """Whether a filter of a range, in which `depth` tokens are equal and matched already,
        covers the rest of a subject from `at` on; with `whole` off, whether one could cover a
        subject of which only the beginning is known."""
        cdef size_t end = at
        cdef Py_ssize_t first
        self.looks += 1
        if at > n:
            return self.lines[low].count == depth
        if self.lines[low].count == depth:
            low += 1  # the one that ends here: shorter ones come first
        if low >= high:
            return False
        while end < n and s[end] != 46:
            end += 1
        if not whole and end == n:
            if end == at:
                return True
            first = self.bound(low, high, depth, s + at, <uint32_t>(end - at), False)
            if first < high and self.lines[first].tokens[depth].size >= end - at and \
                    memcmp(self.lines[first].tokens[depth].text, s + at, end - at) == 0:
                return True
        if end > at:
            first = self.bound(low, high, depth, <const uint8_t *>b">", 1, False)
            if first < high and self.lines[first].tokens[depth].size == 1 \
                    and self.lines[first].tokens[depth].text[0] == 62 \
                    and self.lines[first].count == depth + 1:
                return True
            first = self.bound(low, high, depth, <const uint8_t *>b"*", 1, False)
            if first < high and self.lines[first].tokens[depth].size == 1 \
                    and self.lines[first].tokens[depth].text[0] == 42:
                if not whole and end == n:
                    return True
                if self.match(first, self.bound(first, high, depth, <const uint8_t *>b"*", 1, True),
                              depth + 1, s, end + 1, n, whole):
                    return True
        if not whole and end == n:
            return False
        first = self.bound(low, high, depth, s + at, <uint32_t>(end - at), False)
        if first == high:
            return False
        high = self.bound(first, high, depth, s + at, <uint32_t>(end - at), True)
        return first < high and self.match(first, high, depth + 1, s, end + 1, n, whole)

    cdef bint covers(self, const uint8_t *s, size_t n) noexcept nogil:
        """Whether a filter covers a literal subject."""
        if self.every:
            return n > 0
        return self.match(0, self.size, 0, s, 0, n, True)

    cdef bint reaches(self, const uint8_t *s, size_t n) noexcept nogil:
        """Whether a filter could cover a subject that begins with these bytes."""
        if self.every:
            return True
        return self.match(0, self.size, 0, s, 0, n, False)

    # Python's view.

    def matches(self, bytes subject not None):
        """Whether a filter covers a literal subject."""
        return self.covers(<const uint8_t *>subject, len(subject))

    def may_match(self, bytes beginning not None):
        """Whether a filter could cover a subject that begins with these bytes."""
        return self.reaches(<const uint8_t *>beginning, len(beginning))

    def __len__(self):
        return self.size
