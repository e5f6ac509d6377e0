"""See publisher.pxd."""
cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memset

from pynats_server.core.account cimport route, route_match, route_only
from pynats_server.core.engine cimport is_spent
from pynats_server.core.figures cimport Totals
from pynats_server.core.interest.mapping cimport (
    KEPT, LOST, MAPPED, Fate, KnownName, Mapper, NewName, Rule, name_free,
)
from pynats_server.core.interest.match cimport match_release, match_retain
from pynats_server.core.interest.sublist cimport Sublist
from pynats_server.core.interest.subscription cimport Subscription
from pynats_server.core.limits cimport (
    CALL_STEPS, LIMITED_READ, LOOK_AHEAD, RATE_TELL_NS, STEP_HEADER_SHIFT,
)
from pynats_server.core.memory.bytemap cimport bytemap_hash
from pynats_server.core.protocol.reserved cimport is_reserved, is_reserved_reply
from pynats_server.core.protocol.wire cimport wire_publish
from pynats_server.core.publishing.ahead cimport (
    Ahead, ahead_find, ahead_foresee, ahead_name, ahead_release, ahead_settle,
)
from pynats_server.core.publishing.repeats cimport (
    memo_comes_again, memo_count, memo_forget, memo_keep, memo_map, memo_message, memo_run, memo_share,
)
from pynats_server.core.publishing.verdicts cimport verdict_of, verdicts_forget
from pynats_server.core.rates.limit cimport PublishLimit
from pynats_server.core.subject cimport subject_has_gap, subject_has_wildcard
from pynats_server.core.tracing.request cimport (
    Parents, Request, may_want_trace, read_request, redirected, replace_payload,
)
from pynats_server.core.tracing.walk cimport walk

from pynats_server.core.tracing.request import DISABLED


cdef inline int _publish_item(Publisher publisher, Ahead* item) except -1:
    cdef Message* msg = &item.frame.msg
    cdef const char* subject = msg.subject
    cdef uint32_t length = msg.subject_len
    if not item.named:
        return publisher.publish(msg, item.match, item.only, None)
    msg.subject = item.subject
    msg.subject_len = item.subject_len
    publisher._publish_named(msg, item.match, item.only)
    msg.subject = subject
    msg.subject_len = length
    return 0


cdef class Publisher(Receiver):
    def __dealloc__(self):
        verdicts_forget(&self.verdicts)
        memo_forget(&self.memo)

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

    @cython.final
    cdef int count_input(self, uint64_t msgs, uint64_t size) noexcept:
        self.totals.in_msgs += msgs
        self.totals.in_bytes += size
        self.account.totals.in_msgs += msgs
        self.account.totals.in_bytes += size
        self.engine.totals.in_msgs += msgs
        self.engine.totals.in_bytes += size
        self.last_activity = self.engine.now
        return 0

    cdef int _count_back(self, uint64_t msgs, uint64_t size) noexcept:
        """Messages that were counted come later."""
        self.totals.in_msgs -= msgs
        self.totals.in_bytes -= size
        self.account.totals.in_msgs -= msgs
        self.account.totals.in_bytes -= size
        self.engine.totals.in_msgs -= msgs
        self.engine.totals.in_bytes -= size
        return 0

    @cython.final
    cdef int publish(self, Message* msg, Match* match, void* only, Trail trail) except -1:
        if trail is None:
            self.count_input(1, msg.total_len)
            if msg.header_len and self._asks_trace(msg):
                if self._publish_traced(msg):
                    return 0
        if self.account.mapper is not None:
            if self._publish_by_rule(msg, trail):
                return 0
        if not self._accepts(msg, True, trail):
            return 0
        return self._send(msg, match, only, trail)

    @cython.final
    cdef bint _asks_trace(self, Message* msg) noexcept:
        return may_want_trace(msg.payload, msg.header_len, self.account.parents is not None)

    @cython.final
    cdef bint _is_odd(self, Message* msg) noexcept:
        """Subjects that clients which asked for strictness may not publish to."""
        return subject_has_gap(msg.subject, msg.subject_len) or subject_has_wildcard(
            msg.subject, msg.subject_len
        )

    @cython.final
    cdef bint _accepts(self, Message* msg, bint judged, Trail trail) except -1:
        """What is answered to a publish before it goes anywhere. False = it does not."""
        if is_reserved(msg.subject, msg.subject_len, self.account.is_system) or (
            judged
            and self.permissions is not None
            and not self.may_publish(msg.subject, msg.subject_len)
        ):
            self._deny_publish(msg.subject[:msg.subject_len], trail)
            return False
        if msg.reply_len and is_reserved_reply(msg.reply, msg.reply_len):
            self._deny_reply(msg.reply[:msg.reply_len], trail)
            return False
        if self.pedantic and self._is_odd(msg):
            self.complain(b"Invalid Publish Subject")
        if self.verbose:
            self.confirm()
        return True

    cdef bint _publish_by_rule(self, Message* msg, Trail trail) except -1:
        """Publishes a message that a mapping concerns. False = none does."""
        cdef Rule rule
        cdef KnownName* known = self.account.mapper.steady(
            msg.subject, msg.subject_len, bytemap_hash(msg.subject, msg.subject_len)
        )
        if known != NULL and known.length == 0 and trail is None:
            return False
        rule = self.account.mapper.rule_of(msg.subject, msg.subject_len)
        if rule is None:
            return False
        if self._accepts(msg, False, trail):
            self._publish_mapped(msg, rule, trail)
        return True

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

    @cython.final
    cdef int _publish_named(self, Message* msg, Match* match, void* only) except -1:
        self.count_input(1, msg.total_len)
        if msg.reply_len and is_reserved_reply(msg.reply, msg.reply_len):
            self._deny_reply(msg.reply[:msg.reply_len], None)
            return 0
        if self.verbose:
            self.confirm()
        if self.permissions is not None and not self.may_publish(msg.subject, msg.subject_len):
            self._deny_publish(msg.subject[:msg.subject_len], None)
            return 0
        return self._send(msg, match, only, None)

    @cython.final
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
            is_reserved(dest, len(dest), self.account.is_system)
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

    @cython.final
    cdef bint may_publish(self, const char* subject, size_t length) except -1:
        cdef bint allowed
        if self.account.sublist.shortcut(subject, length) != NULL:  # will hardly come again
            allowed = self.permissions.may_publish(subject, length)
        else:
            allowed = verdict_of(&self.verdicts, self.permissions, subject, length)
        return allowed or (
            self.replies is not None and self.replies.take(subject, length, self.engine.now)
        )

    cdef int forget_verdicts(self) noexcept:
        verdicts_forget(&self.verdicts)
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
        cdef uint64_t stamp
        cdef char* q = p
        cdef int count, i
        if self.engine.tracing:
            return 0
        count = self._parse_ahead(found, p, end)
        if count <= 1:
            return self._publish_alone(found, p) if count else 0
        sublist = self.account.sublist
        try:
            ahead_find(found, count, sublist)
            stamp = sublist.stamp()
            ahead_foresee(found, count)
            for i in range(count):
                item = &found[i]
                if self.allowance is not None and not self._passes(&item.frame.msg):
                    break  # what becomes of it, the ordinary way decides
                q += item.frame.length
                # The deliveries before this one may have changed the subscriptions.
                if self.account.sublist is sublist:
                    ahead_settle(item, sublist, stamp, &self.engine.routing)
                    _publish_item(self, item)
                else:
                    self.publish(&item.frame.msg, NULL, NULL, None)
                if self.closing or self.paused or is_spent(self.engine):
                    break
        finally:
            ahead_release(found, count)
        return q - p

    cdef int _parse_ahead(self, Ahead* found, char* p, char* end) except -1:
        """How many publishes can be looked up together."""
        cdef Mapper mapper = self.account.mapper
        cdef Sublist sublist = self.account.sublist
        # Larger ones are not for here: one comparison finds what is too large and what is noted.
        cdef int64_t most = min(self.max_payload, <int64_t>self.largest)
        cdef uint32_t before = 0
        cdef int count = 0
        cdef Ahead* item
        cdef Message* msg
        while count < LOOK_AHEAD and wire_publish(
            p, end, self.max_control_line, most, self.headers, &found[count].frame
        ):
            item = &found[count]
            msg = &item.frame.msg
            item.match = NULL
            item.named = False
            item.subject = msg.subject
            item.subject_len = msg.subject_len
            item.hash = bytemap_hash(msg.subject, msg.subject_len)
            if count and item.hash == before:
                break  # the same subject again: `repeat` handles that better
            before = item.hash
            if mapper is not None and not ahead_name(item, mapper, not (
                self.pedantic
                or is_reserved(msg.subject, msg.subject_len, self.account.is_system)
                or (msg.header_len and self._asks_trace(msg))
            )):
                break
            sublist.prefetch_slot(item.hash)
            p += item.frame.length
            count += 1
        return count

    cdef Py_ssize_t _publish_alone(self, Ahead* item, char* p) except -1:
        item.only = NULL
        if self.allowance is not None and not self._passes(&item.frame.msg):
            return 0
        _publish_item(self, item)
        if item.frame.msg.reply_len == 0 and not self.closing and not self.engine.tracing:
            self.notice_line(p, item.frame.line_len, &item.frame.msg)
        return item.frame.length

    cdef bint _passes(self, Message* msg) except -1:
        if self.allowance.most(self.engine.now, msg.total_len) == 0:
            return False
        self.allowance.take(1, msg.total_len)
        return True

    # --- repeated publishes: the same control line again, without parsing it ---

    cdef int notice_line(self, const char* line, size_t line_len, Message* msg) except -1:
        if memo_comes_again(&self.memo, line, line_len):
            self.remember(line, line_len, msg)
        return 0

    cdef int forget(self) noexcept:
        memo_forget(&self.memo)
        return 0

    cdef int remember(self, const char* line, size_t line_len, Message* msg) except -1:
        """Keeps a control line that may be served by `repeat`: everything allowed, nothing to
        answer or to trace."""
        cdef Memo* memo = &self.memo
        cdef Match* match
        cdef Message mapped
        memo_forget(memo)
        if self.verbose or self.replies is not None:
            return 0
        if is_reserved(msg.subject, msg.subject_len, self.account.is_system):
            return 0
        if self.pedantic and self._is_odd(msg):
            return 0
        memo.is_mapped = False
        memo.subject_at = <uint32_t>(msg.subject - line)
        if self.account.mapper is not None:
            mapped = msg[0]
            if not memo_map(memo, self.account.mapper, &mapped):
                return 0
            msg = &mapped
        if self.permissions is not None and not self.may_publish(msg.subject, msg.subject_len):
            return 0
        match = self.account.sublist.match(msg.subject, msg.subject_len)
        match_retain(match)
        memo_keep(memo, line_len, msg, match, self)
        return 0

    cdef Py_ssize_t repeat(self, char* p, char* end) except -1:
        cdef Memo* memo = &self.memo
        cdef size_t count, frame
        cdef size_t most = memo_share(memo, self)
        cdef Message msg
        cdef Match* match = memo.match
        if self.allowance is not None:
            most = min(most, self.allowance.most(self.engine.now, memo.total_len))
        count = memo_count(memo, p, end, most, self.account.parents is not None)
        if count == 0:
            return 0
        if (
            self.engine.tracing or not self.account.sublist.is_current(match)
            or 0 <= self.max_payload < <int64_t>memo.total_len  # it was lowered
        ):
            memo_forget(memo)
            return 0
        frame = memo.line_len + memo.total_len + 2
        self.count_input(count, count * memo.total_len)
        if self.allowance is not None:
            self.allowance.take(count, memo.total_len)
        if match.n_plain == 0 and match.n_queues == 0:
            return count * frame
        memo_message(memo, p, &msg)
        match_retain(match)  # in case that a delivery changes the subscriptions
        try:
            if memo.runs:
                memo_run(memo, &msg, p, count, self)
                return count * frame
            return self._repeat_singly(match, &msg, p, count)
        finally:
            match_release(match)

    cdef Py_ssize_t _repeat_singly(self, Match* match, Message* msg, char* p, size_t count) except -1:
        """Routes messages with the remembered line one by one. Returns the bytes of those that were."""
        cdef size_t line = self.memo.line_len
        cdef size_t frame = line + msg.total_len + 2
        cdef size_t subject_at = self.memo.subject_at
        cdef bint is_mapped = self.memo.is_mapped
        cdef char* q = p
        while count:
            if not is_mapped:
                msg.subject = q + subject_at
            msg.payload = q + line
            q += frame
            count -= 1
            route_match(match, self, msg, &self.engine.routing)
            if is_spent(self.engine) or not self.account.sublist.is_current(match):
                # The rest waits, or goes the ordinary way: a delivery changed the subscriptions.
                if self.allowance is not None:
                    self.allowance.take(-<int64_t>count, msg.total_len)
                self._count_back(count, count * msg.total_len)
                break
        return q - p
