"""Who looks on in the system account: its subscribers see what the API is asked for in other accounts,
as if all of them imported the API from there."""
cimport cython

from pynats_server.core.account cimport Account
from pynats_server.core.engine cimport Engine
from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.subscription cimport Sink
from pynats_server.core.sharing.services cimport ServiceExport, ServiceImport
from pynats_server.core.tracing.trail cimport Trail


@cython.final
cdef class Onlookers:
    cdef Engine engine
    cdef object who
    cdef readonly Account account  # the system account; None = there is none yet
    cdef ServiceExport shown

    # Whether anybody may be there for it, besides the API itself.
    cdef bint are_there(self, Message* msg) noexcept
    # Shows them a request of `account`; `way` is what this has returned before, or None. A
    # `trail` knows of the request already.
    cdef ServiceImport show(
        self, Account account, ServiceImport way, Message* msg, Sink source, Trail trail
    )
    # Whether a request that comes to the system account is only being shown there.
    cdef inline bint are_looking(self) noexcept:
        return self.shown.active
