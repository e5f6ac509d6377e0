"""A descriptor that somebody else owns, watched by the engine instead of the loop.

What threads report this way is taken in a turn, together with what sockets bring, and what follows
from it leaves in the same turn: no pass of the loop lies in between.
"""
from libc.stdint cimport uint32_t

from pynats_server.core.engine cimport Engine, Pollable
from pynats_server.core.epoll cimport EPOLLIN
from pynats_server.core.limits cimport CALL_STEPS


cdef class Descriptor(Pollable):
    """Calls `ready()` in every turn that finds the descriptor readable."""

    cdef Engine engine
    cdef object ready

    def __init__(self, Engine engine not None, int fd, ready):
        self.engine = engine
        self.fd = fd
        self.ready = ready
        engine.watch(self, EPOLLIN)

    cdef int on_ready(self, uint32_t events) except -1:
        self.engine.routing.steps += CALL_STEPS
        self.ready()
        return 0

    def close(self) -> None:
        """Watches no more; the descriptor stays open. Idempotent."""
        if self.fd >= 0:
            self.engine.unwatch(self)
            self.fd = -1
            self.ready = None
