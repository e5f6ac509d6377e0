from libc.stdint cimport uint32_t

cdef enum:
    FNV_BEGIN = 2166136261U


cdef inline uint32_t fnv_more(uint32_t hash, const char* p, size_t n) noexcept nogil:
    cdef size_t i
    for i in range(n):
        hash = (hash ^ <unsigned char>p[i]) * <uint32_t>16777619
    return hash
