"""Subjects that an account maps to others when a message is published.

The rules are a `Sublist`, so that finding the one that counts is a look-up in its cache. Of several
that match, the most specific one counts; what it makes is not mapped again.
"""
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free

from pynats_server.core.interest.rename cimport Rename
from pynats_server.core.interest.sublist cimport Sublist
from pynats_server.core.interest.subscription cimport Sink
from pynats_server.core.limits cimport SUBJECT_ROOM
from pynats_server.core.memory.bytemap cimport ByteMap


cdef enum Fate:
    KEPT
    MAPPED
    LOST  # the message goes nowhere


cdef struct NewName:
    char* subject
    size_t length
    char* large  # NULL, or memory to be freed
    char small[SUBJECT_ROOM]


cdef inline void name_free(NewName* name) noexcept:
    free(name.large)


cdef struct KnownName:
    # What is remembered of a subject: every message with it has this name.
    const char* text
    uint32_t length  # 0 = no rule changes the subject
    uint32_t hash


cdef class Rule(Sink):
    cdef readonly bytes source
    cdef readonly tuple shares  # (Rename or None, hundredths up to here) in order; None = lost
    cdef readonly bint steady  # every message with a subject gets the same name
    cdef uint32_t order


cdef class Mapper:
    cdef readonly tuple rules
    cdef Sublist index
    cdef uint64_t chance
    cdef ByteMap known  # subject -> KnownName, owned
    cdef ByteMap older  # those from before `known` was begun anew

    # The name that every message with a subject gets, whose hash is given; NULL = it is drawn for
    # each, or they are lost. Good until thousands of other subjects have been asked for.
    cdef KnownName* steady(self, const char* subject, size_t length, uint32_t hash) except? NULL
    cdef KnownName* _learn(self, const char* subject, size_t length) except? NULL
    cdef Rule rule_of(self, const char* subject, size_t length)
    # The new name of a subject, if it is MAPPED; `name_free` afterwards. A message is LOST that would
    # have an empty name.
    cdef Fate apply(self, Rule rule, const char* subject, size_t length, NewName* name) except *
