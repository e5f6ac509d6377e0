"""Whose turn it is among the members of a priority group (ADR-42)."""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.jetstream.consumer.delivery.feed cimport Feed
from pynats_server.jetstream.consumer.delivery.pull.line cimport Line, Pull, Queue


cdef class OverflowLine(Line):
    """Some want only what is too much for the others."""
    cdef Py_ssize_t passed  # requests of the queue's end that want nothing of it...
    cdef uint64_t pending, unacked  # ...while so much waits


cdef class PrioritizedLine(Line):
    """The most urgent first."""


cdef class PinnedLine(Line):
    """One client gets everything, as long as it asks with its pin. `queue` is of those that have
    none and wait for one."""
    cdef Queue bound  # who have the pin
    cdef Queue lapsed  # who have another one: they are refused when a message comes
    cdef readonly str pin  # "" = nobody is pinned
    cdef str next_pin
    cdef readonly int64_t since_ns  # steady clock
    cdef int64_t timeout_ns, ends_ns
    cdef bytes header, next_header
