"""Staying awake between two turns: polling, a few times in every pass of the loop.

The loop has no time to sleep meanwhile, and its timers, callbacks and other descriptors have their
turn between two rounds of polls.
"""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.core.readiness.patience cimport Patience


cdef class Vigil:
    cdef object loop
    cdef object turn  # called when there is something
    cdef int epoll_fd
    cdef readonly Patience patience
    cdef public int expected  # events that the disk will bring: nobody stays awake for them
    cdef readonly uint64_t polls
    cdef int64_t idle_since_ns  # when the last turn ended; 0: what comes next would tell nothing
    cdef int64_t awake_until_ns  # 0: the loop may sleep
    cdef bint scheduled

    # The event has come, at `now`, that `rest` has been waiting for.
    cdef void woke(self, int64_t now) noexcept
    # A turn of so many steps and messages has ended, and there is nothing more to do: stays awake if
    # that is likely to pay.
    cdef int rest(self, uint64_t steps, uint64_t messages) except -1
