"""TLS by Python's `ssl`, as the layer of a connection: there is always that. Slower, and with what
`ssl` has no way to say left at its defaults; see `fallback_context.py`.

Its calls raise an exception where there is nothing to read, which costs more than the record before
it. So whole records are counted, by their heads, and it is asked so often and no more.
"""
from cpython.buffer cimport PyBUF_READ, PyBUF_WRITE
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.string cimport memcpy

import ssl

from pynats_server.core.sockets.layer cimport (
    LAYER_ENDED, LAYER_FAILED, LAYER_MORE, LAYER_READY, Layer, LayerCalls,
)
from pynats_server.tls.engine.heads cimport Heads, heads_follow, heads_may_begin
from pynats_server.tls.engine.session cimport HELLO_MOST, HELLO_MOST_CERTIFIED, IDLE_RECORDS

from pynats_server.tls.engine.base import PeerTls
from pynats_server.tls.engine.faults import reason_text, verdict_text
from pynats_server.tls.suites import iana_name

PROTOCOL_VERSION = b"\x15\x03\x01\x00\x02\x02\x46"


cdef class FallbackLayer(Layer):
    cdef object __weakref__
    cdef public str asked  # the name that the client wants
    cdef object context
    cdef object incoming
    cdef object outgoing
    cdef object tls
    cdef str fault
    cdef bytes parting  # what is sent besides what `ssl` sends
    cdef bint ready, failed, finished
    cdef size_t shaken
    cdef bytes said  # what a client has said before it is looked at
    cdef int records  # whole ones that are not read yet
    cdef int early  # so many of those are of the handshake, at most
    cdef bint carried  # one of the last lot had bytes for the protocol
    cdef int idle
    cdef Heads heads

    def __init__(self, context not None, str name=""):
        self.context = context
        self.speaks_first = context.client
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.calls = &calls
        self.state = <void*>self
        self.said = self.parting = b""
        self.fault = self.asked = ""
        self.tls = name  # until it begins

    # --- the handshake ---

    def greet(self, bytes data not None) -> int:
        if self.failed:
            return LAYER_FAILED
        if isinstance(self.tls, str):
            if not self.context.client:
                self.said += data
                if not heads_may_begin(self.said, len(self.said)):
                    return LAYER_MORE
                data, self.said = self.said, b""
            self.tls = self.context.session(self, self.incoming, self.outgoing, self.tls or None)
        if data:
            if not self.context.client and self._is_no_hello(data):
                return LAYER_FAILED
            self.shaken += len(data)
            if self.shaken > (HELLO_MOST_CERTIFIED if self.context.verifies else HELLO_MOST):
                return self._fail("tls: handshake is too long")
            self.incoming.write(data)
            # At least those that will be left when it is done.
            self.records = <int>heads_follow(&self.heads, data, len(data))
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return LAYER_MORE
        except ssl.SSLCertVerificationError as error:
            return self._fail(verdict_text(error.verify_code, error.verify_message, ()))
        except (ssl.SSLError, OSError) as error:
            return self._fail(_words(error))
        self.ready = True
        self.early = self.records
        return LAYER_READY

    def _is_no_hello(self, bytes data) -> bool:
        """Looks at the head of the first record, as `session` does."""
        if self.shaken:
            return False
        if data[0] == 0x80:
            self.parting = PROTOCOL_VERSION
            self._fail("tls: unsupported SSLv2 handshake received")
        elif data[0] not in (21, 22) or data[1] >= 0x10:
            self._fail("tls: first record does not look like a TLS handshake")
        return self.failed

    def refuse_name(self) -> None:
        """There is no certificate for anybody."""
        self.fault = "tls: no certificates configured"

    def _fail(self, str why) -> int:
        self.failed = True
        self.fault = self.fault or why
        return LAYER_FAILED

    def failure(self) -> str:
        return self.fault

    def peer(self) -> PeerTls:
        cipher = self.tls.cipher()
        return PeerTls(
            self.tls.version().removeprefix("TLSv"),
            iana_name(cipher[0]),
            _chain(self.tls, "get_unverified_chain"),
            _chain(self.tls, "get_verified_chain") if self.context.verifies else (),
            self.asked,
        )

    # --- records ---

    cdef int feed(self, const char* data, size_t length) except -1:
        self.incoming.write(PyMemoryView_FromMemory(<char*>data, length, PyBUF_READ))
        self.records += <int>heads_follow(&self.heads, data, length)
        return 0

    cdef ssize_t open_some(self, char* to, size_t room) except? -9:
        cdef ssize_t n
        if self.failed or not self.ready:
            return LAYER_FAILED
        if self.records == 0:
            self.carried = False
            return LAYER_MORE
        try:
            n = self.tls.read(room, PyMemoryView_FromMemory(to, room, PyBUF_WRITE))
        except ssl.SSLWantReadError:
            self.idle = 0 if self.carried else self.idle + max(0, self.records - self.early)
            self.carried = False
            self.records = self.early = 0
            if self.idle > IDLE_RECORDS:
                return self._fail("tls: too many ignored records")
            return LAYER_MORE
        except ssl.SSLZeroReturnError:
            return LAYER_ENDED
        except (ssl.SSLError, OSError) as error:
            return self._fail(_words(error))
        if n == 0:
            return LAYER_ENDED
        self.carried = True
        self.idle = 0
        if self.records > 0 and not self.tls.pending():
            self.records -= 1
        return n

    cdef ssize_t seal_some(
        self, const char* data, size_t length, char* to, size_t room
    ) except? -9:
        if not self.ready or self.failed or self.finished:
            return LAYER_FAILED
        try:
            self.tls.write(PyMemoryView_FromMemory(<char*>data, length, PyBUF_READ))
        except (ssl.SSLError, OSError) as error:
            return self._fail(_words(error))
        return self.take_some(to, room)

    cdef ssize_t take_some(self, char* to, size_t room) except? -9:
        cdef bytes found = self.outgoing.read(room)
        if not found:
            found, self.parting = self.parting[:room], self.parting[room:]
        memcpy(to, <const char*>found, len(found))
        return len(found)

    cdef int say_goodbye(self) except -1:
        if self.ready and not self.failed and not self.finished:
            self.finished = True
            try:
                self.tls.unwrap()
            except (ssl.SSLError, OSError):
                pass  # the peer's goodbye is not waited for
        return 0


def _words(error) -> str:
    reason = getattr(error, "reason", None) or ""
    return reason_text(reason.lower().replace("_", " "))


def _chain(tls, str which) -> tuple:
    """DER. Until Python 3.13 that was not public."""
    found = getattr(tls, which, None) or getattr(tls._sslobj, which)
    return tuple([
        each if isinstance(each, bytes) else each.public_bytes(2)  # _ssl.ENCODING_DER
        for each in found() or ()
    ])


# --- as a layer: what goes wrong in our own code ends the connection ---

cdef int _feed(void* state, const char* data, size_t length) noexcept with gil:
    try:
        return (<FallbackLayer>state).feed(data, length)
    except BaseException:
        return -1

cdef ssize_t _open(void* state, char* to, size_t room) noexcept with gil:
    try:
        return (<FallbackLayer>state).open_some(to, room)
    except BaseException as error:
        return (<FallbackLayer>state)._fail(f"tls: internal error: {error!r}")

cdef ssize_t _seal(
    void* state, const char* data, size_t length, char* to, size_t room
) noexcept with gil:
    try:
        return (<FallbackLayer>state).seal_some(data, length, to, room)
    except BaseException as error:
        return (<FallbackLayer>state)._fail(f"tls: internal error: {error!r}")

cdef ssize_t _take(void* state, char* to, size_t room) noexcept with gil:
    try:
        return (<FallbackLayer>state).take_some(to, room)
    except BaseException:
        return 0

cdef int _greet(void* state, const char* data, size_t length) noexcept with gil:
    try:
        return (<FallbackLayer>state).greet(data[:length])
    except BaseException as error:
        return (<FallbackLayer>state)._fail(f"tls: internal error: {error!r}")

cdef void _finish(void* state) noexcept with gil:
    try:
        (<FallbackLayer>state).say_goodbye()
    except BaseException:
        pass

cdef void _rest(void* state) noexcept with gil:
    pass  # a MemoryBIO that has been read empty has given its memory back


cdef LayerCalls calls
calls.feed = _feed
calls.open = _open
calls.seal = _seal
calls.take = _take
calls.greet = _greet
calls.finish = _finish
calls.rest = _rest
