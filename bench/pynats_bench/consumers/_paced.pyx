"""A publisher at a given rate, whose payloads begin with the time they were sent."""

from libc.errno cimport errno
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

from pynats_bench.engine.loop cimport SEND_BYTES, Loop
from pynats_bench.engine.net cimport CLOCK_MONOTONIC, EPOLLIN, clock_ns

cdef extern from "time.h" nogil:
    cdef struct timespec:
        long tv_sec
        long tv_nsec
    int nanosleep(const timespec *wanted, timespec *left)

cdef enum:
    LOOK_EVERY_NS = 10000000   # how often it reads what the server says (PINGs)


cdef class PacedLoop(Loop):
    """Publishes `messages` times `frame`, whose payload is at `stamp_at`, `rate` a second."""

    cdef bytearray block
    cdef char *frame_at
    cdef size_t frame_len
    cdef size_t stamp_at
    cdef uint64_t messages
    cdef double rate
    cdef readonly uint64_t published

    def __init__(self, object socket, bytes frame, size_t stamp_at, uint64_t messages, double rate):
        if stamp_at + 8 > <size_t>len(frame) or len(frame) > SEND_BYTES:
            raise ValueError("the stamp reaches beyond the frame")
        if not messages or rate <= 0:
            raise ValueError("nothing to publish")
        self.attach([socket], b"MSG ", 0, EPOLLIN)
        self.block = bytearray(frame * max(1, SEND_BYTES // len(frame)))
        self.frame_at = self.block
        self.frame_len = len(frame)
        self.stamp_at = stamp_at
        self.messages = messages
        self.rate = rate

    cdef bint publish(self, uint64_t count, int64_t now) noexcept nogil:
        cdef uint64_t at
        for at in range(count):
            memcpy(self.frame_at + at * self.frame_len + self.stamp_at, &now, 8)
        if self.transmit_all(self.connections, self.frame_at, count * self.frame_len) != 0:
            self.fail(b"send", errno)
            return False
        self.published += count
        return True

    cdef void work(self) noexcept nogil:
        cdef timespec pause
        cdef uint64_t due, most = SEND_BYTES // self.frame_len
        cdef int64_t now, ahead, looked = 0
        most = max(most, <uint64_t>1)
        pause.tv_sec = 0
        self.first_ns = clock_ns(CLOCK_MONOTONIC)
        while self.published < self.messages and not self.failed and not self.stopping:
            now = clock_ns(CLOCK_MONOTONIC)
            due = <uint64_t>((now - self.first_ns) * self.rate / 1e9) + 1
            if due > self.published:
                due = min(due, self.messages) - self.published
                if due and not self.publish(min(due, most), now):
                    return
                continue
            if now - looked > LOOK_EVERY_NS:
                looked = now
                if not self.consume(self.connections) or not self.answer_pings(self.connections):
                    return
            ahead = self.first_ns + <int64_t>(self.published / self.rate * 1e9) - now
            if ahead > 0:
                pause.tv_nsec = min(ahead, <int64_t>LOOK_EVERY_NS)
                nanosleep(&pause, NULL)
        self.last_ns = clock_ns(CLOCK_MONOTONIC)
