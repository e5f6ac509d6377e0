"""FNV-1a with 32 bits, the hash by which `{{partition(n)}}` spreads subjects."""
from libc.stdint cimport uint32_t


def fnv1a32(const unsigned char[::1] data not None) -> int:
    """The hash of `data` as an unsigned integer."""
    cdef uint32_t h = <uint32_t>2166136261
    cdef Py_ssize_t i
    for i in range(data.shape[0]):
        h = (h ^ data[i]) * <uint32_t>16777619
    return h
