"""Subjects that an account maps to others when a message is published.

The rules are a `Sublist`, so that finding the one that counts is a look-up in its cache. Of several
that match, the most specific one counts; what it makes is not mapped again.
"""
from libc.stdint cimport uint32_t, uint64_t

from pynats_server.core.interest.rename cimport Rename
from pynats_server.core.interest.sublist cimport Sublist
from pynats_server.core.interest.subscription cimport Sink
from pynats_server.core.limits cimport SUBJECT_ROOM


cdef enum Fate:
    KEPT
    MAPPED
    LOST  # the message goes nowhere


cdef struct NewName:
    char* subject
    size_t length
    char* large  # NULL, or memory to be freed
    char small[SUBJECT_ROOM]


cdef class Rule(Sink):
    cdef readonly bytes source
    cdef readonly tuple shares  # (Rename or None, hundredths up to here) in order; None = lost
    cdef readonly bint steady  # every message with a subject gets the same name
    cdef uint32_t order


cdef class Mapper:
    cdef readonly tuple rules
    cdef Sublist index
    cdef uint64_t chance

    cdef Rule rule_of(self, const char* subject, size_t length)
    # The new name of a subject, if it has one; `free_name` afterwards.
    cdef Fate apply(self, Rule rule, const char* subject, size_t length, NewName* name) except *
