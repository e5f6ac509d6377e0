"""Messages and bytes, in and out: the figures that a server, an account and a connection keep."""
from libc.stdint cimport uint64_t


cdef struct Totals:
    uint64_t in_msgs
    uint64_t in_bytes
    uint64_t out_msgs
    uint64_t out_bytes


cdef class Counted:
    cdef Totals totals
