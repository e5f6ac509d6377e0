"""See client.pxd."""
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memchr, memcmp

import random as _random

from pynats_server.core.account cimport Account
from pynats_server.core.clock cimport monotonic_ns
from pynats_server.core.engine cimport PAUSE_AUTH, PAUSE_JUDGE, PAUSE_WORK, Engine, is_spent
from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.subscription cimport Subscription, new_subscription
from pynats_server.core.judging cimport Judgement, judgement_of
from pynats_server.core.limits cimport CALL_STEPS, CONNECT_STEPS, JUDGE_AT_ONCE, SUBJECT_TOKENS_MAX
from pynats_server.core.native cimport pn_get_uint
from pynats_server.core.permissions cimport (
    SUBSCRIBE_DENIED, SUBSCRIBE_FILTERED, Permissions, ReplyGrants,
)
from pynats_server.core.protocol.wire cimport (
    OP_BAD, OP_CONNECT, OP_ERR, OP_HPUB, OP_INFO, OP_OK, OP_PARTIAL, OP_PING, OP_PONG, OP_PUB, OP_SUB,
    OP_UNSUB, WIRE_BAD_ARGUMENTS, WIRE_BAD_SIZE, WIRE_FRAME, WIRE_LINE_TOO_LONG, WIRE_MORE,
    WIRE_SKIP, WIRE_TOO_LARGE, Frame, Op, Outcome, Word, wire_frame, wire_split, wire_verb,
)
from pynats_server.core.publishing.publisher cimport PASSES, WAITS, Pass
from pynats_server.core.sockets.layered cimport LayeredConnection
from pynats_server.core.subject cimport SUBJECT_INVALID, subject_kind, subject_tokens

from pynats_server.core.reasons import CloseReason

cdef int PARSE_ERROR = CloseReason.PARSE_ERROR
cdef int PROTOCOL_VIOLATION = CloseReason.PROTOCOL_VIOLATION
cdef int AUTHENTICATION_TIMEOUT = CloseReason.AUTHENTICATION_TIMEOUT
cdef int MAX_PAYLOAD = CloseReason.MAX_PAYLOAD_EXCEEDED
cdef int MAX_CONTROL_LINE = CloseReason.MAX_CONTROL_LINE_EXCEEDED
cdef int STALE_CONNECTION = CloseReason.STALE_CONNECTION

UNKNOWN_OPERATION = "Unknown Protocol Operation"
# The first PING of the server comes early, to learn the round trip time.
FIRST_PING_NS = 2_000_000_000


cdef class ClientConnection(Publisher):
    """One client. The server layer sets the public attributes before `open()`.

    Handler calls besides those of `Connection`: on_connect(client, json), on_implicit_connect(client),
    on_uninvited(client), on_first_pong(client), on_error(client, text), on_traced(client, trail),
    trace_in(client, verb, arguments), trace_out(client, verb, arguments),
    trace_payload(client, bytes, header_length, arrow), on_publish_limit(client, waits).
    """

    def __init__(self, Engine engine, sock, host, port, Account account=None):
        self.may_stall = True
        self.verbose = True
        self.pedantic = True
        self.name = self.lang = self.version = ""
        self.max_control_line = 4096
        self.max_payload = 1 << 20
        self.max_subscriptions = -1
        self.ping_interval_ns = 120_000_000_000
        self.ping_max = 2
        self.account = account
        self.awaiting_connect = self.stranger = account is None
        if account is not None:
            self._join(account)

    # --- what the server layer does ---

    def _join(self, Account account) -> None:
        self.account = account
        account.clients.add(self)
        account.total_connections += 1

    def admit(self, Account account not None, Permissions permissions, user=None) -> None:
        """The credentials are good: binds the connection to its account. Called again by a later
        CONNECT or a reload, which drops the subscriptions when the account changes."""
        if self.account is not account:
            if self.account is not None:
                self.drop_subscriptions()
                self.account.clients.discard(self)
            self._join(account)
        # Subscriptions made before (as no_auth_user) are judged by the new permissions.
        self.prune(permissions)
        self.forget()  # what it remembers may be of another account
        self.user = user
        self.told = None
        self.awaiting_connect = self.stranger = False
        self.auth_deadline = 0
        if self.next_ping == 0:
            self._schedule_first_ping()

    def _schedule_first_ping(self) -> None:
        delay = min(FIRST_PING_NS, self.ping_interval_ns)
        self.next_ping = self.engine.now + int(delay * (1 + _random.random() / 5))

    def hold(self) -> None:
        """Stops reading until proceed(): the credentials are being checked elsewhere."""
        self.pause(PAUSE_AUTH)

    def proceed(self) -> None:
        """Goes on with what arrived meanwhile."""
        self.resume(PAUSE_AUTH)

    def halt_reading(self) -> None:
        """Stops reading until read_again(): it has asked for work that takes a while."""
        self.pause(PAUSE_WORK)

    def read_again(self) -> None:
        """See halt_reading()."""
        self.resume(PAUSE_WORK)

    def set_echo(self, bint echo) -> None:
        self.skip_own = not echo
        self.forget()

    @property
    def echo(self) -> bool:
        return not self.skip_own

    def send_ok(self) -> None:
        if not self.closing:
            self.confirm()

    def send_error(self, str text) -> None:
        """Sends -ERR; the connection goes on."""
        self.complain(text.encode())

    def fail_with(self, str text, reason) -> None:
        """Sends -ERR and ends the connection."""
        self.fail(text, int(reason))

    def prune(self, Permissions permissions, removed=None) -> None:
        """Applies new permissions, and ends the subscriptions that are no longer allowed; calls
        `removed(sub)` for each. Where there are many this takes some turns, in which the client is
        not read and each of its deliveries is judged."""
        cdef Judgement judgement
        if permissions is None and self.permissions is None:
            return
        if permissions is not None and permissions.same_as(self.permissions):
            return
        self.permissions = permissions
        self.replies = None
        if permissions is not None and permissions.responses:
            self.replies = ReplyGrants(permissions)
        self.forget_verdicts()
        self.forget()
        self.judging = None
        if self.subscriptions.used == 0:
            if self.paused & PAUSE_JUDGE:  # of older permissions, whose judgement now ends
                self.resume(PAUSE_JUDGE)
            return
        judgement = judgement_of(self, removed)
        if judgement.work(self.engine, self.engine.routing.steps + JUDGE_AT_ONCE):
            self.pause(PAUSE_JUDGE)
            self.engine.add_chore(judgement)

    cdef int on_closed(self) except -1:
        # Figures and subscriptions are still there when the handler looks at the connection.
        try:
            self.engine.handler.on_closed(self)
        finally:
            if self.allowance is not None:
                self.allowance.end()
            self.drop_subscriptions()
            self.forget()
            if self.account is not None:
                self.account.clients.discard(self)
        return 0

    cdef int fail(self, str text, int reason) except -1:
        if self.closing:
            return 0
        self.engine.handler.on_error(self, text)
        self.complain(text.encode())
        return self.close_with(reason)

    cdef int reject(self, str text, Op op, bytes args, int reason=0) except -2:
        """Bad arguments: logged, and the connection ends without an -ERR, as with the real server."""
        self.engine.handler.on_error(
            self, f"process{_OP_LABELS[op]} {text}: {args[:64].decode(errors='backslashreplace')!r}"
        )
        self.close_with(reason or PROTOCOL_VIOLATION)
        return -1

    # --- parsing ---

    cdef Py_ssize_t on_data(self, char* data, size_t length) except -1:
        cdef char* p = data
        cdef char* end = data + length
        cdef char* newline
        cdef Py_ssize_t taken
        cdef Op op
        while p < end:
            if self.skipping != OP_BAD:
                newline = <char*>memchr(p, b'\n', end - p)
                if newline == NULL:
                    return length
                p = newline + 1
                op = self.skipping
                self.skipping = OP_BAD
                self.line_command(op, NULL, 0)
            else:
                taken = self.repeat(p, end) if self.memo.line_len else 0
                if taken == 0 and not self.awaiting_connect:
                    taken = self.publish_ahead(p, end)
                if taken == 0:
                    taken = self.command(p, end)
                if taken <= 0:
                    break
                p += taken
            if self.closing or self.paused:
                break
            if is_spent(self.engine) and p < end:
                self.cut = True
                break
        if not self.closing:
            # Replies that the client does not read must not pile up either.
            self.over_pending(0)
        return p - data

    cdef Py_ssize_t command(self, char* p, char* end) except -2:
        """One frame at p. Returns the bytes taken, 0 for "more is needed", -1 for "closed"."""
        cdef Frame frame
        cdef Outcome outcome
        cdef Op op = wire_verb(p, end, &frame)
        if self.awaiting_connect and op != OP_CONNECT:
            if op != OP_PARTIAL or (p[0] != b'C' and p[0] != b'c'):
                if not self._enter_implicitly():
                    if self.closing:
                        return -1
                    if self.paused & PAUSE_AUTH:  # the answer takes time
                        return 0
                    self.engine.handler.on_uninvited(self)
                    return -1
        outcome = wire_frame(p, end, self.max_control_line, self.max_payload, &frame)
        if outcome == WIRE_MORE:
            self.wanted = frame.length
            return 0
        if outcome != WIRE_FRAME:
            return self._not_a_frame(outcome, &frame, end - p)
        if op == OP_PUB or op == OP_HPUB:
            if frame.msg.total_len > self.largest:
                self.note_largest(frame.msg.total_len)
            return self.publish_command(p, &frame)
        if op == OP_PING or op == OP_PONG or op == OP_OK:
            self.line_command(op, NULL, 0)
            return -1 if self.closing else <Py_ssize_t>frame.length
        if self.engine.tracing and op != OP_CONNECT:
            self._trace_line(op, frame.args[:frame.args_len])
        if op == OP_SUB:
            self.subscribe_command(frame.args, frame.args_len)
        elif op == OP_UNSUB:
            self.unsubscribe_command(frame.args, frame.args_len)
        else:
            self.line_command(op, frame.args, frame.args_len)
        return -1 if self.closing else <Py_ssize_t>frame.length

    cdef Py_ssize_t _not_a_frame(self, Outcome outcome, Frame* frame, size_t available) except -2:
        if outcome == WIRE_SKIP:
            self.skipping = frame.op
            return available
        if outcome == WIRE_LINE_TOO_LONG:
            self.fail("maximum control line exceeded", MAX_CONTROL_LINE)
        elif outcome == WIRE_BAD_ARGUMENTS:
            self.reject("Parse Error", frame.op, frame.args[:frame.args_len])
        elif outcome == WIRE_BAD_SIZE:
            self.reject("Bad or Missing Size", frame.op, frame.args[:frame.args_len])
        elif outcome == WIRE_TOO_LARGE:
            self.fail("Maximum Payload Violation", MAX_PAYLOAD)
        else:
            self.fail(UNKNOWN_OPERATION, PROTOCOL_VIOLATION)
        return -1

    cdef Py_ssize_t publish_command(self, char* p, Frame* frame) except -2:
        cdef Message* msg = &frame.msg
        cdef Pass verdict
        if self.allowance is not None:
            verdict = self.count_publish(msg)
            if verdict != PASSES:
                return -1 if self.closing else 0 if verdict == WAITS else <Py_ssize_t>frame.length
        if self.engine.tracing:
            self._trace_line(frame.op, frame.args[:frame.args_len])
            self.engine.handler.trace_payload(
                self, msg.payload[:msg.total_len], msg.header_len, b"<<-"
            )
        if frame.op == OP_HPUB and not self.headers:
            return self.reject("message headers not supported", frame.op, b"")
        self.publish(msg, NULL, NULL, None)
        if self.closing:
            return -1
        if msg.reply_len == 0 and not self.engine.tracing:
            self.notice_line(p, frame.line_len, msg)
        return frame.length

    def _trace_line(self, int op, bytes args) -> None:
        self.engine.handler.trace_in(self, _OP_NAMES[op], args)

    def _enter_implicitly(self) -> bool:
        """Without CONNECT: possible only where a user is configured for that."""
        if self.implicit_connect:
            self.engine.handler.on_implicit_connect(self)
        return not self.awaiting_connect

    cdef int line_command(self, Op op, const char* p, size_t n) except -1:
        """Everything that is one line and not on the hot path."""
        self.engine.routing.steps += 1
        if op == OP_PING:
            if self.engine.tracing:
                self._trace_line(op, b"")
            return self.ping_command()
        if op == OP_PONG:
            if self.engine.tracing:
                self._trace_line(op, b"")
            self.pings_out = 0
            if self.ping_sent:
                self.rtt = max(1, self.engine.now - self.ping_sent)
                self.rtt_measured = True
                self.ping_sent = 0
                self.told = None
            return 0
        if op == OP_CONNECT:
            self.engine.routing.steps += CONNECT_STEPS
            if self.rtt == 0:  # the first guess, as in the real server: INFO there, CONNECT back
                self.rtt = max(1, self.engine.now - self.opened)
            self.engine.handler.on_connect(self, p[:n])
            return 0
        if op == OP_ERR:
            self.reject("Client Error", op, p[:n], PARSE_ERROR)
            return 0
        if op == OP_INFO:
            self.engine.routing.steps += CONNECT_STEPS
            self.engine.handler.on_client_info(self, p[:n])
        return 0  # +OK of a client means nothing

    cdef int ping_command(self) except -1:
        self.write(b"PONG\r\n", 6)
        if self.engine.tracing:
            self.engine.handler.trace_out(self, b"PONG", b"")
        if not self.first_pong_sent:
            self.first_pong_sent = self.engine.handler.on_first_pong(self)
        return 0

    # --- subscribing ---

    cdef int subscribe_command(self, const char* p, size_t n) except -1:
        cdef Word words[3]
        cdef Word sid
        cdef Subscription sub
        while n and p[n - 1] == b'\r':
            n -= 1
        cdef int count = wire_split(p, n, words, 3)
        cdef size_t queue_len = 0
        cdef const char* queue = b""
        if count != 2 and count != 3:
            self.reject("Parse Error", OP_SUB, p[:n])
            return 0
        sid = words[count - 1]
        if count == 3:
            queue = words[1].p
            queue_len = words[1].n
        # The order of the checks is the real server's.
        if self.max_subscription_tokens and (
            subject_tokens(words[0].p, words[0].n) > self.max_subscription_tokens
        ):
            self._deny_subscribe(words[0].p[:words[0].n], b"", too_deep=True)
            return 0
        if 0 <= self.max_subscriptions <= <int64_t>self.subscriptions.used:
            self.engine.handler.on_error(self, "maximum subscriptions exceeded")
            return self.complain(b"maximum subscriptions exceeded")
        verdict = 1
        if self.permissions is not None:
            self.engine.routing.steps += self.permissions.subscribe_steps
            verdict = self.permissions.may_subscribe(words[0].p[:words[0].n], queue[:queue_len])
        if queue_len == 5 and memcmp(queue, b"_sys_", 5) == 0:
            verdict = SUBSCRIBE_DENIED  # the server's own queue group
        if verdict == SUBSCRIBE_DENIED:
            self._deny_subscribe(words[0].p[:words[0].n], queue[:queue_len])
            return 0
        if (
            subject_kind(words[0].p, words[0].n) == SUBJECT_INVALID
            or subject_tokens(words[0].p, words[0].n) > SUBJECT_TOKENS_MAX
        ):
            return self.complain(b"Invalid Subject")
        if not self.has_subscription(sid.p, sid.n):
            sub = new_subscription(
                self, words[0].p, words[0].n, queue, queue_len, sid.p, sid.n
            )
            sub.filtered = verdict == SUBSCRIBE_FILTERED
            self.add_subscription(sub)
        if self.verbose:
            self.confirm()
        return 0

    def _deny_subscribe(self, bytes subject, bytes queue, too_deep=False) -> None:
        self.engine.routing.steps += CALL_STEPS
        text = b'Permissions Violation for Subscription to "' + subject + b'"'
        if queue:
            text += b' using queue "' + queue + b'"'
        if too_deep:
            text += b", too many tokens"
        self.complain(text)
        self.engine.handler.on_error(
            self, f'Subscription Violation - Subject "{subject.decode(errors="replace")}"'
        )

    cdef int unsubscribe_command(self, const char* p, size_t n) except -1:
        cdef Word words[2]
        cdef int64_t most = 0
        while n and p[n - 1] == b'\r':
            n -= 1
        cdef int count = wire_split(p, n, words, 2)
        if count != 1 and count != 2:
            self.reject("Parse Error", OP_UNSUB, p[:n])
            return 0
        if count == 2:
            most = pn_get_uint(words[1].p, words[1].n)
        # A limit that is not a number counts as none: the subscription ends at once.
        self.limit_subscription(words[0].p, words[0].n, <uint64_t>max(most, 0))
        if self.verbose:
            self.confirm()
        return 0

    # --- time ---

    cdef int on_tick(self) except -1:
        cdef int64_t now = self.engine.now
        LayeredConnection.on_tick(self)
        if self.closing:
            return 0
        if self.auth_deadline and now > self.auth_deadline:
            return self.fail("Authentication Timeout", AUTHENTICATION_TIMEOUT)
        if self.next_ping == 0 or now < self.next_ping:
            return 0
        self.next_ping = now + self.ping_interval_ns
        if self.allowance is not None and now - self.allowance.held_ns < self.ping_interval_ns:
            self.pings_out = 0  # its PONGs stand behind what it may not publish yet
            return 0
        if now - self.last_input < self.ping_interval_ns and self.rtt_measured and self.pings_out == 0:
            return 0  # it is alive, and its round trip time is known
        if self.pings_out >= self.ping_max:
            self.engine.stale_connections += 1
            return self.fail("Stale Connection", STALE_CONNECTION)
        return self._ping()

    cdef int _ping(self) except -1:
        self.pings_out += 1
        self.ping_sent = monotonic_ns()
        if self.engine.tracing:
            self.engine.handler.trace_out(self, b"PING", b"")
        return self.write(b"PING\r\n", 6)


_OP_NAMES = {
    OP_CONNECT: b"CONNECT", OP_PUB: b"PUB", OP_HPUB: b"HPUB", OP_SUB: b"SUB", OP_UNSUB: b"UNSUB",
    OP_PING: b"PING", OP_PONG: b"PONG", OP_INFO: b"INFO", OP_OK: b"+OK", OP_ERR: b"-ERR",
}
_OP_LABELS = {
    OP_CONNECT: "Connect", OP_PUB: "Pub", OP_HPUB: "HeaderPub", OP_SUB: "Sub", OP_UNSUB: "Unsub",
    OP_INFO: "Info", OP_ERR: "Err",
}
