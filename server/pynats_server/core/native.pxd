"""Declarations of native.h."""
from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef extern from "native.h" nogil:
    uint32_t pn_hash(const char* p, size_t n, uint64_t seed) noexcept
    size_t pn_put_uint(char* out, uint64_t v) noexcept
    int64_t pn_get_uint(const char* p, size_t n) noexcept
    uint32_t pn_below(uint64_t* state, uint32_t n) noexcept
