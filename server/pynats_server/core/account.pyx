"""See account.pxd."""
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from pynats_server.core.engine cimport Engine, Peer
from pynats_server.core.interest.match cimport MatchQueue, match_release, match_retain
from pynats_server.core.interest.sublist cimport Shortcut
from pynats_server.core.interest.subscription cimport (
    Subscription, close_subscription, hand_over, new_subscription,
)
from pynats_server.core.limits cimport BULK_RECEIVERS, CALL_STEPS
from pynats_server.core.native cimport pn_below
from pynats_server.core.senders.audience cimport listens
from pynats_server.core.senders.watches cimport Watch, Watches


cdef int64_t route_match(Match* match, Sink source, Message* msg, Routing* routing) except -1:
    routing.steps += 1 + match.n_plain + match.n_queues
    if match.n_plain <= BULK_RECEIVERS or routing.bulk:
        return _deliver_to_all(match, source, msg, routing)
    routing.bulk = True
    try:
        return _deliver_to_all(match, source, msg, routing)
    finally:
        routing.bulk = False


cdef inline int64_t _deliver_to_all(
    Match* match, Sink source, Message* msg, Routing* routing
) except -1:
    cdef int64_t delivered = 0
    cdef uint32_t i, j, start
    cdef MatchQueue* queue
    cdef Subscription sub
    match_retain(match)  # a delivery may run code that changes the subscriptions
    try:
        for i in range(match.n_plain):
            sub = <Subscription>match.plain[i]
            if not sub.closed:
                delivered += hand_over(sub, msg, source)
        for i in range(match.n_queues):
            queue = &match.queues[i]
            # A random member; when it cannot take the message, the next ones in turn.
            start = pn_below(&routing.random, queue.length) if queue.length > 1 else 0
            for j in range(queue.length):
                sub = <Subscription>queue.members[(start + j) % queue.length]
                if not sub.closed and hand_over(sub, msg, source):
                    delivered += 1
                    break
                routing.steps += 1
    finally:
        match_release(match)
    return delivered


cdef int64_t route(Account account, Sink source, Message* msg, Routing* routing) except -1:
    cdef uint64_t before
    cdef Sublist sublist = account.sublist
    cdef Match* match
    cdef Shortcut* shortcut
    cdef void* only
    if sublist.n_shortcuts:
        shortcut = sublist.shortcut(msg.subject, msg.subject_len)
        if shortcut != NULL:
            if not sublist.is_alone(shortcut, msg.subject, msg.subject_len):
                return route_once(account, source, msg, routing)
            return route_only(shortcut.sub, source, msg, routing)
    before = sublist.steps
    match = sublist.cached_match(msg.subject, msg.subject_len)
    if match == NULL:
        if not sublist.keeps_next() and sublist.only(msg.subject, msg.subject_len, &only):
            routing.steps += sublist.steps - before
            return route_only(only, source, msg, routing)
        match = sublist.new_match(msg.subject, msg.subject_len)
    routing.steps += sublist.steps - before
    return route_match(match, source, msg, routing)


cdef int64_t route_only(void* sub, Sink source, Message* msg, Routing* routing) except -1:
    cdef Subscription held
    routing.steps += 1
    if sub == NULL:
        return 0
    held = <Subscription>sub  # a delivery may run code that ends it
    if held.closed:
        return 0
    routing.steps += 1
    return hand_over(held, msg, source)


cdef int64_t route_once(Account account, Sink source, Message* msg, Routing* routing) except -1:
    cdef Sublist sublist = account.sublist
    cdef uint64_t before = sublist.steps
    cdef Match* match
    cdef void* only
    if sublist.only(msg.subject, msg.subject_len, &only):
        sublist.matches += 1
        routing.steps += sublist.steps - before
        return route_only(only, source, msg, routing)
    match = sublist.match_once(msg.subject, msg.subject_len)
    routing.steps += sublist.steps - before
    try:
        return route_match(match, source, msg, routing)
    finally:
        match_release(match)


cdef class ServiceSink(Sink):
    """An internal subscriber: calls `callback(account, subject, reply, headers, payload)` with
    bytes (headers: the raw block, empty when there is none; reply empty likewise), and with the
    publishing connection (None = the server itself) as a sixth argument when asked to."""
    cdef int deliver(self, Subscription sub, Message* msg, Sink source) except -1:
        sub.delivered += 1
        if isinstance(source, Peer):
            (<Peer>source).engine.routing.steps += CALL_STEPS
        subject = msg.subject[:msg.subject_len]
        reply = msg.reply[:msg.reply_len]
        headers = msg.payload[:msg.header_len]
        payload = msg.payload[msg.header_len:msg.total_len]
        if self.with_source:
            self.callback(self.account, subject, reply, headers, payload, source)
        else:
            self.callback(self.account, subject, reply, headers, payload)
        return 1


cdef class Borrowing:
    cdef int joined(self, Subscription sub) except -1:
        raise NotImplementedError


cdef int drop_shadows(Subscription sub) except -1:
    cdef list shadows = sub.shadows
    cdef Subscription shadow
    sub.shadows = None
    for shadow in shadows:
        shadow.closed = True
        shadow.origin = None
        shadow.taken = None
        (<Account>shadow.home).sublist.remove(shadow)
        shadow.home = None
        shadow.sink = None
    return 0


cdef int set_filtered(Subscription sub, bint filtered) except -1:
    cdef Subscription shadow
    sub.filtered = filtered
    if sub.shadows is not None:
        for shadow in sub.shadows:
            shadow.filtered = filtered
            (<Account>shadow.home).sublist.touch(shadow)
    return 0


cdef class Account:
    def __init__(self, str name not None, cache: bool = True, is_system: bool = False):
        self.name = name
        self.is_system = is_system
        self.sublist = Sublist() if cache else Sublist(0)
        self.clients = set()
        self.takers = set()
        self.asked = {}

    def __repr__(self) -> str:
        return f"Account({self.name!r})"

    cdef int join(self, Subscription sub) except -1:
        self.sublist.insert(sub)
        if self.borrowing is not None:
            self.borrowing.joined(sub)
        return 0

    cdef int leave(self, Subscription sub) except -1:
        self.sublist.remove(sub)
        if sub.shadows is not None:
            drop_shadows(sub)
        if self.awaiting is not None:
            self.awaiting.left(sub.subject)
        return 0

    cdef int reborrow(self, Subscription sub) except -1:
        if sub.closed:
            return 0
        if sub.shadows is not None:
            drop_shadows(sub)
        if self.borrowing is not None:
            self.borrowing.joined(sub)
        return 0

    def close(self) -> None:
        """The account is gone: it owes no answers any more."""
        if self.responses is not None:
            self.responses.close()

    @property
    def awaited(self):
        """The answers of this account that others wait for (`sharing.responses`), or None."""
        return self.responses

    def asks(self, bytes subject not None) -> bool:
        """Whether it imports a service under exactly this subject, which may have wildcards."""
        return subject in self.asked

    def map(self, Mapper mapper) -> None:
        """What clients publish is mapped by this from now on; None = nothing is."""
        self.mapper = mapper
        self.sublist.touch_all()  # publishers remember where subjects lead

    def trace(self, parents) -> None:
        """Messages that belong to a trace elsewhere are traced by this from now on; None = are not."""
        self.parents = parents

    def subscribe(
        self, subject: bytes, callback, queue: bytes = b"", with_source: bool = False,
        imports: bool = False,
    ) -> Subscription:
        """Adds an internal subscription; `callback(account, subject, reply, headers, payload)`
        runs inside the publishing turn and must not block. With `with_source` it gets the
        publishing connection as well (None = the server itself). With `imports` it gets what
        the account takes of others, too."""
        cdef ServiceSink sink = ServiceSink()
        sink.account = self
        sink.callback = callback
        sink.with_source = with_source
        return self.attach(subject, sink, queue, imports)

    def attach(
        self, bytes subject not None, Sink sink not None, bytes queue not None = b"",
        bint imports=False,
    ) -> Subscription:
        """Subscribes a compiled sink of the server; with `imports` to what the account takes of others,
        too."""
        cdef Subscription sub = new_subscription(
            sink, subject, len(subject), queue, len(queue), b"0", 1
        )
        if imports:
            self.takers.add(sub)
            self.join(sub)
        else:
            self.sublist.insert(sub)
        return sub

    def attach_shortcut(self, bytes prefix not None, Sink sink not None) -> Subscription:
        """As `attach` to `prefix` and ">", for subjects of which nearly every one is new (the prefix
        ends with a dot): they pass by the cache of matches, and where nobody else wants them, no
        match is made."""
        if not prefix.endswith(b"."):
            raise ValueError("the prefix of a shortcut ends with a dot")
        cdef Subscription sub = self.attach(prefix + b">", sink)
        self.sublist.add_shortcut(sub)
        return sub

    def has_interest(self, bytes subject not None) -> bool:
        """Whether anybody would receive a message published to `subject`."""
        return self.sublist.has_match(subject, len(subject))

    def has_listener(self, bytes subject not None, bytes group not None = b"") -> bool:
        """Whether there is a plain subscriber to exactly `subject`, or with `group` a member of
        exactly that queue group. Wildcards do not count."""
        cdef Match* match = self.sublist.match_once(subject, len(subject))
        try:
            return listens(match, group, len(group))
        finally:
            match_release(match)

    def watch(self, Engine engine not None, bytes subject not None, callback) -> Watch:
        """`callback()` is called at the end of a turn in which a subscription to exactly `subject`
        was added or removed, plain or of a queue group. It looks for itself, see `has_listener`. End
        it with `unwatch`."""
        cdef Watches watches = <Watches>self.sublist.observer
        if watches is None:
            watches = self.sublist.observer = Watches(engine)
        return watches.add(subject, callback)

    def unwatch(self, Watch watch not None) -> None:
        """Idempotent."""
        cdef Watches watches = <Watches>self.sublist.observer
        if watches is not None and watches.drop(watch):
            self.sublist.observer = None

    def unsubscribe(self, Subscription sub not None) -> None:
        """Ends an internal subscription. Idempotent."""
        if not sub.closed:
            close_subscription(sub)
            self.sublist.drop_shortcut(sub)
            self.takers.discard(sub)
            self.leave(sub)

    def publish(
        self, Engine engine not None, bytes subject not None, bytes payload not None,
        bytes reply=b"", bytes headers=b"",
    ) -> int:
        """Publishes on behalf of the server. `headers` is a raw header block or empty.
        Returns the number of deliveries."""
        cdef Message msg
        cdef void* answering = engine.routing.answering
        cdef size_t total = len(headers) + len(payload)
        cdef char* buffer = <char*>malloc(total or 1)
        if buffer == NULL:
            raise MemoryError()
        memcpy(buffer, <const char*>headers, len(headers))
        memcpy(buffer + len(headers), <const char*>payload, len(payload))
        memset(&msg, 0, sizeof(msg))
        msg.subject = subject
        msg.subject_len = <uint32_t>len(subject)
        msg.reply = reply
        msg.reply_len = <uint32_t>len(reply)
        msg.payload = buffer
        msg.header_len = <uint32_t>len(headers)
        msg.total_len = <uint32_t>total
        engine.routing.answering = NULL  # what an answer sets off is no answer
        try:
            return route(self, None, &msg, &engine.routing)
        finally:
            engine.routing.answering = answering
            free(buffer)
