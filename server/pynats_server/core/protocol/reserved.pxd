"""Subjects that belong to servers, which clients may not publish: those of gateways (_GR_., $GR.),
of replication ($NRG., but in the system account), and as replies those of service imports (_R_.)
and of acknowledgements ($JS.ACK.)."""
from libc.string cimport memcmp


cdef inline bint _is_gateway(const char* p, size_t n) noexcept:
    return (n > 5 and memcmp(p, b"_GR_.", 5) == 0) or memcmp(p, b"$GR.", 4) == 0


cdef inline bint is_reserved(const char* subject, size_t n, bint is_system) noexcept:
    if n < 4 or (subject[0] != b'_' and subject[0] != b'$'):
        return False
    return _is_gateway(subject, n) or (
        n > 5 and memcmp(subject, b"$NRG.", 5) == 0 and not is_system
    )


cdef inline bint is_reserved_reply(const char* reply, size_t n) noexcept:
    if n < 4 or (reply[0] != b'_' and reply[0] != b'$'):
        return False
    return (
        _is_gateway(reply, n)
        or memcmp(reply, b"_R_.", 4) == 0
        or (n > 8 and memcmp(reply, b"$JS.ACK.", 8) == 0)
    )
