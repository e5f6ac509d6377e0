"""See publisher.pxd."""
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy, memset

from pynats_server.core.account cimport route, route_match, route_only
from pynats_server.core.engine cimport is_spent
from pynats_server.core.figures cimport Totals
from pynats_server.core.framing cimport line_max
from pynats_server.core.interest.mapping cimport (
    KEPT, LOST, MAPPED, Fate, KnownName, NewName, Rule, name_free,
)
from pynats_server.core.interest.match cimport match_release, match_retain
from pynats_server.core.interest.sublist cimport Sublist
from pynats_server.core.interest.subscription cimport Subscription
from pynats_server.core.limits cimport (
    BULK_RECEIVERS, CALL_STEPS, EXTERN_MIN, LIMITED_READ, LOOK_AHEAD, MEMO_LINE, PERMISSION_CACHE,
    RATE_TELL_NS, RUN_BLOCK, SID_FAST, STEP_BYTES_SHIFT, STEP_HEADER_SHIFT,
)
from pynats_server.core.memory.bytemap cimport bytemap_free, bytemap_get, bytemap_hash, bytemap_put
from pynats_server.core.native cimport prefetch
from pynats_server.core.rates.limit cimport PublishLimit
from pynats_server.core.runs cimport Run, run_address
from pynats_server.core.subject cimport subject_has_gap, subject_has_wildcard
from pynats_server.core.tracing.request cimport (
    Parents, Request, may_want_trace, read_request, redirected, replace_payload,
)
from pynats_server.core.tracing.walk cimport walk
from pynats_server.core.wire cimport Frame, wire_publish

from pynats_server.core.tracing.request import DISABLED

cdef struct Verdict:
    bint allowed
    char* subject


cdef struct Ahead:
    # A publish that was parsed ahead of its turn.
    Frame frame
    Match* match  # owned; NULL = look it up
    bint keep  # the match becomes cached
    const char* subject  # of what it is mapped to, if it is
    uint32_t subject_len
    bint named  # it is mapped, for which nothing else is to be looked at
    void* only  # the one subscription that it reaches, without a match, as long as nothing changes
    uint32_t hash  # of that subject


cdef inline int _publish_item(Publisher publisher, Ahead* item, Match* match, void* only) except -1:
    cdef Message* msg = &item.frame.msg
    cdef const char* subject = msg.subject
    cdef uint32_t length = msg.subject_len
    if not item.named:
        return publisher.publish(msg, match, only, None)
    msg.subject = item.subject
    msg.subject_len = item.subject_len
    publisher._publish_named(msg, match, only)
    msg.subject = subject
    msg.subject_len = length
    return 0


cdef inline int _name_ahead(Publisher publisher, Ahead* item) except -1:
    """Where a message goes that was parsed ahead. What is drawn, refused or traced has to be
    looked at in its turn, and leads nowhere yet."""
    cdef Message* msg = &item.frame.msg
    cdef KnownName* known
    item.named = False
    item.subject = msg.subject
    item.subject_len = msg.subject_len
    if publisher.account.mapper is None:
        return 1
    known = publisher.account.mapper.steady(msg.subject, msg.subject_len, item.hash)
    if known != NULL and known.length == 0:
        return 1
    if (
        known == NULL or publisher.pedantic or publisher._reserved(msg.subject, msg.subject_len, True)
        or (msg.header_len and may_want_trace(
            msg.payload, msg.header_len, publisher.account.parents is not None
        ))
    ):
        return 0
    item.named = True
    item.subject = known.text
    item.subject_len = known.length
    item.hash = known.hash
    return 1


cdef class Publisher(Receiver):
    def __dealloc__(self):
        self.forget_verdicts()
        self.forget()

    # --- limits ---

    def limit_publishing(self, PublishLimit own, PublishLimit shared) -> None:
        """What it may publish in a time, by itself and together with others; None = all it wants."""
        cdef Allowance before = self.allowance
        if before is not None:
            if before.own is own and before.shared is shared:
                return
            before.end()
        self.allowance = None
        self.read_most = 0
        if own is not None or shared is not None:
            self.allowance = Allowance(self, own, shared)
            self.read_most = LIMITED_READ

    @property
    def publish_limit(self):
        """What it may publish by itself, or None."""
        return self.allowance.own if self.allowance is not None else None

    cdef Pass count_publish(self, Message* msg) except *:
        cdef Allowance allowance = self.allowance
        cdef int64_t last = allowance.held_ns
        if allowance.most(self.engine.now, msg.total_len):
            allowance.take(1, msg.total_len)
            return PASSES
        waits = allowance.hold(self.engine.now, msg.total_len)
        allowance.held_ns = self.engine.now
        if last == 0 or self.engine.now - last > RATE_TELL_NS:
            self.engine.routing.steps += CALL_STEPS
            self.engine.handler.on_publish_limit(self, waits)
        if waits:
            self.throttles += 1
            self.account.throttles += 1
            self.engine.throttles += 1
            return WAITS
        self._refuse(msg)
        return REFUSED

    cdef int _refuse(self, Message* msg) except -1:
        """Begins with the words that client libraries know as no reason to disconnect."""
        self.refusals += 1
        self.account.refusals += 1
        self.engine.refusals += 1
        self.count_input(1, msg.total_len)
        self.complain(
            b'Permissions Violation for Publish to "' + msg.subject[:msg.subject_len]
            + b'", publish rate exceeded'
        )
        if msg.reply_len and self.no_responders:
            self.no_responders_reply(msg, b" Publish Rate Exceeded")
        return 0

    cdef int go_on(self) except -1:
        Receiver.go_on(self)
        if self.allowance is not None:
            self.allowance.rest(self.engine.now)
        return 0

    cdef int complain(self, bytes text) except -1:
        if self.closing:
            return 0
        if self.engine.tracing:
            self.engine.handler.trace_out(self, b"-ERR", text)
        return self.write(b"-ERR '" + text + b"'\r\n", len(text) + 9)

    cdef int confirm(self) except -1:
        if self.engine.tracing:
            self.engine.handler.trace_out(self, b"OK", b"")
        return self.write(b"+OK\r\n", 5)

    # --- one message ---

    cdef int count_input(self, uint64_t msgs, uint64_t size) noexcept:
        self.totals.in_msgs += msgs
        self.totals.in_bytes += size
        self.account.totals.in_msgs += msgs
        self.account.totals.in_bytes += size
        self.engine.totals.in_msgs += msgs
        self.engine.totals.in_bytes += size
        self.last_activity = self.engine.now
        return 0

    cdef int publish(self, Message* msg, Match* match, void* only, Trail trail) except -1:
        cdef Rule rule = None
        cdef KnownName* known
        if trail is None:
            self.count_input(1, msg.total_len)
            if msg.header_len and may_want_trace(
                msg.payload, msg.header_len, self.account.parents is not None
            ):
                if self._publish_traced(msg):
                    return 0
        if self.account.mapper is not None:
            known = self.account.mapper.steady(
                msg.subject, msg.subject_len, bytemap_hash(msg.subject, msg.subject_len)
            )
            if known == NULL or known.length or trail is not None:
                rule = self.account.mapper.rule_of(msg.subject, msg.subject_len)
        if self._reserved(msg.subject, msg.subject_len, True) or (
            rule is None
            and self.permissions is not None
            and not self.may_publish(msg.subject, msg.subject_len)
        ):
            self._deny_publish(msg.subject[:msg.subject_len], trail)
            return 0
        if msg.reply_len and self._reserved(msg.reply, msg.reply_len, False):
            self._deny_reply(msg.reply[:msg.reply_len], trail)
            return 0
        if self.pedantic and (
            subject_has_gap(msg.subject, msg.subject_len)
            or subject_has_wildcard(msg.subject, msg.subject_len)
        ):
            self.complain(b"Invalid Publish Subject")
        if self.verbose:
            self.confirm()
        if rule is not None:
            return self._publish_mapped(msg, rule, trail)
        return self._send(msg, match, only, trail)

    cdef int _publish_mapped(self, Message* msg, Rule rule, Trail trail) except -1:
        cdef NewName name
        cdef Message mapped
        cdef Fate fate = self.account.mapper.apply(rule, msg.subject, msg.subject_len, &name)
        if fate != MAPPED and (
            self.permissions is not None and not self.may_publish(msg.subject, msg.subject_len)
        ):
            self._deny_publish(msg.subject[:msg.subject_len], trail)
            return 0
        if fate == KEPT:
            if trail is not None:
                trail.mapped(msg.subject[:msg.subject_len])
            return self._send(msg, NULL, NULL, trail)
        mapped = msg[0]
        if fate == LOST:
            if trail is not None:
                trail.mapped(b"")
            mapped.subject_len = 0
            if msg.reply_len and self.no_responders:
                self.no_responders_reply(&mapped)
            return 0
        try:
            mapped.subject = name.subject
            mapped.subject_len = <uint32_t>name.length
            if trail is not None:
                trail.mapped(name.subject[:name.length])
            if self.permissions is not None and not self.may_publish(name.subject, name.length):
                self._deny_publish(name.subject[:name.length], trail)
                return 0
            return self._send(&mapped, NULL, NULL, trail)
        finally:
            name_free(&name)

    cdef int _publish_named(self, Message* msg, Match* match, void* only) except -1:
        self.count_input(1, msg.total_len)
        if msg.reply_len and self._reserved(msg.reply, msg.reply_len, False):
            self._deny_reply(msg.reply[:msg.reply_len], None)
            return 0
        if self.verbose:
            self.confirm()
        if self.permissions is not None and not self.may_publish(msg.subject, msg.subject_len):
            self._deny_publish(msg.subject[:msg.subject_len], None)
            return 0
        return self._send(msg, match, only, None)

    cdef int _send(self, Message* msg, Match* match, void* only, Trail trail) except -1:
        cdef int64_t delivered
        if trail is not None:
            delivered = walk(self.account, self, msg, &self.engine.routing, trail)
        elif match != NULL:
            delivered = route_match(match, self, msg, &self.engine.routing)
        elif only != NULL:
            delivered = route_only(only, self, msg, &self.engine.routing)
        else:
            delivered = route(self.account, self, msg, &self.engine.routing)
        if delivered == 0 and msg.reply_len and self.no_responders:
            self.no_responders_reply(msg)
        return 0

    cdef bint _publish_traced(self, Message* msg) except -1:
        """Publishes a message whose headers may ask for a trace. False = it wants none after all."""
        cdef Request request
        cdef Message changed
        cdef Trail trail
        self.engine.routing.steps += 1 + (msg.header_len >> STEP_HEADER_SHIFT)
        request = read_request(
            msg, <Parents>self.account.parents, &self.engine.routing.random
        )
        if request is None:
            return False
        self.engine.routing.steps += 2 * CALL_STEPS
        dest = request.dest
        if request.fault:
            self.engine.handler.on_error(self, request.fault)
            if request.only or not request.disabled:
                return request.only
        elif not request.has_parent and (
            self._reserved(dest, len(dest), True)
            or (self.permissions is not None and not self.may_publish(dest, len(dest)))
        ):
            self._deny_publish(dest, None)
            return True
        trail = Trail(self, self.account, msg.subject[:msg.subject_len], request, msg.total_len)
        if request.disabled:
            self.engine.routing.steps += msg.total_len >> STEP_HEADER_SHIFT
            payload = redirected(msg, DISABLED)
            changed = msg[0]
            replace_payload(&changed, payload)
            self.publish(&changed, NULL, NULL, trail)
        else:
            self.publish(msg, NULL, NULL, trail)
            self.engine.handler.on_traced(self, trail)
        return True

    cdef bint _reserved(self, const char* p, size_t n, bint as_subject) noexcept:
        """Names that belong to servers: gateways (_GR_. and $GR.), replication ($NRG., subjects
        only, outside the system account), service imports (_R_.) and acknowledgements ($JS.ACK.)
        as replies."""
        if n < 4 or (p[0] != b'_' and p[0] != b'$'):
            return False
        if (n > 5 and memcmp(p, b"_GR_.", 5) == 0) or memcmp(p, b"$GR.", 4) == 0:
            return True
        if as_subject:
            return n > 5 and memcmp(p, b"$NRG.", 5) == 0 and not self.account.is_system
        return memcmp(p, b"_R_.", 4) == 0 or (n > 8 and memcmp(p, b"$JS.ACK.", 8) == 0)

    cdef int _deny_publish(self, bytes subject, Trail trail) except -1:
        return self._deny(b"to", subject, "Subject", trail)

    cdef int _deny_reply(self, bytes reply, Trail trail) except -1:
        return self._deny(b"with Reply of", reply, "Reply", trail)

    cdef int _deny(self, bytes how, bytes subject, str what, Trail trail) except -1:
        text = b'Permissions Violation for Publish ' + how + b' "' + subject + b'"'
        self.engine.routing.steps += CALL_STEPS
        self.complain(text)
        if trail is not None:
            trail.refused(text)
        shown = subject.decode(errors="replace")
        self.engine.handler.on_error(self, f'Publish Violation - {what} "{shown}"')
        return 0

    cdef bint may_publish(self, const char* subject, size_t length) except -1:
        cdef Verdict* verdict
        if self.account.sublist.shortcut(subject, length) != NULL:  # will hardly come again
            return self.permissions.may_publish(subject, length) or (
                self.replies is not None and self.replies.take(subject, length, self.engine.now)
            )
        verdict = <Verdict*>bytemap_get(&self.publish_verdicts, subject, length)
        if verdict == NULL:
            if self.publish_verdicts.used >= PERMISSION_CACHE:
                self.forget_verdicts()
            verdict = <Verdict*>malloc(sizeof(Verdict) + length)
            if verdict == NULL:
                raise MemoryError()
            verdict.subject = <char*>verdict + sizeof(Verdict)
            memcpy(verdict.subject, subject, length)
            verdict.allowed = self.permissions.may_publish(subject, length)
            bytemap_put(&self.publish_verdicts, verdict.subject, length, verdict)
        return verdict.allowed or (
            self.replies is not None and self.replies.take(subject, length, self.engine.now)
        )

    cdef int forget_verdicts(self) noexcept:
        cdef uint32_t i
        for i in range(self.publish_verdicts.capacity):
            free(self.publish_verdicts.slots[i].value)
        bytemap_free(&self.publish_verdicts)
        return 0

    cdef int no_responders_reply(self, Message* msg, bytes why=b"") except -1:
        """Tells the requester that nobody listens (ADR-22 of the NATS architecture notes)."""
        cdef Message answer
        cdef Match* match
        cdef Subscription sub
        cdef Totals own, shared, everybody
        cdef uint32_t i
        status = b"NATS/1.0 503" + why + b"\r\nNats-Subject: " + msg.subject[:msg.subject_len] + b"\r\n\r\n"
        memset(&answer, 0, sizeof(answer))
        answer.subject = msg.reply
        answer.subject_len = msg.reply_len
        answer.payload = status
        answer.header_len = answer.total_len = <uint32_t>len(status)
        match = self.account.sublist.match(msg.reply, msg.reply_len)
        match_retain(match)
        try:
            for i in range(match.n_plain):
                sub = <Subscription>match.plain[i]
                if sub.sink is self and not sub.closed:
                    # Does not count: neither towards the maximum of an UNSUB nor as a message sent.
                    limit, count = sub.max, sub.delivered
                    own, shared, everybody = self.totals, self.account.totals, self.engine.totals
                    sub.max = 0
                    self.deliver(sub, &answer, None)
                    sub.max, sub.delivered = limit, count
                    self.totals, self.account.totals, self.engine.totals = own, shared, everybody
                    break
        finally:
            match_release(match)
        return 0

    cdef int note_largest(self, uint32_t size) except -1:
        self.largest = size
        self.account.largest_payload = max(self.account.largest_payload, <uint64_t>size)
        return 0

    # --- publishes to changing subjects ---

    cdef Py_ssize_t publish_ahead(self, char* p, char* end) except -1:
        cdef Ahead found[LOOK_AHEAD]
        cdef Ahead* item
        cdef Sublist sublist
        cdef Subscription sub
        cdef uint64_t stamp, steps
        cdef char* q = p
        cdef int count = 0
        cdef int foreseen = 0
        cdef int i
        # Larger ones are not for here: one comparison finds what is too large and what is noted.
        cdef int64_t most = min(self.max_payload, <int64_t>self.largest)
        cdef uint32_t before = 0
        if self.engine.tracing:
            return 0
        sublist = self.account.sublist
        while count < LOOK_AHEAD and wire_publish(
            q, end, self.max_control_line, most, self.headers, &found[count].frame
        ):
            item = &found[count]
            item.match = NULL
            item.hash = bytemap_hash(item.frame.msg.subject, item.frame.msg.subject_len)
            if count and item.hash == before:
                break  # the same subject again: `repeat` handles that better
            before = item.hash
            if not _name_ahead(self, item):
                if count == 0:
                    return 0
                break
            sublist.prefetch_slot(item.hash)
            q += item.frame.length
            count += 1
        if count <= 1:
            item = &found[0]
            if count == 0 or not self._passes(&item.frame.msg):
                return 0
            _publish_item(self, item, NULL, NULL)
            if item.frame.msg.reply_len == 0 and not self.closing and not self.engine.tracing:
                self.notice_line(p, item.frame.line_len, &item.frame.msg)
            return item.frame.length
        for i in range(count):
            sublist.prefetch_match(found[i].hash)
        try:
            for i in range(count):
                item = &found[i]
                item.match = sublist.find(
                    item.subject, item.subject_len, item.hash
                )
                item.only = NULL
                item.keep = False
                if item.match != NULL:
                    match_retain(item.match)
                    if item.match.n_plain:
                        item.only = item.match.plain[0]
                        prefetch(item.only)
                        prefetch(<char*>item.only + 64)
                elif sublist.keeps_next():
                    item.keep = True
                elif not sublist.only(
                    item.subject, item.subject_len, &item.only
                ):
                    item.only = NULL
            stamp = sublist.stamp()
            for i in range(count):
                if found[i].only != NULL:
                    sub = <Subscription>found[i].only
                    prefetch(sub.text)
                    if sub.sink is not None and sub.sink.foresees:
                        sub.sink.foresee(found[i].hash, 0)
                        foreseen += 1
            if foreseen:
                for i in range(count):
                    if found[i].only != NULL:
                        sub = <Subscription>found[i].only
                        if sub.sink is not None and sub.sink.foresees:
                            sub.sink.foresee(found[i].hash, 1)
            q = p
            for i in range(count):
                item = &found[i]
                if not self._passes(&item.frame.msg):
                    break  # what becomes of it, the ordinary way decides
                q += item.frame.length
                # The deliveries before this one may have changed the subscriptions.
                if item.keep and self.account.sublist is sublist:
                    steps = sublist.steps
                    item.match = sublist.match(
                        item.subject, item.subject_len
                    )
                    match_retain(item.match)
                    self.engine.routing.steps += sublist.steps - steps
                    _publish_item(self, item, item.match, NULL)
                elif (
                    item.match != NULL and self.account.sublist is sublist
                    and sublist.is_current(item.match)
                ):
                    sublist.matches += 1
                    sublist.cache_hits += 1
                    _publish_item(self, item, item.match, NULL)
                elif (
                    item.match == NULL and item.only != NULL
                    and self.account.sublist is sublist and sublist.stamp() == stamp
                ):
                    sublist.matches += 1
                    _publish_item(self, item, NULL, item.only)
                else:
                    _publish_item(self, item, NULL, NULL)
                if self.closing or self.paused or is_spent(self.engine):
                    break
        finally:
            for i in range(count):
                if found[i].match != NULL:
                    match_release(found[i].match)
        return q - p

    cdef inline bint _passes(self, Message* msg) except -1:
        if self.allowance is None:
            return True
        if self.allowance.most(self.engine.now, msg.total_len) == 0:
            return False
        self.allowance.take(1, msg.total_len)
        return True

    # --- repeated publishes: the same control line again, without parsing it ---

    cdef int notice_line(self, const char* line, size_t line_len, Message* msg) except -1:
        if line_len > sizeof(self.memo.line):
            return 0
        if line_len == self.memo.seen_len and memcmp(line, self.memo.line, line_len) == 0:
            return self.remember(line, line_len, msg)
        self.forget()
        memcpy(self.memo.line, line, line_len)
        self.memo.seen_len = <uint32_t>line_len
        return 0

    cdef int forget(self) noexcept:
        if self.memo.line_len:
            self.memo.line_len = 0
            match_release(self.memo.match)
        return 0

    cdef int remember(self, const char* line, size_t line_len, Message* msg) except -1:
        """Keeps a control line that may be served by `repeat`: everything allowed, nothing to
        answer or to trace."""
        cdef Match* match
        cdef Message mapped
        self.forget()
        if self.verbose or self.replies is not None:
            return 0
        if self._reserved(msg.subject, msg.subject_len, True):
            return 0
        if self.pedantic and (
            subject_has_gap(msg.subject, msg.subject_len)
            or subject_has_wildcard(msg.subject, msg.subject_len)
        ):
            return 0
        self.memo.is_mapped = False
        self.memo.subject_at = <uint32_t>(msg.subject - line)
        if self.account.mapper is not None:
            mapped = msg[0]
            if not self._remember_mapped(&mapped):
                return 0
            msg = &mapped
        if self.permissions is not None and not self.may_publish(msg.subject, msg.subject_len):
            return 0
        match = self.account.sublist.match(msg.subject, msg.subject_len)
        match_retain(match)
        self.memo.match = match
        self.memo.subject_len = msg.subject_len
        self.memo.header_len = msg.header_len
        self.memo.total_len = msg.total_len
        self.memo.runs = self._runs_fit(match, msg)
        self.memo.line_len = <uint32_t>line_len
        return 0

    cdef bint _remember_mapped(self, Message* msg) except -1:
        """Gives a message the subject that it is mapped to. Whether it may be remembered: it is the
        same for all messages with this line."""
        cdef NewName name
        cdef Rule rule = self.account.mapper.rule_of(msg.subject, msg.subject_len)
        cdef Fate fate
        if rule is None:
            return True
        if not rule.steady:
            return False
        fate = self.account.mapper.apply(rule, msg.subject, msg.subject_len, &name)
        if fate != MAPPED:
            return fate == KEPT
        try:
            if name.length > sizeof(self.memo.mapped):
                return False
            memcpy(self.memo.mapped, name.subject, name.length)
            self.memo.is_mapped = True
            msg.subject = self.memo.mapped
            msg.subject_len = <uint32_t>name.length
            return True
        finally:
            name_free(&name)

    cdef bint _runs_fit(self, Match* match, Message* msg) noexcept:
        """Whether runs of this message may be delivered block by block: every receiver takes
        every message, as it is, and none has two subscriptions (it would see their messages out
        of order)."""
        cdef Subscription sub
        cdef Receiver target
        cdef size_t room
        cdef uint32_t i
        if match.n_queues or msg.total_len >= EXTERN_MIN:
            return False
        self.engine.run_stamp += 1
        self.memo.sid_max = 0
        self.memo.subject_max = msg.subject_len
        for i in range(match.n_plain):
            sub = <Subscription>match.plain[i]
            if sub.closed or not isinstance(sub.sink, Receiver):
                return False
            target = <Receiver>sub.sink
            if (
                sub.max or sub.filtered or sub.sid_len > SID_FAST
                or target.run_stamp == self.engine.run_stamp
                or (target is self and self.skip_own)
                or (msg.header_len and not target.headers)
            ):
                return False
            if sub.rename is not None:
                room = sub.rename.room(msg.subject_len)
                if room > MEMO_LINE:
                    return False
                self.memo.subject_max = max(self.memo.subject_max, room)
            target.run_stamp = self.engine.run_stamp
            self.memo.sid_max = max(self.memo.sid_max, sub.sid_len)
        return True

    cdef Py_ssize_t repeat(self, char* p, char* end) except -1:
        cdef Memo* memo = &self.memo
        cdef size_t line = memo.line_len
        cdef size_t frame = line + memo.total_len + 2
        cdef size_t available = end - p
        cdef size_t count = 0
        cdef size_t most = self._share_of(memo)
        cdef char* q = p
        cdef bint parents = self.account.parents is not None
        cdef Message msg
        cdef Match* match = memo.match
        if self.allowance is not None:
            most = min(most, self.allowance.most(self.engine.now, memo.total_len))
        while available >= frame and count < most and memcmp(q, memo.line, line) == 0:
            if q[frame - 2] != b'\r' or q[frame - 1] != b'\n':
                break
            if memo.header_len and may_want_trace(q + line, memo.header_len, parents):
                break
            q += frame
            available -= frame
            count += 1
        if count == 0:
            return 0
        if (
            self.engine.tracing or not self.account.sublist.is_current(match)
            or 0 <= self.max_payload < <int64_t>memo.total_len  # it was lowered
        ):
            self.forget()
            return 0
        self.count_input(count, count * memo.total_len)
        if self.allowance is not None:
            self.allowance.take(count, memo.total_len)
        if match.n_plain == 0 and match.n_queues == 0:
            return q - p
        msg.subject = &memo.mapped[0] if memo.is_mapped else p + memo.subject_at
        msg.subject_len = memo.subject_len
        msg.reply = NULL
        msg.reply_len = 0
        msg.header_len = memo.header_len
        msg.total_len = memo.total_len
        msg.borrowed = True
        msg.requested = False
        msg.lender = NULL
        msg.via_len = 0
        if memo.runs:
            # Nothing below should change the subscriptions before the turn ends; the match is
            # retained in case it does.
            match_retain(match)
            try:
                self.deliver_run(match, &msg, p, count)
            finally:
                match_release(match)
            return q - p
        match_retain(match)
        try:
            q = p
            while count:
                if not memo.is_mapped:
                    msg.subject = q + memo.subject_at
                msg.payload = q + line
                q += frame
                count -= 1
                route_match(match, self, &msg, &self.engine.routing)
                if is_spent(self.engine) or not self.account.sublist.is_current(match):
                    # The rest waits, or goes the ordinary way: a delivery changed the subscriptions.
                    if self.allowance is not None:
                        self.allowance.take(-<int64_t>count, msg.total_len)
                    self.totals.in_msgs -= count
                    self.totals.in_bytes -= count * msg.total_len
                    self.account.totals.in_msgs -= count
                    self.account.totals.in_bytes -= count * msg.total_len
                    self.engine.totals.in_msgs -= count
                    self.engine.totals.in_bytes -= count * msg.total_len
                    break
        finally:
            match_release(match)
        return q - p

    cdef size_t _share_of(self, Memo* memo) noexcept:
        """How many messages with the remembered line may be routed before somebody else's turn."""
        cdef uint64_t steps = self.engine.routing.steps
        cdef uint64_t left = self.engine.slice_end - steps if self.engine.slice_end > steps else 0
        cdef uint64_t receivers = memo.match.n_plain + memo.match.n_queues
        if not memo.runs:
            return 1 + left // (1 + receivers)
        # Receivers get whole blocks, for which bytes count more than messages.
        left = left // (1 + receivers)
        return 1 + (left << STEP_BYTES_SHIFT) // (memo.line_len + memo.total_len)

    cdef int deliver_run(self, Match* match, Message* msg, char* p, size_t frames) except -1:
        """Delivers `frames` equal-sized messages to all plain subscribers, a block at a time, so
        that the block stays in the core's cache while one receiver after the other gets it."""
        cdef Run run
        cdef Subscription sub
        cdef size_t name_max = self.memo.subject_max - msg.subject_len  # more than the subject has
        cdef size_t piece_max = line_max(msg, self.memo.sid_max) + name_max + msg.total_len + 2
        # Blocks of even size: a short one at the end would cost each receiver a system call.
        cdef size_t blocks = (frames * piece_max + RUN_BLOCK // 2) // RUN_BLOCK
        cdef size_t most = (frames + blocks - 1) // blocks if blocks else frames
        cdef uint32_t i
        run.frames = p
        run.line_len = self.memo.line_len
        run.msg = msg
        run.block = self.engine.take_buffer()
        self.engine.routing.bulk = match.n_plain > BULK_RECEIVERS
        try:
            while frames:
                run.count = min(most, frames)
                run.piece = 0
                for i in range(match.n_plain):
                    sub = <Subscription>match.plain[i]
                    self.engine.routing.steps += 1 + (run.count * run.piece >> STEP_BYTES_SHIFT)
                    if not sub.closed:
                        run_address(&run, sub)
                        (<Receiver>sub.sink).take_run(&run, sub, self)
                run.frames += run.count * (run.line_len + msg.total_len + 2)
                frames -= run.count
        finally:
            self.engine.routing.bulk = False
            self.engine.give_buffer(run.block)
        return 0
