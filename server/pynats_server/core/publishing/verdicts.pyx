"""See verdicts.pxd."""
from libc.stdint cimport uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from pynats_server.core.limits cimport PERMISSION_CACHE
from pynats_server.core.memory.bytemap cimport bytemap_free, bytemap_get, bytemap_put


cdef struct Verdict:
    bint allowed
    char* subject


cdef bint verdict_of(
    Verdicts* verdicts, Permissions permissions, const char* subject, size_t length
) except -1:
    cdef Verdict* verdict = <Verdict*>bytemap_get(&verdicts.kept, subject, length)
    if verdict != NULL:
        return verdict.allowed
    if verdicts.kept.used >= PERMISSION_CACHE:
        verdicts_forget(verdicts)
    verdict = <Verdict*>malloc(sizeof(Verdict) + length)
    if verdict == NULL:
        raise MemoryError()
    verdict.subject = <char*>verdict + sizeof(Verdict)
    memcpy(verdict.subject, subject, length)
    verdict.allowed = permissions.may_publish(subject, length)
    bytemap_put(&verdicts.kept, verdict.subject, length, verdict)
    return verdict.allowed


cdef void verdicts_forget(Verdicts* verdicts) noexcept:
    cdef uint32_t i
    for i in range(verdicts.kept.capacity):
        free(verdicts.kept.slots[i].value)
    bytemap_free(&verdicts.kept)
