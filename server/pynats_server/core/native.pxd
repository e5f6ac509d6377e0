"""Declarations of native.h."""
from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef extern from "native.h" nogil:
    uint32_t pn_hash(const char* p, size_t n, uint64_t seed) noexcept
    bint pn_equal(const char* a, const char* b, size_t n) noexcept
    bint pn_has_gap(const char* p, size_t n) noexcept
    void pn_copy(char* to, const char* source, size_t n) noexcept
    const char* pn_word_end(const char* p, const char* end) noexcept
    size_t pn_put_uint(char* out, uint64_t v) noexcept
    int64_t pn_get_uint(const char* p, size_t n) noexcept
    uint32_t pn_below(uint64_t* state, uint32_t n) noexcept

cdef extern from * nogil:
    void prefetch "__builtin_prefetch"(const void* address) noexcept
