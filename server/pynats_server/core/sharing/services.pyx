"""See services.pxd."""
cimport cython
from cpython.ref cimport Py_INCREF
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcmp, memcpy

from functools import partial

from pynats_server.core.account cimport route
from pynats_server.core.interest.mapping cimport LOST, MAPPED, NewName, Rule
from pynats_server.core.interest.subscription cimport close_subscription, new_subscription
from pynats_server.core.limits cimport IMPORTS_DEEP, SUBJECT_ROOM
from pynats_server.core.sharing.responses cimport (
    PREFIX_LEN, REPLY_LEN, SUFFIX_LEN, TOKEN_LEN, Response, responses_of,
)
from pynats_server.core.tracing.request cimport redirected, replace_payload
from pynats_server.core.tracing.walk cimport walk

from pynats_server.core.tracing.request import DISABLED

cdef const char* INFO = b"Nats-Request-Info: "
cdef enum:
    INFO_LEN = 19
    FIRST_LEN = 10  # NATS/1.0\r\n


cdef class ServiceExport:
    def __init__(self, Terms terms not None, latency=None, bint allow_trace=False):
        self.terms = terms
        self.latency = latency
        self.suffix = latency.suffix if latency is not None else b""
        if latency is not None and len(self.suffix) != SUFFIX_LEN:
            raise ValueError(f"a suffix has {SUFFIX_LEN} characters")
        self.allow_trace = allow_trace


cdef const char* _find_info(const char* block, size_t length) noexcept:
    """What a header block says of who asks; NULL without that."""
    cdef const char* p = block
    cdef const char* end = block + length
    while p < end:
        p = <const char*>memchr(p, b'\n', end - p)
        if p == NULL or end - p <= INFO_LEN:
            return NULL
        p += 1
        if memcmp(p, INFO, INFO_LEN) == 0:
            return p + INFO_LEN
    return NULL


cdef size_t _without_info(const char* block, size_t length, char* out) noexcept:
    """Copies a header block but for what it says of who asks, and for the empty line at its end."""
    cdef const char* p = block
    cdef const char* end = block + length
    cdef const char* stop
    cdef char* at = out
    while p < end:
        stop = <const char*>memchr(p, b'\n', end - p)
        stop = end if stop == NULL else stop + 1
        if stop - p <= 2:
            break
        if not (stop - p > INFO_LEN - 1 and memcmp(p, INFO, INFO_LEN - 1) == 0):
            memcpy(at, p, stop - p)
            at += stop - p
        p = stop
    return at - out


cdef class ServiceImport(Sink):
    """Messages to `local` go to `exporter`, renamed. `who(source, importer, share)` is the
    JSON that tells who asks."""

    def __init__(
        self, Engine engine not None, Account importer not None, Account exporter not None,
        bytes local not None, Rename rename, ServiceExport service not None, who, bint share=False,
    ):
        self.engine = engine
        self.importer = importer
        self.exporter = exporter
        self.local = local
        self.rename = rename
        self.service = service
        self.share = share
        self.who = who
        self.responses = responses_of(engine, exporter)
        self.listening = new_subscription(self, local, len(local), b"", 0, b"0", 1)
        importer.sublist.insert(self.listening)

    def close(self) -> None:
        """Ends it. Idempotent."""
        if not self.listening.closed:
            close_subscription(self.listening)
            self.importer.sublist.remove(self.listening)

    cdef int deliver(self, Subscription sub, Message* msg, Sink source) except -1:
        return self._carry(msg, source, None)

    cdef int trace(self, Subscription sub, Message* msg, Sink source, object trail) except -1:
        return self._carry(msg, source, <Trail>trail)

    @cython.final
    cdef int _carry(self, Message* msg, Sink source, Trail trail) except -1:
        cdef char small[SUBJECT_ROOM]
        cdef char* name
        cdef size_t room
        cdef const char* subject = msg.via if msg.via_len else msg.subject
        cdef size_t length = msg.via_len or msg.subject_len
        if self.engine.routing.imports and (
            self.active  # it has come back to where it was
            or self.importer is self.exporter  # of itself an account gets only what begins there
            or self.engine.routing.imports >= IMPORTS_DEEP
        ):
            return 0
        self.active = True
        self.listening.delivered += 1
        self.engine.routing.imports += 1
        try:
            if self.rename is None:
                return self._request(msg, source, subject, length, trail)
            room = self.rename.room(length)
            if room <= SUBJECT_ROOM:
                room = self.rename.put(subject, length, small)
                return self._request(msg, source, small, room, trail)
            name = <char*>malloc(room)
            if name == NULL:
                raise MemoryError()
            try:
                room = self.rename.put(subject, length, name)
                return self._request(msg, source, name, room, trail)
            finally:
                free(name)
        finally:
            self.active = False
            self.engine.routing.imports -= 1

    @cython.final
    cdef int _request(
        self, Message* msg, Sink source, const char* subject, size_t length, Trail trail
    ) except -1:
        cdef Message request = msg[0]
        cdef NewName mapped
        cdef Rule rule
        cdef char reply[REPLY_LEN + SUFFIX_LEN]
        cdef Response* response = NULL
        cdef bint shared = self.engine.routing.shared
        cdef bytes info = self._info(msg, source)
        cdef size_t own = len(info)
        cdef char* block = <char*>malloc(FIRST_LEN + INFO_LEN + own + 4 + msg.total_len)
        cdef char* at = block
        cdef int64_t delivered
        if block == NULL:
            raise MemoryError()
        mapped.large = NULL
        tracked = None
        try:
            if msg.header_len:
                at += _without_info(msg.payload, msg.header_len, at)
            else:
                memcpy(at, b"NATS/1.0\r\n", FIRST_LEN)
                at += FIRST_LEN
            if own:
                memcpy(at, INFO, INFO_LEN)
                memcpy(at + INFO_LEN, <const char*>info, own)
                memcpy(at + INFO_LEN + own, b"\r\n", 2)
                at += INFO_LEN + own + 2
            memcpy(at, b"\r\n", 2)
            at += 2
            request.header_len = <uint32_t>(at - block)
            memcpy(at, msg.payload + msg.header_len, msg.total_len - msg.header_len)
            request.total_len = request.header_len + msg.total_len - msg.header_len
            request.payload = block
            request.borrowed = False
            request.requested = True
            request.lender = NULL
            request.via_len = 0
            request.subject = subject
            request.subject_len = <uint32_t>length
            if self.exporter.mapper is not None:
                rule = self.exporter.mapper.rule_of(subject, length)
                if rule is not None:
                    fate = self.exporter.mapper.apply(rule, subject, length, &mapped)
                    if fate == LOST:
                        return 0
                    if fate == MAPPED:
                        request.subject = mapped.subject
                        request.subject_len = <uint32_t>mapped.length
            if trail is not None:
                trail.imported(
                    self.exporter, msg.subject[:msg.subject_len],
                    request.subject[:request.subject_len],
                )
                if not self.service.allow_trace and trail.only:
                    return 0
                payload = redirected(
                    &request,
                    self.responses.hidden_dest() if self.service.allow_trace else DISABLED,
                )
                replace_payload(&request, payload)
            if self.service.latency is not None:
                tracked = self.service.latency.begin(
                    source, self.share, msg.payload[:msg.header_len], msg.reply_len != 0
                )
            if msg.reply_len:
                response = self.responses.expect(
                    self.service.terms, self.importer, msg.reply, msg.reply_len, reply
                )
                response.shared = self.share
                request.reply = reply
                request.reply_len = REPLY_LEN
                if tracked is not None:
                    self._track(response, tracked, msg)
                    memcpy(reply + REPLY_LEN, <const char*>self.service.suffix, SUFFIX_LEN)
                    request.reply_len += SUFFIX_LEN
            self.engine.routing.shared = self.share
            if trail is not None and self.service.allow_trace:
                delivered = walk(self.exporter, source, &request, &self.engine.routing, trail)
            else:
                delivered = route(self.exporter, source, &request, &self.engine.routing)
            if delivered == 0 and response != NULL:
                self.responses.forget(reply)
                if tracked is not None:
                    tracked.unheard()
            return delivered != 0
        finally:
            self.engine.routing.shared = shared
            free(mapped.large)
            free(block)

    cdef int _track(self, Response* response, tracked, Message* msg) except -1:
        """The latency of a request is measured: it is told when the response ends."""
        subject = self.responses.prefix[:PREFIX_LEN] + response.token[:TOKEN_LEN]
        Py_INCREF(tracked)
        response.tracked = <void*>tracked
        tracked.awaits(
            self.importer, msg.reply[:msg.reply_len],
            partial(self.responses.forgo, subject),
        )
        return 0

    cdef bytes _info(self, Message* msg, Sink source):
        """Who asks: whom the import before this one has named, if there was one."""
        cdef const char* p
        cdef const char* end
        if self.engine.routing.imports > 1:
            p = _find_info(msg.payload, msg.header_len)
            if p != NULL:
                end = <const char*>memchr(p, b'\r', msg.payload + msg.header_len - p)
                if end != NULL:
                    told = p[:end - p]
                    return self.who.passed_on(told, self.importer, self.engine.routing.shared)
        return self.who(source, self.importer, self.share)
