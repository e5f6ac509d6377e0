"""What permissions say of subjects, remembered: publishers repeat themselves."""
from pynats_server.core.memory.bytemap cimport ByteMap
from pynats_server.core.permissions cimport Permissions


cdef struct Verdicts:
    ByteMap kept  # subject -> Verdict, owned


# Whether permissions allow to publish a subject.
cdef bint verdict_of(
    Verdicts* verdicts, Permissions permissions, const char* subject, size_t length
) except -1
cdef void verdicts_forget(Verdicts* verdicts) noexcept
