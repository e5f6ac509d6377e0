"""See layered.pxd."""
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

import os

from pynats_server.core.engine cimport PAUSE_GREETING, count_bytes
from pynats_server.core.limits cimport (
    BACKLOG_LOW, LAYER_READ, LAYER_SEND, LOGIN_READ, PROLOGUE_MOST, RECORD_STEPS,
    REST_TICKS, SEND_STEPS,
)
from pynats_server.core.memory.chunks cimport Chunk
from pynats_server.core.sockets.calls cimport MSG_DONTWAIT, MSG_NOSIGNAL, recv, send
from pynats_server.core.sockets.greetings cimport Step
from pynats_server.core.sockets.layer cimport (
    LAYER_ENDED, LAYER_FAILED, LAYER_MORE, LAYER_OVERHEAD, LAYER_READY, LAYER_RECORD,
)
from pynats_server.core.sockets.output cimport output_consume, output_next, output_pending
from pynats_server.core.sockets.workroom cimport workroom_of

from pynats_server.core.reasons import CloseReason

cdef int CLIENT_CLOSED = CloseReason.CLIENT_CLOSED
cdef int READ_ERROR = CloseReason.READ_ERROR
cdef int WRITE_ERROR = CloseReason.WRITE_ERROR
cdef int PARSE_ERROR = CloseReason.PARSE_ERROR
cdef int TLS_HANDSHAKE_ERROR = CloseReason.TLS_HANDSHAKE_ERROR


cdef class LayeredConnection(Connection):
    """Handler calls besides those of `Connection`: on_secured(connection), on_tls_failed(connection,
    text) before it is closed."""

    def __cinit__(self, *args, **kwargs):
        self.kept = b""

    def __dealloc__(self):
        free(self.sealed)

    @property
    def securing(self) -> bool:
        """Whether a layer has been started and is not ready yet."""
        return self.stage == GREETING and not self.closing

    @property
    def secured(self) -> bool:
        """Whether everything goes through a layer."""
        return self.stage == LAYERED

    # --- before the protocol ---

    def begin_prologue(self, reader not None) -> None:
        """What arrives goes to `reader(connection, data)` first: it gets all that nobody has consumed
        yet, and returns how much of it it takes, or -1 while it needs more. It may start another
        prologue or TLS, end the prologue, or close the connection."""
        if self.layer is not None:
            raise RuntimeError("a prologue comes before TLS")
        self.reader = reader
        self.stage = PROLOGUE

    def end_prologue(self) -> None:
        """What nobody has consumed is the protocol's, as if it had just arrived."""
        if self.stage != PROLOGUE:
            return
        self.reader = None
        self.stage = PLAIN
        if not self.consulting:
            self._give_back()

    cdef int _consult(self) except -1:
        cdef Py_ssize_t taken
        while self.stage == PROLOGUE and self.kept and not self.closing:
            reader, kept = self.reader, self.kept
            self.consulting = True
            try:
                taken = reader(self, kept)
            finally:
                self.consulting = False
            if taken > 0:
                self.kept = kept[taken:]
            elif self.reader is reader:
                if len(kept) >= PROLOGUE_MOST and not self.closing:
                    self.close_with(PARSE_ERROR)
                return 0
        if self.closing:
            return 0
        if self.stage == GREETING:
            self._begin_greeting()
            return 0
        return self._give_back()

    cdef int _give_back(self) except -1:
        cdef bytes kept = self.kept
        if not kept or self.closing:
            return 0
        self.kept = b""
        self.carry = <char*>malloc(len(kept))
        if self.carry == NULL:
            raise MemoryError()
        memcpy(self.carry, <const char*>kept, len(kept))
        self.carry_length = len(kept)
        if not self.paused:  # else resume() comes to it
            self.waits = True
            self.engine.finish_later(self)
        return 0

    # --- the beginning of a layer ---

    def start_tls(self, context not None) -> None:
        """What was written before leaves in clear; everything after that, in both directions, goes
        through TLS. A context is what an engine makes (`pynats_server.tls.engine`)."""
        self.start_layer(context.layer())

    def start_layer(self, Layer layer not None) -> None:
        """The same for a layer that was made elsewhere, of a client for instance."""
        cdef const char* data
        cdef size_t n
        if self.closing:
            return
        if self.layer is not None:
            raise RuntimeError("the connection has a layer")
        if self.carry_length or self.rest != NULL or self.assembly != NULL:
            raise RuntimeError("the protocol has begun")
        self.workroom = workroom_of(self.engine)
        if self.pending():
            Connection.flush(self)
        while self.pending():  # that the kernel has no room for
            n = output_next(&self.output, self.workroom.gathered, LAYER_RECORD, &data)
            if n == 0 or self.closing:
                break
            self._keep_sealed(data, n)
            output_consume(&self.output, n)
            self.output.outside += n
            self.output.sealed += n
        self.layer = layer
        self.reader = None
        self.stage = GREETING
        if not self.consulting:
            self._begin_greeting()

    cdef int _begin_greeting(self) except -1:
        cdef bytes kept = self.kept
        self.kept = b""
        if kept or self.layer.speaks_first:
            self.begun = True
            self._greet(kept)
        return 0

    cdef int _read_early(self) except -1:
        """Of a prologue, or of a greeting."""
        cdef char room[LOGIN_READ]
        cdef size_t most = LOGIN_READ
        cdef ssize_t n
        if self.stage == PROLOGUE:
            most = min(most, <size_t>(PROLOGUE_MOST - len(self.kept)))
        n = recv(self.fd, room, most, MSG_DONTWAIT)
        if n <= 0:
            if self.stage == PROLOGUE or (n < 0 and (errno == EAGAIN or errno == EINTR)):
                return self.end_of_input(n)
            if n < 0:
                return self._fail_greeting(f"read: {os.strerror(errno).lower()}")
            return self._fail_greeting("unexpected EOF" if self.begun else "EOF")
        self.last_input = self.engine.now
        if self.stage == PROLOGUE:
            self.kept += room[:n]
            return self._consult()
        self.begun = True
        return self._greet(room[:n])

    cdef int _greet(self, bytes data) except -1:
        """Nothing is read until the thread has done its step."""
        cdef Step step = Step(self.layer, data, self._greeted)
        step.job.gone = &self.closing  # which `_greeted` keeps alive
        # Still watched, because the peer waits for us as a rule: see on_ready.
        self.paused |= PAUSE_GREETING
        return self.workroom.greetings.submit(self.host, step)

    def _greeted(self, int answer, why) -> None:
        """The step is done."""
        if self.closing:
            return
        try:
            self._answer()
            if answer == LAYER_MORE:
                self.resume(PAUSE_GREETING)
            elif answer == LAYER_READY:
                self.tls = self.layer.peer()
                self.stage = LAYERED
                self.lively = REST_TICKS
                self.holds = True  # what came with the last step's bytes
                self.engine.handler.on_secured(self)
                if self.pending():
                    self.touch_output()
                self.resume(PAUSE_GREETING)
            else:
                self._fail_greeting("EOF" if answer == LAYER_ENDED else why)
        except Exception as error:
            self.engine._contain(self, error)

    cdef int _fail_greeting(self, str text) except -1:
        if self.closing:  # told already, or it ends for another reason
            return 0
        self.engine.handler.on_tls_failed(self, text)
        return self.close_with(TLS_HANDSHAKE_ERROR)

    # --- input ---

    cdef int on_readable(self) except -1:
        if self.stage == PLAIN:
            return Connection.on_readable(self)
        if self.stage == LAYERED:
            return self._read_layered()
        return self._read_early()

    cdef int _read_layered(self) except -1:
        cdef Chunk* chunk
        cdef size_t room
        cdef ssize_t n
        if not self.holds:
            chunk = self.chunk_to_fill()
            room = min(self.room_to_read(), <size_t>LAYER_READ)
            room = min(room, chunk.capacity - self.carry_length - LAYER_RECORD)
            n = recv(self.fd, self.workroom.incoming, room, MSG_DONTWAIT)
            if n <= 0:
                return self.end_of_input(n)
            self.last_input = self.engine.now
            count_bytes(self.engine, n)
            if self.layer.calls.feed(self.layer.state, self.workroom.incoming, n) < 0:
                raise MemoryError()
        return self._open()

    cdef int _open(self) except -1:
        """Opens all that there is, and parses it."""
        cdef Chunk* chunk = self.chunk_to_fill()
        cdef Layer layer = self.layer
        cdef char* at = chunk.data + self.carry_length
        cdef size_t left = chunk.capacity - self.carry_length
        cdef size_t missing = 0
        cdef size_t length = 0
        cdef bint large = self.assembly != NULL
        cdef ssize_t n
        self.holds = False
        self.lively = REST_TICKS
        if large:
            at = self.assembly.data + self.assembly_length
            left = missing = self.assembly.capacity - self.assembly_length
        while True:
            if left == 0 and large:  # what follows the large frame
                large = False
                at = chunk.data
                left = chunk.capacity
            if left == 0:
                self.holds = True
                break
            n = layer.calls.open(layer.state, at, left)
            if n <= 0:
                break
            self.engine.routing.steps += RECORD_STEPS
            at += n
            left -= n
            length += n
        if n == LAYER_ENDED:
            self.ended = CLIENT_CLOSED
        elif n == LAYER_FAILED:
            self.ended = READ_ERROR
        self._answer()
        if length:
            self.take_input(length, missing)
        if self.closing or self.paused or self.waits:
            return 0
        if self.ended:
            return self.close_with(self.ended)
        if self.holds:
            self.waits = True
            self.engine.finish_later(self)
        return 0

    cdef int go_on(self) except -1:
        Connection.go_on(self)
        if self.stage == LAYERED and not (self.paused or self.closing or self.waits):
            if self.ended:
                self.close_with(self.ended)
            elif self.holds:
                self._open()
        return 0

    # --- output ---

    cdef int _answer(self) except -1:
        """What the layer has to say of itself is sent as well: alerts, tickets, keys."""
        cdef ssize_t n = self.layer.calls.take(
            self.layer.state, self.workroom.outgoing, LAYER_SEND
        )
        if n > 0:
            self._keep_sealed(self.workroom.outgoing, n)
            self.output.outside += n
            self.output.sealed += n
            self.touch_output()
        return 0

    cdef int _keep_sealed(self, const char* data, size_t length) except -1:
        cdef size_t used = self.sealed_end - self.sealed_start
        cdef char* grown = <char*>malloc(used + length)
        if grown == NULL:
            raise MemoryError()
        if used:
            memcpy(grown, self.sealed + self.sealed_start, used)
        memcpy(grown + used, data, length)
        free(self.sealed)
        self.sealed = grown
        self.sealed_start = 0
        self.sealed_end = used + length
        return 0

    cdef ssize_t _seal(self) except -2:
        """Makes records of output in the shared room. How many bytes; LAYER_FAILED."""
        cdef Workroom room = self.workroom
        cdef Layer layer = self.layer
        cdef const char* data
        cdef size_t made = 0
        cdef size_t n
        cdef ssize_t became
        if self.stage != LAYERED:
            return 0
        self.lively = REST_TICKS
        while made + LAYER_RECORD + LAYER_OVERHEAD <= LAYER_SEND:
            n = output_next(&self.output, room.gathered, LAYER_RECORD, &data)
            if n == 0:
                break
            became = layer.calls.seal(
                layer.state, data, n, room.outgoing + made, LAYER_SEND - made
            )
            if became < 0:
                return -1
            output_consume(&self.output, n)
            self.output.outside += became
            self.output.sealed += became
            # The write deadline is about what was pending, which is more now.
            self.deadline_mark += became - n
            self.engine.routing.steps += RECORD_STEPS
            made += became
        return made

    cdef int write_through(self, const char* data, size_t length) except -1:
        if self.layer is None:
            return Connection.write_through(self, data, length)
        self.append(data, length)
        return self.flush()

    cdef int flush(self) except -1:
        if self.layer is None:
            return Connection.flush(self)
        return self._flush_layered()

    cdef int _flush_layered(self) except -1:
        cdef const char* data
        cdef ssize_t length
        cdef ssize_t n
        cdef int error
        cdef bint kept
        if self.closed:
            return 0
        while True:
            kept = self.sealed != NULL
            if kept:
                data = self.sealed + self.sealed_start
                length = self.sealed_end - self.sealed_start
            else:
                data = self.workroom.outgoing
                length = self._seal()
                if length < 0:
                    self.discard()
                    return self.close_with(WRITE_ERROR)
            if length == 0:
                if self.pending() == 0:
                    self._drained()
                break
            n = send(self.fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL)
            error = errno  # asking for memory may change it
            self.engine.routing.steps += SEND_STEPS
            if n > 0:
                count_bytes(self.engine, n)
                self.written += n
                self.output.outside -= n
                self.output.sealed -= n
            if kept:
                self.sealed_start += max(n, 0)
                if self.sealed_start == self.sealed_end:
                    free(self.sealed)
                    self.sealed = NULL
                    self.sealed_start = self.sealed_end = 0
            elif n < length:
                self._keep_sealed(data + max(n, 0), length - max(n, 0))
            if n >= 0 or error == EINTR:
                continue
            if error == EAGAIN:
                self._block()
                break
            self.discard()
            if self.stage == GREETING:
                return self._fail_greeting(f"write: {os.strerror(error).lower()}")
            return self.close_with(WRITE_ERROR)
        if self.backlog_since_ns and self.pending() < BACKLOG_LOW:
            self.engine.release(self)
        return 0

    cdef void discard(self) noexcept:
        Connection.discard(self)
        if self.sealed != NULL:
            free(self.sealed)
            self.sealed = NULL
            self.sealed_start = self.sealed_end = 0
            self.ended = self.ended or WRITE_ERROR  # a record was cut: nothing can follow it

    # --- time, and the end ---

    cdef int on_tick(self) except -1:
        if self.lively and self.stage == LAYERED:
            self.lively -= 1
            if self.lively == 0:
                self.layer.calls.rest(self.layer.state)
        return Connection.on_tick(self)

    cdef void _hang_up(self) noexcept:
        """Says goodbye first, where everything before it has left."""
        cdef ssize_t n
        if self.stage == LAYERED and not self.blocked and self.ended in (0, CLIENT_CLOSED):
            self.layer.calls.finish(self.layer.state)
            n = self.layer.calls.take(self.layer.state, self.workroom.outgoing, LAYER_SEND)
            if n > 0:
                send(self.fd, self.workroom.outgoing, n, MSG_DONTWAIT | MSG_NOSIGNAL)
        Connection._hang_up(self)
