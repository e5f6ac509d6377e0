"""A listening socket: accepts in batches and hands each socket to the callback."""
from libc.stdint cimport uint32_t

from pynats_server.core.engine cimport Engine, Pollable
from pynats_server.core.epoll cimport EPOLLIN
from pynats_server.core.limits cimport ACCEPT_BATCH, ACCEPT_STEPS


cdef class Listener(Pollable):
    cdef object sock
    cdef object accepted
    cdef object failed
    cdef Engine engine

    def __init__(self, Engine engine not None, sock, accepted, failed):
        self.engine = engine
        self.sock = sock
        self.fd = sock.fileno()
        self.accepted = accepted
        self.failed = failed
        sock.setblocking(False)
        engine.watch(self, EPOLLIN)

    cdef int on_ready(self, uint32_t events) except -1:
        for _ in range(ACCEPT_BATCH):
            try:
                sock, address = self.sock.accept()
            except BlockingIOError:
                break
            except OSError as error:  # out of descriptors and the like: pause, then go on
                self.failed(error)
                break
            self.engine.routing.steps += ACCEPT_STEPS
            self.accepted(sock, address)
        return 0

    def pause(self) -> None:
        """Stops taking connections; the backlog waits."""
        if self.fd >= 0:
            self.engine.unwatch(self)

    def resume(self) -> None:
        """Takes connections again after pause()."""
        if self.fd >= 0:
            self.engine.watch(self, EPOLLIN)

    def close(self) -> None:
        """Stops listening. Idempotent."""
        if self.fd >= 0:
            self.engine.unwatch(self)
            self.fd = -1
            self.sock.close()
