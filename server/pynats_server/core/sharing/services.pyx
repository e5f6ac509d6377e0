"""See services.pxd."""
cimport cython
from cpython.ref cimport Py_INCREF
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcmp, memcpy

from functools import partial

from pynats_server.core.account cimport route, route_match
from pynats_server.core.engine cimport Peer, Routing
from pynats_server.core.interest.mapping cimport (
    LOST, MAPPED, Fate, KnownName, Mapper, NewName, Rule, name_free,
)
from pynats_server.core.interest.match cimport match_release, match_retain
from pynats_server.core.interest.sublist cimport Sublist
from pynats_server.core.interest.subscription cimport close_subscription, new_subscription
from pynats_server.core.limits cimport (
    CALL_STEPS, IMPORTS_DEEP, SAMPLED_READ, STEP_BYTES_SHIFT, STEP_HEADER_SHIFT, SUBJECT_ROOM,
)
from pynats_server.core.memory.bytemap cimport bytemap_hash
from pynats_server.core.sharing.responses cimport (
    PREFIX_LEN, REPLY_LEN, SUFFIX_LEN, TOKEN_LEN, Response, responses_of,
)
from pynats_server.core.tracing.request cimport redirected, replace_payload
from pynats_server.core.tracing.walk cimport walk

from pynats_server.core.tracing.request import DISABLED

cdef const char* INFO = b"Nats-Request-Info: "
cdef const char* FAST = b".$FI"  # ends the reply subjects of fast batches
cdef enum:
    INFO_LEN = 19
    FAST_LEN = 4
    FIRST_LEN = 10  # NATS/1.0\r\n
    MORE = FIRST_LEN + INFO_LEN + 6  # bytes that `_write_block` adds to a message, without who asks
    FEW = 1024  # bytes of a request that needs no memory of its own


cdef class ServiceExport:
    def __init__(
        self, Terms terms not None, latency=None, bint allow_trace=False, bint shown=False
    ):
        self.terms = terms
        self.shown = shown
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
    """Copies a header block but for what it says of who asks, and for the empty line at its end;
    at most FIRST_LEN bytes more than it has. Its last line may have no end."""
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
    if at == out:
        memcpy(at, b"NATS/1.0\r\n", FIRST_LEN)
        at += FIRST_LEN
    elif (at - 1)[0] != b'\n':  # what follows is a line of its own
        if (at - 1)[0] == b'\r':
            at -= 1
        memcpy(at, b"\r\n", 2)
        at += 2
    return at - out


cdef void _write_block(Message* msg, bytes info, char* block, Message* request) noexcept:
    """Writes headers and payload of a request: those of the message, and who asks."""
    cdef size_t length = len(info)
    cdef size_t body = msg.total_len - msg.header_len
    cdef char* at = block + _without_info(msg.payload, msg.header_len, block)
    if length:
        memcpy(at, INFO, INFO_LEN)
        memcpy(at + INFO_LEN, <const char*>info, length)
        memcpy(at + INFO_LEN + length, b"\r\n", 2)
        at += INFO_LEN + length + 2
    memcpy(at, b"\r\n", 2)
    at += 2
    memcpy(at, msg.payload + msg.header_len, body)
    request.payload = block
    request.header_len = <uint32_t>(at - block)
    request.total_len = <uint32_t>(at - block + body)
    request.borrowed = False
    request.requested = True
    request.lender = NULL
    request.via_len = 0


cdef bint _map(Mapper mapper, Message* request, NewName* name) except -1:
    """Gives a request the subject that the exporter maps it to. False = it goes nowhere."""
    cdef Rule rule = mapper.rule_of(request.subject, request.subject_len)
    cdef Fate fate
    if rule is None:
        return True
    fate = mapper.apply(rule, request.subject, request.subject_len, name)
    if fate == MAPPED:
        request.subject = name.subject
        request.subject_len = <uint32_t>name.length
    return fate != LOST


cdef bytes _steady(Mapper mapper, bytes name):
    """What a subject is mapped to each time; None = that is drawn, or nothing."""
    cdef KnownName* known = mapper.steady(name, len(name), bytemap_hash(name, len(name)))
    if known == NULL:
        return None
    return known.text[:known.length] if known.length else name


@cython.final
cdef class ServiceImport(Sink):
    """Messages to `local` go to `exporter`, renamed. `who(source, importer, share)` is the
    JSON that tells who asks: of a connection it tells the same for all imports of its account.
    Of a service that is only `shown` it gets what it is given, and subscribes to nothing."""

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
        self.terms = Terms(service.terms.kind, service.terms.threshold_ns)
        self.share = share
        self.who = who
        self.told_by = (who, share)
        self.responses = responses_of(engine, exporter)
        self.listening = new_subscription(self, local, len(local), b"", 0, b"0", 1)
        if service.shown:
            self.listening.closed = True
            self.listening.sink = None
        else:
            importer.sublist.insert(self.listening)
            importer.asked[local] = importer.asked.get(local, 0) + 1

    def __dealloc__(self):
        self._forget_way()

    def close(self) -> None:
        """Ends it. Idempotent."""
        self._forget_way()
        if not self.listening.closed:
            close_subscription(self.listening)
            self.importer.sublist.remove(self.listening)
            self.importer.asked[self.local] -= 1
            if not self.importer.asked[self.local]:
                del self.importer.asked[self.local]
            self.listening.sink = None  # nobody looks for circles in subscriptions

    def withdraw(self) -> None:
        """Ends it, and answers to what was asked go nowhere: it is not offered any more."""
        self.close()
        self.terms.withdraw()

    cdef int deliver(self, Subscription sub, Message* msg, Sink source) except -1:
        return self._carry(msg, source, None)

    cdef int trace(self, Subscription sub, Message* msg, Sink source, object trail) except -1:
        return self._carry(msg, source, <Trail>trail)

    cdef int _carry(self, Message* msg, Sink source, Trail trail) except -1:
        cdef char small[SUBJECT_ROOM]
        cdef char* name
        cdef size_t room
        cdef const char* subject = msg.via if msg.via_len else msg.subject
        cdef size_t length = msg.via_len or msg.subject_len
        cdef Match* known = NULL
        cdef void* answering = self.engine.routing.answering
        if self.service.active or self.engine.routing.imports >= IMPORTS_DEEP:
            return 0  # it has come back to where it was, as by what an account imports of itself
        if answering != NULL and answering != <void*>self.exporter:
            return 0
        self.service.active = True
        self.listening.delivered += 1
        self.engine.routing.imports += 1
        try:
            if trail is None:
                known = self._known(subject, length)
            if known != NULL:
                return self._request(
                    msg, source, known.subject, known.subject_len, None, known
                )
            if self.rename is None:
                return self._request(msg, source, subject, length, trail, NULL)
            room = self.rename.room(length)
            if room <= SUBJECT_ROOM:
                room = self.rename.put(subject, length, small)
                return self._request(msg, source, small, room, trail, NULL)
            name = <char*>malloc(room)
            if name == NULL:
                raise MemoryError()
            try:
                room = self.rename.put(subject, length, name)
                return self._request(msg, source, name, room, trail, NULL)
            finally:
                free(name)
        finally:
            self.service.active = False
            self.engine.routing.imports -= 1

    cdef Match* _known(self, const char* subject, size_t length) except? NULL:
        cdef Sublist there = self.exporter.sublist
        cdef Way* way = &self.way
        cdef uint64_t steps
        if length != way.length or memcmp(subject, way.subject, length) != 0:
            self._forget_way()
            if length <= sizeof(way.subject) and (self.rename is None or not self.rename.varies):
                memcpy(way.subject, subject, length)
                way.length = length
            return NULL
        if way.match != NULL and there.is_current(way.match):
            there.matches += 1
            there.cache_hits += 1
            return way.match
        if way.vain and way.generation == there.generation:
            return NULL
        self._forget_way()
        way.length = length
        name = subject[:length] if self.rename is None else self.rename.apply(subject[:length])
        if self.exporter.mapper is not None:
            name = _steady(self.exporter.mapper, name)
        if name is None or there.shortcut(name, len(name)) != NULL:
            way.vain = True  # it is not the same each time, or hardly comes again
            way.generation = there.generation
            return NULL
        steps = there.steps
        way.match = there.match(name, len(name))
        match_retain(way.match)
        self.engine.routing.steps += there.steps - steps
        return way.match

    cdef void _forget_way(self) noexcept:
        self.way.length = 0
        self.way.vain = False
        if self.way.match != NULL:
            match_release(self.way.match)
            self.way.match = NULL

    cdef int _request(
        self, Message* msg, Sink source, const char* subject, size_t length, Trail trail,
        Match* match,
    ) except -1:
        cdef Message request = msg[0]
        cdef NewName mapped
        cdef bytes info = self._info(msg, source)
        cdef size_t size = msg.total_len + MORE + len(info)
        cdef char few[FEW]
        cdef char* block = few
        if size > FEW:
            block = <char*>malloc(size)
            if block == NULL:
                raise MemoryError()
        mapped.large = NULL
        self.engine.routing.steps += msg.total_len >> STEP_BYTES_SHIFT
        try:
            _write_block(msg, info, block, &request)
            request.subject = subject
            request.subject_len = <uint32_t>length
            if match == NULL and self.exporter.mapper is not None and not _map(
                self.exporter.mapper, &request, &mapped
            ):
                return 0
            if trail is not None:
                payload = self._note(msg, &request, trail)
                if payload is None:
                    return 0
                replace_payload(&request, payload)
            return self._ask(msg, &request, source, trail, match)
        finally:
            name_free(&mapped)
            if block != few:
                free(block)

    cdef bytes _note(self, Message* msg, Message* request, Trail trail):
        """Tells a trace of the request, whose headers and payload it returns as they are for the
        exporter; None if it is only traced, and no further than here."""
        if not self.service.shown:
            trail.imported(
                self.exporter, msg.subject[:msg.subject_len], request.subject[:request.subject_len]
            )
        if not self.service.allow_trace and trail.only:
            return None
        self.engine.routing.steps += request.total_len >> STEP_HEADER_SHIFT
        return redirected(
            request, self.responses.hidden_dest() if self.service.allow_trace else DISABLED
        )

    cdef int _ask(
        self, Message* msg, Message* request, Sink source, Trail trail, Match* match
    ) except -1:
        """Routes a request at the exporter's. `msg` is what was asked here."""
        cdef Routing* routing = &self.engine.routing
        cdef char reply[REPLY_LEN + SUFFIX_LEN]
        cdef Response* response = NULL
        cdef int64_t delivered
        tracked = self._begin(msg, source) if self.service.latency is not None else None
        if msg.reply_len:
            response = self.responses.expect(
                self.terms, self.importer, msg.reply, msg.reply_len, reply
            )
            response.shared = self.share
            request.reply = reply
            request.reply_len = REPLY_LEN
            if tracked is not None:
                self._track(response, tracked, msg)
                memcpy(reply + REPLY_LEN, <const char*>self.service.suffix, SUFFIX_LEN)
                request.reply_len += SUFFIX_LEN
        if trail is not None and self.service.allow_trace:
            delivered = walk(self.exporter, source, request, routing, trail)
        elif match != NULL:
            delivered = route_match(match, source, request, routing)
        else:
            delivered = route(self.exporter, source, request, routing)
        if response != NULL and (delivered == 0 or self.service.shown):
            self.responses.forget(reply)
            if tracked is not None:
                tracked.unheard()
        return delivered != 0

    cdef object _begin(self, Message* msg, Sink source):
        """Whoever measures the latency of a request; None = nobody."""
        cdef size_t read = min(msg.header_len, <uint32_t>SAMPLED_READ)
        self.engine.routing.steps += CALL_STEPS + read
        tracked = self.service.latency.begin(
            source, self.share, msg.payload[:read], msg.reply_len != 0
        )
        if tracked is not None:
            self.engine.routing.steps += CALL_STEPS
        return tracked

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
                    self.engine.routing.steps += CALL_STEPS
                    told = p[:end - p]
                    return self.who.passed_on(told, self.importer, self.share)
        told = self._told(source)
        if msg.reply_len > FAST_LEN and memcmp(
            msg.reply + msg.reply_len - FAST_LEN, FAST, FAST_LEN
        ) == 0:  # the stream has to know it: what it says belongs to the message
            self.engine.routing.steps += CALL_STEPS
            return self.who.with_reply(told, msg.reply[:msg.reply_len])
        return told

    cdef bytes _told(self, Sink source):
        cdef Peer peer
        if not isinstance(source, Peer):
            self.engine.routing.steps += CALL_STEPS
            return self.who(source, self.importer, self.share)
        peer = <Peer>source
        if peer.told is None:
            peer.told = {}
        elif peer.told is self.asker:
            return self.told
        found = peer.told.get(self.told_by)
        if found is None:
            self.engine.routing.steps += CALL_STEPS
            found = peer.told[self.told_by] = self.who(source, self.importer, self.share)
        self.asker = peer.told
        self.told = found
        return found
