"""See trail.pxd."""
from time import time_ns

from pynats_server.core.limits cimport TRACE_EVENTS_MAX


cdef class Trail:
    def __init__(
        self, Sink source not None, Account account not None, bytes subject not None,
        Request request not None, uint32_t size,
    ):
        self.source = source
        self.account = account
        self.subject = subject
        self.dest = request.dest
        self.only = request.only
        self.block = request.block
        self.accept = request.accept
        self.silent = request.disabled
        self.size = size
        self.began_ns = time_ns()
        self.events = []

    cdef int _note(self, tuple event) except -1:
        if len(self.events) < TRACE_EVENTS_MAX:
            self.events.append(event)
        return 0

    cdef int refused(self, bytes text) except -1:
        self.refusal = text
        return 0

    cdef int mapped(self, bytes subject) except -1:
        return self._note(("sm", time_ns(), subject))

    cdef int imported(self, object account, bytes subject, bytes to) except -1:
        return self._note(("si", time_ns(), account, subject, to))

    cdef int exported(self, object account, bytes to) except -1:
        return self._note(("se", time_ns(), account, to))

    cdef int reached(self, Sink receiver, Account account, Subscription sub, bytes error) except -1:
        other = None if account is self.account else account
        return self._note(("eg", time_ns(), receiver, other, sub, error))  # there may be very many

    def stream(self, str name, bytes subject, bint nointerest, str error) -> None:
        """What a stream did: the subject it keeps the message under, empty where it came to none."""
        self._note(("js", time_ns(), name, subject, nointerest, error))

    def hush(self) -> None:
        """Nobody is told: what becomes of the message is decided later."""
        self.silent = True
