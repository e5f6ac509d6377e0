"""A publisher whose messages differ: the number in the subject, the time in the payload."""

from array import array

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy, memset

from pynats_bench.engine.frames cimport NUMBER_ROOM, put_number
from pynats_bench.engine.loop cimport Connection
from pynats_bench.engine.messages cimport PublishLoop
from pynats_bench.engine.net cimport CLOCK_MONOTONIC, CLOCK_REALTIME, clock_ns
from pynats_bench.engine.scan cimport mix, write_digits

cdef uint64_t GOLDEN = 0x9E3779B97F4A7C15  # spreads neighbours, as the sums of Weyl do


cdef class MarkedPublishLoop(PublishLoop):
    """Publishes `frame` over and over, as many copies of it a pass as fit into `block_bytes`.

    With `digits` > 0 as many bytes at `subject_at` take the message's number modulo `subjects`, 0:
    as it is (at random with `randomize`, each socket its own sequence); the numbers of a socket
    begin at its `firsts`. `padded` puts zeros in front of it; otherwise there are blanks behind it,
    as many as servers like between the parts of a line: all frames are of one length. With `time_at` >= 0 eight bytes there take the time of the pass, CLOCK_REALTIME ns or
    with `monotonic` CLOCK_MONOTONIC.
    """

    cdef size_t frame_len
    cdef uint64_t subjects
    cdef size_t subject_at
    cdef int digits
    cdef bint padded
    cdef bint randomize
    cdef Py_ssize_t time_at
    cdef int clock

    def __init__(self, list sockets, bytes frame, size_t payload_bytes, list firsts,
                 uint64_t subjects=0, size_t subject_at=0, int digits=0, bint padded=True,
                 bint randomize=False, Py_ssize_t time_at=-1, bint monotonic=False,
                 size_t block_bytes=65536):
        cdef size_t copies = max(<size_t>1, block_bytes // len(frame))
        cdef int index
        cdef bytearray copy
        cdef bytes block = frame * copies
        if not 0 <= digits <= NUMBER_ROOM or subject_at + digits > <size_t>len(frame):
            raise ValueError("the subject's number reaches beyond the frame")
        if time_at >= 0 and time_at + 8 > len(frame):
            raise ValueError("the time reaches beyond the frame")
        if len(firsts) != len(sockets):
            raise ValueError("a first number for each socket")
        ends = array("Q", range(len(frame), len(block) + 1, len(frame)))
        super().__init__(sockets, block, ends, 0, payload_bytes)
        self.frame_len = len(frame)
        self.subjects = subjects
        self.subject_at = subject_at
        self.digits = digits
        self.padded = padded
        self.randomize = randomize
        self.time_at = time_at
        self.clock = CLOCK_MONOTONIC if monotonic else CLOCK_REALTIME
        if not digits and time_at < 0:
            return   # all sockets send the same
        for index in range(self.count):
            copy = bytearray(block)
            self.owned.append(copy)
            self.connections[index].block = copy
            self.connections[index].sequence = firsts[index]

    cdef void mark_pass(self, Connection *connection, int index, size_t frames) noexcept nogil:
        cdef size_t frame
        cdef uint64_t number
        cdef char *at = connection.block
        cdef char *place
        cdef char *end
        cdef int64_t now
        if self.time_at >= 0:
            now = clock_ns(self.clock)
            for frame in range(frames):
                memcpy(at + frame * self.frame_len + self.time_at, &now, 8)
        if self.digits == 0:
            return
        for frame in range(frames):
            number = connection.sequence
            connection.sequence += 1
            if self.randomize:
                number = mix(number * GOLDEN)
            if self.subjects:
                number %= self.subjects
            place = at + frame * self.frame_len + self.subject_at
            if self.padded:
                write_digits(place, number, self.digits)
            else:
                end = put_number(place, number)
                memset(end, 32, place + self.digits - end)
