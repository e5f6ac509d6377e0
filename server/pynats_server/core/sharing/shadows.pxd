"""Stream imports: what an account takes of the messages of others.

Where a subscription overlaps an import, the exporter's list gets a *shadow* of it: a subscription to the
exporter's subjects with the same sink, sid and queue group, and the names that the messages have
here. So routing knows nothing of imports, and a queue group with members in several accounts is one.
Shadows have none themselves: what is imported is not imported again by others.
"""
from pynats_server.core.account cimport Account, Borrowing
from pynats_server.core.engine cimport Chore
from pynats_server.core.interest.rename cimport Rename
from pynats_server.core.interest.subscription cimport Subscription


cdef class StreamImport:
    cdef readonly Account importer
    cdef readonly Account exporter
    cdef readonly bytes local  # the subjects here
    cdef readonly Rename rename
    cdef readonly object subjects_of
    cdef readonly bint allow_trace


cdef class StreamImports(Borrowing):
    cdef readonly tuple imports

    cdef int _shadow(self, Subscription sub, StreamImport found, bytes subject) except -1


cdef class Following(Chore):
    """An account's subscriptions, which follow what it takes of others now."""
    cdef Account account
    cdef list clients
    cdef list left
    cdef object over  # called when all have followed
