"""Loops that look at whole messages: the rest of an incomplete one stays in the stash."""

from libc.stdint cimport int64_t

from pynats_bench.engine.loop cimport Connection, Loop
from pynats_bench.engine.net cimport CLOCK_MONOTONIC, TICK_MS, clock_ns
from pynats_bench.engine.scan cimport Message, parse_message, scan_line


cdef class ReceivingLoop(Loop):
    """Base of them. PINGs are counted: the loop answers them when it may send something."""

    cdef bint pull(self, Connection *connection, int index) noexcept nogil:
        cdef ssize_t size = self.receive(connection)
        cdef size_t used = 0, line
        cdef Message message
        cdef const char *at
        cdef int state
        cdef int64_t now
        if size <= 0:
            return size == 0
        now = clock_ns(CLOCK_MONOTONIC)
        while used < <size_t>size:
            at = self.buffer + used
            if size - used >= 4 and (at[0] == 77 or at[0] == 72):    # MSG, HMSG
                state = parse_message(at, size - used, &message)
                if state < 0:
                    return self.malformed(connection, index, at, size - used)
                if state == 0 or size - used < message.head_len + message.size + 2:
                    break
                if not self.take(connection, index, at, &message, now):
                    return False
                used += message.head_len + message.size + 2
            else:
                line = scan_line(&connection.scanner, at, size - used)
                if connection.scanner.failed:
                    self.fail_at(connection, connection.scanner.error, 0)
                    return False
                if line == 0:
                    break
                used += line
        self.keep(connection, used, size)
        return not self.failed

    cdef bint take(self, Connection *connection, int index, const char *at, Message *message,
                   int64_t now) noexcept nogil:
        self.fail(b"no task", 0)
        return False

    cdef bint malformed(
        self, Connection *connection, int index, const char *at, size_t size
    ) noexcept nogil:
        self.fail_at(connection, b"a malformed message", 0)
        return False

    cdef bint check_silence(self) noexcept nogil:
        cdef int64_t now
        cdef int index
        if not self.stall_ns:
            return True
        now = clock_ns(CLOCK_MONOTONIC)
        if now - self.checked_ns < TICK_MS * 1000000:
            return True
        self.checked_ns = now
        for index in range(self.count):
            if self.overdue(index, now):
                self.silent(index)
                return False
        return True

    cdef bint overdue(self, int index, int64_t now) noexcept nogil:
        return False

    cdef void silent(self, int index) noexcept nogil:
        self.fail_at(&self.connections[index], b"silence", 0)
