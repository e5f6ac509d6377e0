"""See histogram.pxd. What it counted becomes a `clients.histogram.Histogram`, which knows the rest.

A value below 256 has a cell of its own; any other is shifted right until it has eight bits, so that
a cell spans 1/128 to 1/256 of its values.
"""

from libc.stdint cimport uint64_t
from libc.stdlib cimport calloc


cdef Counts *new_counts() except NULL:
    cdef Counts *counts = <Counts *>calloc(1, sizeof(Counts))
    if counts == NULL:
        raise MemoryError
    return counts


cdef inline uint64_t upper_edge(int cell) noexcept nogil:
    """The largest value that the cell counts."""
    cdef int shift = 0 if cell < 2 * STEPS else cell // STEPS - 1
    return ((<uint64_t>(cell - shift * STEPS) + 1) << shift) - 1


cdef uint64_t quantile(Counts *self, double fraction) noexcept nogil:
    """What `fraction` of the values did not exceed (the upper edge of its cell)."""
    cdef uint64_t rank = <uint64_t>(fraction * self.total), seen = 0
    cdef int cell
    for cell in range(CELLS):
        seen += self.cells[cell]
        if seen and seen >= rank:
            return min(upper_edge(cell), self.maximum)
    return 0


cdef void add(Counts *self, Counts *other) noexcept nogil:
    """The other one may be counting meanwhile: what comes now is there the next time."""
    cdef int cell, last
    if other.total == 0:
        return
    self.minimum = min(self.minimum, other.minimum) if self.total else other.minimum
    self.maximum = max(self.maximum, other.maximum)
    self.total += other.total
    self.sum += other.sum
    self.squares_low += other.squares_low
    self.squares_high += other.squares_high + (self.squares_low < other.squares_low)
    last = cell_of(other.maximum)
    for cell in range(cell_of(other.minimum), last + 1):
        self.cells[cell] += other.cells[cell]


cdef object snapshot(Counts *self):
    cdef dict cells = {}
    cdef int cell
    for cell in range(CELLS):
        if self.cells[cell]:
            cells[cell] = self.cells[cell]
    squares = (<object>self.squares_high << 64) + self.squares_low
    return self.minimum, self.maximum, self.sum, squares, cells


cdef class Recorder:
    """The counts for Python callers."""

    cdef Counts counts

    def record(self, uint64_t value_ns, uint64_t times=1):
        """`times` operations took `value_ns` each."""
        record(&self.counts, value_ns, times)

    def snapshot(self):
        """What `Histogram` is made of: minimum, maximum, sum, sum of squares, {cell: times}."""
        return snapshot(&self.counts)
