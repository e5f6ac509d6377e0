"""See fast_state.pxd."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcmp

from pynats_server.core.clock cimport monotonic_ns
from pynats_server.core.interest.message cimport Message

cdef enum:
    APPEND = 1
    PING = 4
    FLOW_DEFAULT = 10
    FLOW_MAX = 65535
    FLOW_SHARED = 500  # messages between acknowledgements, all open batches together

cdef uint64_t U64_MAX = <uint64_t>-1


cdef bint _token(const char* text, Py_ssize_t* end, Py_ssize_t* start) noexcept nogil:
    """The token before `end[0]`; `end` then is where the one before that ends. False when no dot
    precedes it."""
    cdef Py_ssize_t i = end[0] - 1
    while i >= 0 and text[i] != b'.':
        i -= 1
    if i < 0:
        return False
    start[0] = i + 1
    end[0] = i
    return True


cdef bint _number(const char* text, Py_ssize_t length, uint64_t* out) noexcept nogil:
    """Decimal digits; False for anything else, or more than 64 bits can hold."""
    cdef uint64_t value = 0
    cdef uint64_t digit
    cdef Py_ssize_t i
    if length == 0:
        return False
    for i in range(length):
        if not 48 <= text[i] <= 57:
            return False
        digit = <uint64_t>(text[i] - 48)
        if value > (U64_MAX - digit) // 10:
            return False
        value = value * 10 + digit
    out[0] = value
    return True


cdef bint parse_reply(const char* reply, size_t length, FastReply* out) noexcept nogil:
    """False when the subject does not have the form, or its values are impossible."""
    cdef Py_ssize_t end = <Py_ssize_t>length - 4, start = 0, stop = end
    cdef uint64_t number = 0
    if not _token(reply, &end, &start):
        return False
    if not _number(reply + start, stop - start, &number) or number > PING:
        return False
    out.operation = <int>number
    stop = end
    if not _token(reply, &end, &start):
        return False
    # The largest number of all has no successor.
    if not _number(reply + start, stop - start, &number) or number == 0 or number == U64_MAX:
        return False
    out.sequence = number
    if out.operation == 0 and number != 1:
        return False
    if (out.operation == APPEND or out.operation == 3) and number == 1:
        return False
    stop = end
    if not _token(reply, &end, &start):
        return False
    if stop - start == 4 and memcmp(reply + start, b"fail", 4) == 0:
        out.gap_ok = False
    elif stop - start == 2 and memcmp(reply + start, b"ok", 2) == 0:
        out.gap_ok = True
    else:
        return False
    stop = end
    if not _token(reply, &end, &start):
        return False
    if not _number(reply + start, stop - start, &number) or number == 0:
        number = FLOW_DEFAULT
    out.flow = <uint32_t>min(number, <uint64_t>FLOW_MAX)
    stop = end
    if not _token(reply, &end, &start):
        return False
    out.id = reply + start
    out.id_len = stop - start
    return True


def read_reply(bytes reply not None):
    """(id, sequence, flow, gap ok, operation) of a reply subject that ends in `.$FI`; None when
    it does not have the form."""
    cdef FastReply found
    if not parse_reply(PyBytes_AS_STRING(reply), PyBytes_GET_SIZE(reply), &found):
        return None
    return (
        PyBytes_FromStringAndSize(found.id, found.id_len), found.sequence, found.flow,
        found.gap_ok, found.operation,
    )


cdef class FastBatch:
    """An open batch. Sequences are those of the batch, but for `stream_seq`."""

    def __init__(self, bytes id not None, bint gap_ok, max_flow: int):
        self.id = id
        self.gap_ok = gap_ok
        self.max_flow = max_flow
        self.touched = monotonic_ns()

    cdef void note(self, uint64_t stream_seq, uint64_t written_seq) noexcept:
        if self.stream_seq <= written_seq:
            self.written, self.written_seq = self.stored, self.stream_seq
        self.stream_seq = stream_seq

    def took(self, stream_seq: int, written_seq: int) -> None:
        """Notes that a message was stored as `stream_seq`, before `stored` says so. Those up to
        `written_seq` will not be taken back."""
        self.note(stream_seq, written_seq)

    def undone(self, last_seq: int) -> None:
        """The stream's messages above `last_seq` were taken back: goes on behind what is left."""
        if self.stream_seq <= last_seq:
            return
        if self.written_seq > last_seq:  # not by a full disk: nobody knows
            self.written = self.written_seq = 0
        self.stream_seq = self.written_seq
        self.last = self.stored = self.written
        self.flowed = min(self.flowed, self.stored)


cdef class FastTable:
    """The open fast batches of one stream."""

    def __init__(self):
        self.batches = {}

    def open(self, bytes id not None, bint gap_ok, max_flow: int) -> FastBatch:
        """A new batch; the caller checks the limits."""
        cdef FastBatch batch = FastBatch(id, gap_ok, max_flow)
        self.batches[id] = batch
        # The only publisher may go as fast as it likes; others work their way up.
        batch.flow = min(<uint64_t>FLOW_SHARED, batch.max_flow) if len(self.batches) == 1 else 1
        self.recent = batch
        return batch

    def close(self, FastBatch batch not None) -> None:
        """Forgets a batch. Idempotent."""
        if self.batches.get(batch.id) is batch:
            del self.batches[batch.id]
        if self.recent is batch:
            self.recent = None

    cdef FastBatch next_of(self, Message* msg):
        cdef FastReply found
        cdef FastBatch batch = self.recent
        if not parse_reply(msg.reply, msg.reply_len, &found) or found.operation != APPEND:
            return None
        if (
            batch is None
            or <size_t>PyBytes_GET_SIZE(batch.id) != found.id_len
            or memcmp(PyBytes_AS_STRING(batch.id), found.id, found.id_len) != 0
        ):
            batch = self.batches.get(PyBytes_FromStringAndSize(found.id, found.id_len))
            if batch is None:
                return None
            self.recent = batch
        if found.sequence != batch.last + 1:
            return None
        return batch

    cdef bint advance(
        self, FastBatch batch, uint64_t stream_seq, uint64_t written_seq
    ) noexcept:
        batch.note(stream_seq, written_seq)
        batch.last += 1
        batch.stored = batch.last
        batch.touched = monotonic_ns()
        return self.is_due(batch)

    cdef bint is_due(self, FastBatch batch) noexcept:
        cdef uint64_t most
        if batch.stored < batch.flowed + batch.flow:
            return False
        batch.flowed += (batch.stored - batch.flowed) // batch.flow * batch.flow
        most = max(<uint64_t>FLOW_SHARED // max(len(self.batches), 1), <uint64_t>1)
        most = min(most, batch.max_flow)
        if batch.flow < most:
            batch.flow = min(batch.flow * 2, most)
        elif batch.flow > most:
            batch.flow = max(batch.flow // 2, most)
        return True

    def flow_due(self, FastBatch batch not None) -> bool:
        """Whether the publisher is to hear of `flowed`, which this brings up to `stored`. The
        rate (`flow`) moves one step towards the batch's share."""
        return self.is_due(batch)
