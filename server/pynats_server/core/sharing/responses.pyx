"""See responses.pxd."""
cimport cython
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from os import urandom

from pynats_server.core.account cimport route_match, route_once
from pynats_server.core.clock cimport monotonic_ns
from pynats_server.core.interest.match cimport Match, match_release
from pynats_server.core.interest.message cimport Message
from pynats_server.core.limits cimport STEP_HEADER_SHIFT
from pynats_server.core.memory.bytemap cimport bytemap_free, bytemap_get, bytemap_pop, bytemap_put
from pynats_server.core.native cimport pn_below
from pynats_server.core.tracing.request cimport redirected, replace_payload

from pynats_server.core.tracing.request import DISABLED

cdef const char* LETTERS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
cdef enum:
    SWEPT = 256  # responses that are given up in one go
    TELL_COST = 32  # of one that is measured, in others
    SWEEP_AGAIN_NS = 1000000
    LIST_LOOKED = 4096  # places that a step of `listed` looks at


KINDS = {"singleton": SINGLETON, "stream": STREAMED, "chunked": CHUNKED}


cdef void _draw(uint64_t* chance, char* out) noexcept:
    cdef int i
    for i in range(TOKEN_LEN):
        out[i] = LETTERS[pn_below(chance, 62)]


cdef class Terms:
    def __init__(self, int kind, int64_t threshold_ns):
        self.kind = kind
        self.threshold_ns = threshold_ns

    def withdraw(self) -> None:
        """Answers to what was asked so far go nowhere."""
        self.withdrawn = True


cdef void _enqueue(Terms terms, Response* response) noexcept:
    response.before = terms.last
    response.after = NULL
    if terms.last != NULL:
        terms.last.after = response
    else:
        terms.first = response
    terms.last = response


cdef void _dequeue(Terms terms, Response* response) noexcept:
    if response.before != NULL:
        response.before.after = response.after
    else:
        terms.first = response.after
    if response.after != NULL:
        response.after.before = response.before
    else:
        terms.last = response.before


cdef void _owe(Response* response) noexcept:
    """The newest that its requester waits for."""
    cdef Account requester = <Account>response.requester
    response.older = <Response*>requester.owed_last
    response.newer = NULL
    if response.older != NULL:
        response.older.newer = response
    else:
        requester.owed_first = response
    requester.owed_last = response
    requester.owed += 1


cdef void _settle(Response* response) noexcept:
    """Its requester does not wait for it any more."""
    cdef Account requester = <Account>response.requester
    if response.older != NULL:
        response.older.newer = response.newer
    else:
        requester.owed_first = response.newer
    if response.newer != NULL:
        response.newer.older = response.older
    else:
        requester.owed_last = response.older
    requester.owed -= 1


cdef class Responses(Sink):
    """`account` is the exporter."""

    def __init__(self, Engine engine not None, Account account not None):
        self.engine = engine
        self.account = account
        self.chance = int.from_bytes(urandom(8), "little") | 1
        memcpy(self.prefix, b"_R_.", 4)
        _draw(&self.chance, self.prefix + 4)
        self.prefix[PREFIX_LEN - 1] = b'.'
        self.back = {}
        self.watched = set()
        self.listening = account.attach_shortcut(self.prefix[:PREFIX_LEN], self)

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.pending.capacity):
            if self.pending.slots[i].value != NULL:
                _free(<Response*>self.pending.slots[i].value)
        bytemap_free(&self.pending)

    @property
    def count(self) -> int:
        """How many are awaited."""
        return self.pending.used

    def listed(self, uint32_t slot=0, uint32_t most=256) -> tuple:
        """(some of those that are awaited, where the others begin or None when there are none): each
        as (subject, account that waits, its subject, whether the exporter may know who, who measures
        it or None). What comes or goes in between may be left out, or listed twice."""
        cdef Response* response
        cdef uint32_t end = min(self.pending.capacity, slot + LIST_LOOKED)
        found = []
        while slot < end and <uint32_t>len(found) < most:
            response = <Response*>self.pending.slots[slot].value
            slot += 1
            if response != NULL:
                found.append((
                    self.prefix[:PREFIX_LEN] + response.token[:TOKEN_LEN],
                    <Account>response.requester,
                    (<char*>response + sizeof(Response))[:response.reply_len],
                    bool(response.shared),
                    <object>response.tracked if response.tracked != NULL else None,
                ))
        return found, slot if slot < self.pending.capacity else None

    cdef Response* expect(
        self, Terms terms, Account requester, const char* reply, size_t length, char* subject
    ) except NULL:
        cdef Response* made
        if requester.owed >= RESPONSES_KEPT:
            made = <Response*>requester.owed_first
            (<Responses>made.keeper)._give_up(made)
        made = <Response*>malloc(sizeof(Response) + length)
        if made == NULL:
            raise MemoryError()
        memset(made, 0, sizeof(Response))
        while True:
            _draw(&self.chance, made.token)
            if bytemap_get(&self.pending, made.token, TOKEN_LEN) == NULL:
                break
        memcpy(<char*>made + sizeof(Response), reply, length)
        made.reply_len = <uint32_t>length
        made.terms = <void*>terms
        made.requester = <void*>requester
        made.keeper = <void*>self
        made.deadline = self._now() + terms.threshold_ns
        bytemap_put(&self.pending, made.token, TOKEN_LEN, made)
        Py_INCREF(terms)
        Py_INCREF(requester)
        _enqueue(terms, made)
        _owe(made)
        if terms.timer is None:
            self._watch(terms)
        memcpy(subject, self.prefix, PREFIX_LEN)
        memcpy(subject + PREFIX_LEN, made.token, TOKEN_LEN)
        return made

    cdef int forget(self, const char* subject) noexcept:
        cdef Response* response = <Response*>bytemap_get(
            &self.pending, subject + PREFIX_LEN, TOKEN_LEN
        )
        if response != NULL:
            self.end(response)
        return 0

    def forgo(self, bytes subject not None) -> None:
        """As `forget`."""
        self.forget(subject)

    def close(self) -> None:
        """The account is gone. What is still awaited ends with its time."""
        cdef Terms terms
        self.account.unsubscribe(self.listening)
        self.listening.sink = None  # nobody looks for circles in subscriptions
        for terms in self.watched:
            if terms.first == NULL:
                terms.timer.cancel()
        if self.account.responses is self:
            self.account.responses = None

    cdef int end(self, Response* response) noexcept:
        bytemap_pop(&self.pending, response.token, TOKEN_LEN)
        _dequeue(<Terms>response.terms, response)
        _free(response)
        return 0

    cdef int _give_up(self, Response* response) except -1:
        tracked = <object>response.tracked if response.tracked != NULL else None
        self.end(response)
        if tracked is not None:
            tracked.unanswered()
        return 0

    cdef Terms back_terms(self, Terms terms):
        """A conversation goes on as it began. Each has its queue here, by kind and time."""
        key = (terms.kind, terms.threshold_ns)
        known = self.back.get(key)
        if known is None:
            known = self.back[key] = Terms(terms.kind, terms.threshold_ns)
        return known

    def _watch(self, Terms terms) -> None:
        left = max(terms.first.deadline - monotonic_ns(), SWEEP_AGAIN_NS)
        terms.timer = self.engine.loop.call_later(left / 1e9, self._sweep, terms)
        self.watched.add(terms)

    def _sweep(self, Terms terms) -> None:
        """Gives up what has had no answer for too long."""
        cdef int64_t now = monotonic_ns()
        cdef int count = 0
        cdef Response* response
        terms.timer = None
        self.watched.discard(terms)
        while terms.first != NULL and terms.first.deadline <= now and count < SWEPT:
            count += TELL_COST if terms.first.tracked != NULL else 1
            self._give_up(terms.first)
        if terms.first != NULL:
            self._watch(terms)

    cdef int64_t _now(self) noexcept:
        return self.engine.now if self.engine.in_turn else monotonic_ns()

    cdef int deliver(self, Subscription sub, Message* msg, Sink source) except -1:
        return self._answer(msg, source, None)

    cdef int trace(self, Subscription sub, Message* msg, Sink source, object trail) except -1:
        return self._answer(msg, source, <Trail>trail)

    cdef bytes hidden_dest(self):
        cdef char token[TOKEN_LEN]
        _draw(&self.chance, token)
        return self.prefix[:PREFIX_LEN] + token[:TOKEN_LEN]

    @cython.final
    cdef int _answer(self, Message* msg, Sink source, Trail trail) except -1:
        cdef Response* response = self._find(msg)
        cdef Message answer
        cdef Account requester
        cdef Terms terms
        cdef char own_reply[REPLY_LEN]
        cdef Responses others
        cdef bint is_last
        if response == NULL:
            return 0
        terms = <Terms>response.terms
        requester = <Account>response.requester
        if response.deadline <= self._now() or terms.withdrawn:
            return 0  # the sweep ends it
        # What a consumer sends may be empty, and it is acknowledged where it comes from.
        is_last = terms.kind == SINGLETON or (msg.total_len == 0 and msg.via_len == 0)
        reply = (<char*>response + sizeof(Response))[:response.reply_len]
        tracked = <object>response.tracked if response.tracked != NULL else None
        if is_last:
            self.end(response)
        else:
            response.deadline = self._now() + terms.threshold_ns
            _dequeue(terms, response)
            _enqueue(terms, response)
            _settle(response)
            _owe(response)
        if tracked is not None:
            tracked.answered(source)
        if trail is not None:
            trail.imported(requester, msg.subject[:msg.subject_len], reply)
            if trail.only:
                return 1
        answer = msg[0]
        answer.requested = False
        if trail is not None:  # answers are not traced further
            self.engine.routing.steps += msg.total_len >> STEP_HEADER_SHIFT
            payload = redirected(msg, DISABLED)
            replace_payload(&answer, payload)
        if msg.via_len:
            return self._pass_on(requester, source, &answer, reply)
        answer.subject = reply
        answer.subject_len = <uint32_t>len(<bytes>reply)
        if msg.reply_len:  # the conversation goes on
            others = responses_of(self.engine, requester)
            others.expect(others.back_terms(terms), self.account, msg.reply, msg.reply_len, own_reply)
            answer.reply = own_reply
            answer.reply_len = REPLY_LEN
        return self._route(requester, source, &answer, NULL)

    cdef int _pass_on(
        self, Account requester, Sink source, Message* answer, bytes reply
    ) except -1:
        """What a consumer sends: receivers see the subject under which it is stored."""
        cdef Match* match = requester.sublist.match_once(reply, len(reply))
        answer.via = reply
        answer.via_len = <uint32_t>len(reply)
        try:
            return self._route(requester, source, answer, match)
        finally:
            match_release(match)

    @cython.final
    cdef int _route(
        self, Account requester, Sink source, Message* answer, Match* match
    ) except -1:
        """An answer asks no service of a third account: who is told there would not be who asks."""
        cdef void* answering = self.engine.routing.answering
        self.engine.routing.answering = <void*>self.account
        try:
            if match != NULL:
                route_match(match, source, answer, &self.engine.routing)
            else:
                route_once(requester, source, answer, &self.engine.routing)
        finally:
            self.engine.routing.answering = answering
        return 1

    cdef Response* _find(self, Message* msg) noexcept:
        cdef const char* token = (msg.via if msg.via_len else msg.subject) + PREFIX_LEN
        cdef size_t length = msg.via_len or msg.subject_len
        cdef size_t n = length - PREFIX_LEN
        if length < REPLY_LEN or (n > TOKEN_LEN and token[TOKEN_LEN] != b'.'):
            return NULL
        return <Response*>bytemap_get(&self.pending, token, TOKEN_LEN)


cdef void _free(Response* response) noexcept:
    _settle(response)
    Py_DECREF(<object>response.terms)
    Py_DECREF(<object>response.requester)
    if response.tracked != NULL:
        Py_DECREF(<object>response.tracked)
    free(response)


cdef Responses responses_of(Engine engine, Account account):
    if account.responses is None:
        account.responses = Responses(engine, account)
    return <Responses>account.responses
