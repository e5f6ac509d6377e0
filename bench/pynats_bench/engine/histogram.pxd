"""Counts of durations: 128 steps per power of two, the extremes and the sums exact."""

from libc.stdint cimport uint64_t

cdef enum:
    STEPS = 128     # cells per power of two: a value is told apart to 0.8 %
    CELLS = 7424    # 58 powers of two; the first 256 values have a cell each


cdef extern from *:
    """
    #include <stdint.h>

    static inline int pynats_bench_cell(uint64_t value) {
        int shift = value < 256 ? 0 : 56 - __builtin_clzll(value);
        return shift * 128 + (int)(value >> shift);
    }

    static inline void pynats_bench_add_squares(
        uint64_t *high, uint64_t *low, uint64_t value, uint64_t times) {
        unsigned __int128 sum = ((unsigned __int128)*high << 64) | *low;
        sum += (unsigned __int128)value * value * times;
        *high = (uint64_t)(sum >> 64);
        *low = (uint64_t)sum;
    }
    """
    int cell_of "pynats_bench_cell"(uint64_t value) noexcept nogil
    void add_squares "pynats_bench_add_squares"(
        uint64_t *high, uint64_t *low, uint64_t value, uint64_t times) noexcept nogil


cdef struct Counts:
    uint64_t total
    uint64_t minimum      # of nothing: 0
    uint64_t maximum
    uint64_t sum
    uint64_t squares_high
    uint64_t squares_low
    uint64_t cells[CELLS]


cdef inline void record(Counts *self, uint64_t value_ns, uint64_t times) noexcept nogil:
    """`times` operations took `value_ns` each."""
    if value_ns < self.minimum or self.total == 0:
        self.minimum = value_ns
    if value_ns > self.maximum:
        self.maximum = value_ns
    self.cells[cell_of(value_ns)] += times
    self.total += times
    self.sum += value_ns * times
    add_squares(&self.squares_high, &self.squares_low, value_ns, times)


cdef Counts *new_counts() except NULL   # freed with `free`; a page is taken when it is touched
cdef uint64_t quantile(Counts *self, double fraction) noexcept nogil
cdef void add(Counts *self, Counts *other) noexcept nogil   # what both have counted
cdef object snapshot(Counts *self)      # (minimum, maximum, sum, sum of squares, {cell: times})
