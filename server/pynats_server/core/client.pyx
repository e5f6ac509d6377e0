# cython: boundscheck=False, wraparound=False
"""See client.pxd.

Parsing never copies: frames are read where they arrived, and an incomplete frame is left for the
next read, so the parser has no state between frames but `skipping`. Verbs are recognised by prefix
and in any case, as the real server does ("PINGxyz" is a PING).
"""
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcmp, memcpy, memset, strlen

import random as _random
import time

from pynats_server.core.account cimport route, route_match
from pynats_server.core.bytemap cimport bytemap_free, bytemap_get, bytemap_hash, bytemap_pop, bytemap_put
from pynats_server.core.engine cimport PAUSE_AUTH, Engine, monotonic_ns
from pynats_server.core.limits cimport (
    BACKLOG_HIGH, CONTROL_LINE_SLACK, EXTERN_MIN, FLUSH_MARK, LOOK_AHEAD, MEMO_LINE,
    PERMISSION_CACHE, REPLIES_SWEEP, RUN_BLOCK, RUN_DIRECT, SID_FAST, SUBJECT_TOKENS_MAX,
)
from pynats_server.core.native cimport pn_copy, pn_get_uint, pn_put_uint, pn_word_end, prefetch
from pynats_server.core.permissions cimport SUBSCRIBE_DENIED, SUBSCRIBE_FILTERED
from pynats_server.core.runs cimport Run, run_address, run_header_max
from pynats_server.core.subject cimport (
    SUBJECT_INVALID, subject_has_gap, subject_has_wildcard, subject_kind, subject_tokens,
)
from pynats_server.core.sublist cimport Sublist, match_release, match_retain, new_subscription

from pynats_server.core.reasons import CloseReason

cdef int PARSE_ERROR = CloseReason.PARSE_ERROR
cdef int PROTOCOL_VIOLATION = CloseReason.PROTOCOL_VIOLATION
cdef int AUTHENTICATION_VIOLATION = CloseReason.AUTHENTICATION_VIOLATION
cdef int AUTHENTICATION_TIMEOUT = CloseReason.AUTHENTICATION_TIMEOUT
cdef int MAX_PAYLOAD = CloseReason.MAX_PAYLOAD_EXCEEDED
cdef int MAX_CONTROL_LINE = CloseReason.MAX_CONTROL_LINE_EXCEEDED
cdef int STALE_CONNECTION = CloseReason.STALE_CONNECTION
cdef int HEADER_VIOLATION = CloseReason.MSG_HEADER_VIOLATION
cdef int SLOW_PENDING = CloseReason.SLOW_CONSUMER_PENDING_BYTES

UNKNOWN_OPERATION = "Unknown Protocol Operation"
# The first PING of the server comes early, to learn the round trip time.
FIRST_PING_NS = 2_000_000_000

cdef struct Verdict:
    bint allowed
    char* subject

cdef struct Word:
    const char* p
    size_t n


cdef inline bint _same_verb(const char* p, const char* verb, size_t n) noexcept:
    """Whether n bytes equal a verb, letters in any case."""
    cdef size_t i
    cdef char c
    for i in range(n):
        c = p[i]
        if b'a' <= c <= b'z':
            c -= 32
        if c != verb[i]:
            return False
    return True


cdef Op _verb(const char* p, size_t n, size_t* length) noexcept:
    """The verb at p; OP_PARTIAL while fewer bytes than a verb are there but all fit."""
    cdef const char* verb
    cdef Op op
    cdef char c = p[0]
    if c == b'P' or c == b'p':
        if n < 2:
            return OP_PARTIAL
        c = p[1]
        if c == b'U' or c == b'u':
            verb = b"PUB"
            op = OP_PUB
        elif c == b'I' or c == b'i':
            verb = b"PING"
            op = OP_PING
        else:
            verb = b"PONG"
            op = OP_PONG
    elif c == b'S' or c == b's':
        verb = b"SUB"
        op = OP_SUB
    elif c == b'U' or c == b'u':
        verb = b"UNSUB"
        op = OP_UNSUB
    elif c == b'H' or c == b'h':
        verb = b"HPUB"
        op = OP_HPUB
    elif c == b'C' or c == b'c':
        verb = b"CONNECT"
        op = OP_CONNECT
    elif c == b'I' or c == b'i':
        verb = b"INFO"
        op = OP_INFO
    elif c == b'+':
        verb = b"+OK"
        op = OP_OK
    elif c == b'-':
        verb = b"-ERR"
        op = OP_ERR
    else:
        return OP_BAD
    cdef size_t size = strlen(verb)
    length[0] = size
    if n < size:
        return OP_PARTIAL if _same_verb(p, verb, n) else OP_BAD
    return op if _same_verb(p, verb, size) else OP_BAD


cdef int _split(const char* p, size_t n, Word* words, int most) noexcept:
    """Words between blanks; most + 1 when there are more than `most`."""
    cdef size_t i = 0
    cdef size_t start
    cdef int count = 0
    while True:
        while i < n and (p[i] == b' ' or p[i] == b'\t'):
            i += 1
        if i == n:
            return count
        if count == most:
            return most + 1
        start = i
        while i < n and p[i] != b' ' and p[i] != b'\t':
            i += 1
        words[count].p = p + start
        words[count].n = i - start
        count += 1


cdef class ClientConnection(Connection):
    """One client. The server layer sets the public attributes before `open()`.

    Handler calls besides those of `Connection`: on_connect(client, json), on_implicit_connect(client),
    on_first_pong(client), on_error(client, text), trace_in(client, text), trace_payload(client, bytes),
    trace_out(client, text).
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
        self.awaiting_connect = account is None
        if account is not None:
            self._join(account)

    def __dealloc__(self):
        self._free_verdicts()
        self.forget()

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
        self.user = user
        self.awaiting_connect = False
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

    def set_echo(self, bint echo) -> None:
        self.skip_own = not echo
        self.forget()

    @property
    def echo(self) -> bool:
        return not self.skip_own

    def send_ok(self) -> None:
        self.send(b"+OK\r\n")

    def send_error(self, str text) -> None:
        """Sends -ERR; the connection goes on."""
        self.complain(text.encode())

    def fail_with(self, str text, reason) -> None:
        """Sends -ERR and ends the connection."""
        self.fail(text, int(reason))

    @property
    def subscription_count(self) -> int:
        return self.subscriptions.used

    def subscription_list(self) -> list:
        """The live subscriptions, in no particular order."""
        cdef uint32_t i
        found = []
        for i in range(self.subscriptions.capacity):
            if self.subscriptions.slots[i].value != NULL:
                found.append(<Subscription>self.subscriptions.slots[i].value)
        return found

    def prune(self, Permissions permissions) -> list:
        """Applies new permissions (reload): removes and returns the subscriptions that are no
        longer allowed."""
        cdef Subscription sub
        self.permissions = permissions
        self.replies = {} if permissions is not None and permissions.responses else None
        self._free_verdicts()
        self.forget()
        removed = []
        for sub in self.subscription_list():
            sub.filtered = False
            if permissions is None:
                self.account.sublist.touch(sub)
                continue
            verdict = permissions.may_subscribe(sub.subject, sub.queue)
            sub.filtered = verdict == SUBSCRIBE_FILTERED
            self.account.sublist.touch(sub)
            if verdict == SUBSCRIBE_DENIED:
                self.drop_subscription(sub)
                removed.append(sub)
        return removed

    # --- end ---

    cdef int drop_subscription(self, Subscription sub) except -1:
        if sub.closed:
            return 0
        sub.closed = True
        bytemap_pop(&self.subscriptions, sub.c_sid(), sub.sid_len)
        self.account.sublist.remove(sub)
        sub.sink = None
        Py_DECREF(sub)  # the reference of `subscriptions`
        return 0

    def drop_subscriptions(self) -> None:
        """Removes every subscription."""
        cdef Subscription sub
        for sub in self.subscription_list():
            self.drop_subscription(sub)

    cdef int on_closed(self) except -1:
        # Figures and subscriptions are still there when the handler looks at the connection.
        try:
            self.engine.handler.on_closed(self)
        finally:
            self.drop_subscriptions()
            self.forget()
            if self.account is not None:
                self.account.clients.discard(self)
        return 0

    cdef int complain(self, bytes text) except -1:
        if self.closing:
            return 0
        return self.write(b"-ERR '" + text + b"'\r\n", len(text) + 9)

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

    def reject_connect(self, str text) -> None:
        """CONNECT (or INFO) that is not the JSON it should be: as `reject`."""
        self.reject(text, OP_CONNECT, b"")

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
                if self.memo.line_len:
                    taken = self.repeat(p, end)
                    if taken:
                        p += taken
                        if self.closing or self.paused:
                            break
                        continue
                taken = self.publish_ahead(p, end)
                if taken == 0:
                    taken = self.command(p, end)
                if taken <= 0:
                    break
                p += taken
            if self.closing or self.paused:
                break
        if not self.closing:
            # Answers to its own commands, unread, must not pile up either.
            self.over_pending(0)
        return p - data

    cdef Py_ssize_t command(self, char* p, char* end) except -2:
        """One frame at p. Returns the bytes taken, 0 for "more is needed", -1 for "closed"."""
        cdef size_t verb_length = 0
        cdef char* args
        cdef char* newline
        cdef size_t n
        cdef Op op = _verb(p, end - p, &verb_length)
        if self.awaiting_connect and op != OP_CONNECT:
            if op != OP_PARTIAL or (p[0] != b'C' and p[0] != b'c'):
                if not self._enter_implicitly():
                    self.fail("Authorization Violation", AUTHENTICATION_VIOLATION)
                    return -1
        if op == OP_PARTIAL:
            return 0
        if op == OP_BAD:
            return self._unknown()
        args = p + verb_length
        if op == OP_PING or op == OP_PONG or op == OP_OK:
            newline = <char*>memchr(args, b'\n', end - args)
            if newline == NULL:
                self.skipping = op
                return end - p
            self.line_command(op, NULL, 0)
            return -1 if self.closing else newline + 1 - p
        if args < end and args[0] != b' ' and args[0] != b'\t' and op != OP_CONNECT and op != OP_INFO:
            return self._unknown()
        while args < end and (args[0] == b' ' or args[0] == b'\t'):
            args += 1
        newline = <char*>memchr(args, b'\n', end - args)
        n = (end if newline == NULL else newline) - args
        if n and args[n - 1] == b'\r':
            n -= 1  # also when only the LF is still to come
        if n > <size_t>self.max_control_line or (
            newline == NULL and end - p > self.max_control_line + CONTROL_LINE_SLACK
        ):
            self.fail("maximum control line exceeded", MAX_CONTROL_LINE)
            return -1
        if newline == NULL:
            return 0
        if op == OP_PUB or op == OP_HPUB:
            return self.publish_command(op, p, args, n, newline, end)
        if self.engine.tracing and op != OP_CONNECT:
            self._trace_line(op, args[:n])
        if op == OP_SUB:
            self.subscribe_command(args, n)
        elif op == OP_UNSUB:
            self.unsubscribe_command(args, n)
        else:
            self.line_command(op, args, n)
        return -1 if self.closing else newline + 1 - p

    def _trace_line(self, int op, bytes args) -> None:
        self.engine.handler.trace_in(self, _OP_NAMES[op], args)

    def _enter_implicitly(self) -> bool:
        """Without CONNECT: possible only where a user is configured for that."""
        if self.implicit_connect:
            self.engine.handler.on_implicit_connect(self)
        return not self.awaiting_connect

    cdef Py_ssize_t _unknown(self) except -2:
        self.fail(UNKNOWN_OPERATION, PARSE_ERROR)
        return -1

    cdef int line_command(self, Op op, const char* p, size_t n) except -1:
        """Everything that is one line and not on the hot path."""
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
            return 0
        if op == OP_CONNECT:
            if self.rtt == 0:  # the first guess, as in the real server: INFO there, CONNECT back
                self.rtt = max(1, self.engine.now - self.opened)
            self.engine.handler.on_connect(self, p[:n])
            return 0
        if op == OP_ERR:
            self.reject("Client Error", op, p[:n])
            return 0
        if op == OP_INFO:
            self.engine.handler.on_client_info(self, p[:n])
        return 0  # +OK of a client means nothing

    cdef int ping_command(self) except -1:
        self.write(b"PONG\r\n", 6)
        if self.engine.tracing:
            self.engine.handler.trace_out(self, b"PONG", b"")
        if not self.first_pong_sent:
            self.first_pong_sent = self.engine.handler.on_first_pong(self)
        return 0

    # --- publishing ---

    cdef Py_ssize_t publish_command(
        self, Op op, char* p, char* args, size_t args_len, char* newline, char* end
    ) except -2:
        cdef Word words[4]
        cdef Message msg
        cdef int64_t total
        cdef int64_t header = 0
        cdef char* payload = newline + 1
        cdef size_t frame
        cdef int most = 4 if op == OP_HPUB else 3
        cdef int count = _split(args, args_len, words, most)
        if count != most and count != most - 1:
            return self.reject("Parse Error", op, args[:args_len])
        total = pn_get_uint(words[count - 1].p, words[count - 1].n)
        if op == OP_HPUB:
            header = pn_get_uint(words[count - 2].p, words[count - 2].n)
        if total < 0 or header < 0 or header > total:
            return self.reject("Bad or Missing Size", op, args[:args_len])
        if total > self.max_payload >= 0:
            self.fail("Maximum Payload Violation", MAX_PAYLOAD)
            return -1
        frame = <size_t>(payload - p) + <size_t>total + 2
        if <size_t>(end - p) < frame:
            if end - payload > total and payload[total] != b'\r':
                return self._unknown()
            self.wanted = frame
            return 0
        if payload[total] != b'\r' or payload[total + 1] != b'\n':
            return self._unknown()
        msg.subject = words[0].p
        msg.subject_len = <uint32_t>words[0].n
        if count == most:
            msg.reply = words[1].p
            msg.reply_len = <uint32_t>words[1].n
        else:
            msg.reply = NULL
            msg.reply_len = 0
        msg.payload = payload
        msg.header_len = <uint32_t>header
        msg.total_len = <uint32_t>total
        msg.borrowed = True
        if self.engine.tracing:
            self._trace_line(op, args[:args_len])
            self.engine.handler.trace_payload(self, payload[:total], header)
        if op == OP_HPUB and not self.headers:
            return self.reject("message headers not supported", op, b"", HEADER_VIOLATION)
        self.publish(&msg, NULL)
        if self.closing:
            return -1
        if msg.reply_len == 0 and not self.engine.tracing:
            self.notice_line(p, payload - p, &msg)
        return frame

    cdef bint scan_publish(self, char* p, char* end, Publish* found) noexcept:
        """Whether at p is a whole PUB or HPUB as clients write it (capitals, single blanks) and
        within the limits. What is not goes to `publish_command`, which knows all the rest."""
        cdef Message* msg = &found.msg
        cdef Word words[4]
        cdef const char* start
        cdef const char* stop
        cdef int most, count
        cdef int64_t total
        cdef int64_t header = 0
        if end - p < 5:
            return False
        if memcmp(p, b"PUB ", 4) == 0:
            start = p + 4
            most = 3
        elif memcmp(p, b"HPUB ", 5) == 0 and self.headers:
            start = p + 5
            most = 4
        else:
            return False
        found.line_len = start - p
        count = 0
        while True:
            stop = pn_word_end(start, end)
            if end - stop < 2 or stop == start or count == most:
                return False
            words[count].p = start
            words[count].n = stop - start
            count += 1
            if stop[0] != b' ':
                break
            start = stop + 1
        if stop[0] != b'\r' or stop[1] != b'\n' or count < most - 1:
            return False
        if stop - p - found.line_len > self.max_control_line:
            return False
        total = pn_get_uint(words[count - 1].p, words[count - 1].n)
        if most == 4:
            header = pn_get_uint(words[count - 2].p, words[count - 2].n)
        if header < 0 or header > total or total > self.max_payload:
            return False
        found.line_len = stop + 2 - p
        found.length = found.line_len + <size_t>total + 2
        if <size_t>(end - p) < found.length:
            return False
        msg.payload = stop + 2
        if msg.payload[total] != b'\r' or msg.payload[total + 1] != b'\n':
            return False
        msg.subject = words[0].p
        msg.subject_len = <uint32_t>words[0].n
        msg.reply = words[1].p if count == most else NULL
        msg.reply_len = <uint32_t>words[1].n if count == most else 0
        msg.header_len = <uint32_t>header
        msg.total_len = <uint32_t>total
        msg.borrowed = True
        found.match = NULL
        return True

    cdef Py_ssize_t publish_ahead(self, char* p, char* end) except -1:
        """The publishes at p, several at a time: their look-ups miss the cache together instead
        of one after the other. Returns the bytes taken, 0 when `command` must look."""
        cdef Publish found[LOOK_AHEAD]
        cdef Publish* item
        cdef Sublist sublist
        cdef char* q = p
        cdef int count = 0
        cdef int i
        if self.awaiting_connect or self.engine.tracing:
            return 0
        sublist = self.account.sublist
        while count < LOOK_AHEAD and self.scan_publish(q, end, &found[count]):
            item = &found[count]
            item.hash = bytemap_hash(item.msg.subject, item.msg.subject_len)
            if count and item.hash == found[count - 1].hash:
                break  # one subject again: `repeat` is better at that
            sublist.prefetch_slot(item.hash)
            q += item.length
            count += 1
        if count <= 1:
            if count == 0:
                return 0
            item = &found[0]
            self.publish(&item.msg, NULL)
            if item.msg.reply_len == 0 and not self.closing and not self.engine.tracing:
                self.notice_line(p, item.line_len, &item.msg)
            return item.length
        for i in range(count):
            sublist.prefetch_match(found[i].hash)
        try:
            for i in range(count):
                item = &found[i]
                item.match = sublist.find(item.msg.subject, item.msg.subject_len, item.hash)
                if item.match != NULL:
                    match_retain(item.match)
                    if item.match.n_plain:
                        prefetch(item.match.plain[0])
                        prefetch(<char*>item.match.plain[0] + 64)
            for i in range(count):
                if found[i].match != NULL and found[i].match.n_plain:
                    prefetch((<Subscription>found[i].match.plain[0]).text)
            q = p
            for i in range(count):
                item = &found[i]
                q += item.length
                # What was delivered before may have changed everything that was looked up.
                if item.match != NULL and self.account.sublist is sublist and sublist.is_current(item.match):
                    sublist.matches += 1
                    sublist.cache_hits += 1
                    self.publish(&item.msg, item.match)
                else:
                    self.publish(&item.msg, NULL)
                if self.closing or self.paused:
                    break
        finally:
            for i in range(count):
                if found[i].match != NULL:
                    match_release(found[i].match)
        return q - p

    cdef int notice_line(self, const char* line, size_t line_len, Message* msg) except -1:
        """Remembers a control line that comes the second time in a row."""
        if line_len > sizeof(self.memo.line):
            return 0
        if line_len == self.memo.seen_len and memcmp(line, self.memo.line, line_len) == 0:
            return self.remember(line, line_len, msg)
        self.forget()
        memcpy(self.memo.line, line, line_len)
        self.memo.seen_len = <uint32_t>line_len
        return 0

    cdef int count_input(self, uint64_t msgs, uint64_t size) noexcept:
        self.totals.in_msgs += msgs
        self.totals.in_bytes += size
        self.account.totals.in_msgs += msgs
        self.account.totals.in_bytes += size
        self.engine.totals.in_msgs += msgs
        self.engine.totals.in_bytes += size
        self.last_activity = self.engine.now
        return 0

    cdef int publish(self, Message* msg, Match* match) except -1:
        """Checks and routes one message."""
        cdef int64_t delivered
        self.count_input(1, msg.total_len)
        if self._reserved(msg.subject, msg.subject_len, True) or (
            self.permissions is not None and not self.may_publish(msg.subject, msg.subject_len)
        ):
            self._deny_publish(msg.subject[:msg.subject_len])
            return 0
        if msg.reply_len and self._reserved(msg.reply, msg.reply_len, False):
            self._deny_reply(msg.reply[:msg.reply_len])
            return 0
        if self.pedantic and (
            subject_has_gap(msg.subject, msg.subject_len)
            or subject_has_wildcard(msg.subject, msg.subject_len)
        ):
            self.complain(b"Invalid Publish Subject")
        if self.verbose:
            self.write(b"+OK\r\n", 5)
        if match != NULL:
            delivered = route_match(match, self, msg, &self.engine.random)
        else:
            delivered = route(self.account, self, msg, &self.engine.random)
        if delivered == 0 and msg.reply_len and self.no_responders:
            self.no_responders_reply(msg)
        return 0

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

    def _deny_publish(self, bytes subject) -> None:
        self.complain(b'Permissions Violation for Publish to "' + subject + b'"')
        self.engine.handler.on_error(
            self, f'Publish Violation - Subject "{subject.decode(errors="replace")}"'
        )

    def _deny_reply(self, bytes reply) -> None:
        self.complain(b'Permissions Violation for Publish with Reply of "' + reply + b'"')
        self.engine.handler.on_error(
            self, f'Publish Violation - Reply "{reply.decode(errors="replace")}"'
        )

    cdef bint may_publish(self, const char* subject, size_t length) except -1:
        cdef Verdict* verdict = <Verdict*>bytemap_get(&self.publish_verdicts, subject, length)
        if verdict == NULL:
            if self.publish_verdicts.used >= PERMISSION_CACHE:
                self._free_verdicts()
            verdict = <Verdict*>malloc(sizeof(Verdict) + length)
            if verdict == NULL:
                raise MemoryError()
            verdict.subject = <char*>verdict + sizeof(Verdict)
            memcpy(verdict.subject, subject, length)
            verdict.allowed = self.permissions.may_publish(subject, length)
            bytemap_put(&self.publish_verdicts, verdict.subject, length, verdict)
        return verdict.allowed or (self.replies is not None and self.reply_allowed(subject, length))

    def _free_verdicts(self) -> None:
        cdef uint32_t i
        for i in range(self.publish_verdicts.capacity):
            free(self.publish_verdicts.slots[i].value)
        bytemap_free(&self.publish_verdicts)

    cdef bint reply_allowed(self, const char* subject, size_t length):
        """allow_responses: whether a received request opened this subject, and counts the use."""
        key = subject[:length]
        grant = self.replies.get(key)
        if grant is None:
            return False
        if grant[1] and self.engine.now > grant[1]:
            del self.replies[key]
            return False
        if grant[0] >= 0:
            grant[0] -= 1
            if grant[0] <= 0:
                del self.replies[key]
        return True

    def _grant_reply(self, bytes reply) -> None:
        cdef Permissions permissions = self.permissions
        if len(self.replies) >= max(REPLIES_SWEEP, self.replies_sweep_at):
            now = self.engine.now
            self.replies = {k: g for k, g in self.replies.items() if not g[1] or g[1] >= now}
            # Twice what is left, so that sweeps cost a constant per grant however many are alive.
            self.replies_sweep_at = 2 * len(self.replies)
        expiry = 0
        if permissions.response_ttl_ns >= 0:
            expiry = self.engine.now + permissions.response_ttl_ns
        self.replies[reply] = [permissions.response_max, expiry]

    cdef int no_responders_reply(self, Message* msg) except -1:
        """Tells the requester that nobody listens (ADR-22 of the NATS architecture notes)."""
        cdef Message answer
        cdef Match* match
        cdef Subscription sub
        cdef uint32_t i
        status = b"NATS/1.0 503\r\nNats-Subject: " + msg.subject[:msg.subject_len] + b"\r\n\r\n\r\n"
        memset(&answer, 0, sizeof(answer))
        answer.subject = msg.reply
        answer.subject_len = msg.reply_len
        answer.payload = status
        answer.header_len = answer.total_len = <uint32_t>(len(status) - 2)
        match = self.account.sublist.match(msg.reply, msg.reply_len)
        match_retain(match)
        try:
            for i in range(match.n_plain):
                sub = <Subscription>match.plain[i]
                if sub.sink is self and not sub.closed:
                    # Not one of the messages that UNSUB with a maximum counts.
                    limit, count = sub.max, sub.delivered
                    sub.max = 0
                    self.deliver(sub, &answer, None)
                    sub.max, sub.delivered = limit, count
                    break
        finally:
            match_release(match)
        return 0

    # --- repeated publishes: the same control line again, without parsing it ---

    cdef int forget(self) noexcept:
        if self.memo.line_len:
            self.memo.line_len = 0
            match_release(self.memo.match)
        return 0

    cdef int remember(self, const char* line, size_t line_len, Message* msg) except -1:
        """Keeps a control line that may be served by `repeat`: everything allowed, nothing to
        answer or to trace."""
        cdef Match* match
        self.forget()
        if self.verbose or self.replies is not None:
            return 0
        if self.pedantic and (
            subject_has_gap(msg.subject, msg.subject_len)
            or subject_has_wildcard(msg.subject, msg.subject_len)
        ):
            return 0
        if self.permissions is not None and not self.may_publish(msg.subject, msg.subject_len):
            return 0
        match = self.account.sublist.match(msg.subject, msg.subject_len)
        match_retain(match)
        self.memo.match = match
        self.memo.subject_at = <uint32_t>(msg.subject - line)
        self.memo.subject_len = msg.subject_len
        self.memo.header_len = msg.header_len
        self.memo.total_len = msg.total_len
        self.memo.runs = self._runs_fit(match, msg)
        self.memo.line_len = <uint32_t>line_len
        return 0

    cdef bint _runs_fit(self, Match* match, Message* msg) noexcept:
        """Whether runs of this message may be delivered block by block: every receiver takes
        every message, as it is, and none has two subscriptions (it would see their messages out
        of order)."""
        cdef Subscription sub
        cdef ClientConnection target
        cdef uint32_t i
        if match.n_queues or msg.total_len >= EXTERN_MIN:
            return False
        self.engine.run_stamp += 1
        self.memo.sid_max = 0
        for i in range(match.n_plain):
            sub = <Subscription>match.plain[i]
            if sub.closed or type(sub.sink) is not ClientConnection:
                return False
            target = <ClientConnection>sub.sink
            if (
                sub.max or sub.filtered or sub.sid_len > SID_FAST
                or target.run_stamp == self.engine.run_stamp
                or (target is self and self.skip_own)
                or (msg.header_len and not target.headers)
            ):
                return False
            target.run_stamp = self.engine.run_stamp
            self.memo.sid_max = max(self.memo.sid_max, sub.sid_len)
        return True

    cdef Py_ssize_t repeat(self, char* p, char* end) except -1:
        """As many frames with the remembered control line as are here. Returns the bytes taken."""
        cdef Memo* memo = &self.memo
        cdef size_t line = memo.line_len
        cdef size_t frame = line + memo.total_len + 2
        cdef size_t available = end - p
        cdef size_t count = 0
        cdef char* q = p
        cdef Message msg
        cdef Match* match = memo.match
        while available >= frame and memcmp(q, memo.line, line) == 0:
            if q[frame - 2] != b'\r' or q[frame - 1] != b'\n':
                break
            q += frame
            available -= frame
            count += 1
        if count == 0:
            return 0
        if self.engine.tracing or not self.account.sublist.is_current(match):
            self.forget()
            return 0
        self.count_input(count, count * memo.total_len)
        if match.n_plain == 0 and match.n_queues == 0:
            return q - p
        msg.subject = p + memo.subject_at
        msg.subject_len = memo.subject_len
        msg.reply = NULL
        msg.reply_len = 0
        msg.header_len = memo.header_len
        msg.total_len = memo.total_len
        msg.borrowed = True
        if memo.runs:
            # Nothing below runs code that could change the subscriptions before the turn ends,
            # but the match is kept anyway.
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
                msg.subject = q + memo.subject_at
                msg.payload = q + line
                q += frame
                count -= 1
                route_match(match, self, &msg, &self.engine.random)
                if not self.account.sublist.is_current(match):
                    # A delivery changed the subscriptions: the rest goes the ordinary way.
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

    cdef int deliver_run(self, Match* match, Message* msg, char* p, size_t frames) except -1:
        """Delivers `frames` equal-sized messages to all plain subscribers, a block at a time, so
        that the block stays in the core's cache while one receiver after the other gets it."""
        cdef Run run
        cdef Subscription sub
        cdef size_t piece_max = run_header_max(msg, self.memo.sid_max) + msg.total_len + 2
        # Blocks of even size: a short one at the end would cost each receiver a system call.
        cdef size_t blocks = (frames * piece_max + RUN_BLOCK // 2) // RUN_BLOCK
        cdef size_t most = (frames + blocks - 1) // blocks if blocks else frames
        cdef uint32_t i
        run.frames = p
        run.line_len = self.memo.line_len
        run.msg = msg
        run.block = self.engine.take_buffer()
        try:
            while frames:
                run.count = min(most, frames)
                run.piece = 0
                for i in range(match.n_plain):
                    sub = <Subscription>match.plain[i]
                    if not sub.closed:
                        run_address(&run, sub)
                        (<ClientConnection>sub.sink).take_run(&run, sub, self)
                run.frames += run.count * (run.line_len + msg.total_len + 2)
                frames -= run.count
        finally:
            self.engine.give_buffer(run.block)
        return 0

    # --- receiving ---

    cdef bint over_pending(self, size_t length) except -1:
        """Cuts a receiver whose backlog would pass max_pending."""
        cdef size_t pending = self.pending()
        if pending + length <= <size_t>self.engine.max_pending:
            return False
        self.engine.slow_consumers += 1
        if self.account is not None:
            self.account.slow_consumers += 1
        self.engine.handler.on_slow_consumer(self, CloseReason.SLOW_CONSUMER_PENDING_BYTES)
        self._discard_output()
        self.close_with(SLOW_PENDING)
        return True

    cdef bint sheds(self, Sink source) noexcept:
        """no_fast_producer_stall: a receiver that would stall clients loses their messages."""
        if self.engine.stall_producers or not isinstance(source, ClientConnection):
            return False
        return self.pending() * 4 > <size_t>self.engine.max_pending * 3

    cdef void count_output(self, uint64_t msgs, uint64_t size) noexcept:
        self.totals.out_msgs += msgs
        self.totals.out_bytes += size
        self.account.totals.out_msgs += msgs
        self.account.totals.out_bytes += size
        self.engine.totals.out_msgs += msgs
        self.engine.totals.out_bytes += size
        self.last_activity = self.engine.now

    cdef int after_output(self, Sink source) except -1:
        cdef size_t pending = self.pending()
        self.touch_output()
        if pending > FLUSH_MARK:
            if not self.blocked:
                self.flush()
                pending = self.pending()
            if pending > BACKLOG_HIGH and isinstance(source, Connection):
                self.engine.hold_back(<Connection>source, self)
        return 0

    cdef int take_run(self, Run* run, Subscription sub, Sink source) except -1:
        """Deliveries that differ from `deliver`'s in nothing but that they come many at a time."""
        cdef size_t length = run.count * run.piece
        cdef size_t pending = self.pending()
        cdef size_t i
        if self.closing:
            return 0
        if (pending + length) * 4 > <size_t>self.engine.max_pending * 3:
            for i in range(run.count):  # which of them is one too many?
                if self.sheds(source):
                    continue
                if self.closing or self.over_pending(run.piece):
                    return 0
                self.append(run.block + i * run.piece, run.piece)
                sub.delivered += 1
                self.count_output(1, run.msg.total_len)
                self.after_output(source)
            return 0
        if pending == 0 and length >= RUN_DIRECT and not self.blocked:
            self.write_through(run.block, length)
        else:
            self.append(run.block, length)
        sub.delivered += run.count
        self.count_output(run.count, run.count * run.msg.total_len)
        if self.pending() and not self.closing:
            self.after_output(source)
        return 0

    cdef int deliver(self, Subscription sub, Message* msg, Sink source) except -1:
        cdef bint with_headers
        cdef const char* payload
        cdef size_t length, room
        cdef char* start
        cdef char* at
        if self.closing or (source is self and self.skip_own):
            return 0
        if sub.max and sub.delivered >= sub.max:
            self.drop_subscription(sub)
            return 0
        if self.sheds(source):
            return 0
        if sub.filtered and self.permissions.denies_delivery(
            msg.subject, msg.subject_len, sub.c_queue(), sub.queue_len
        ):
            return 0
        with_headers = msg.header_len != 0 and self.headers
        payload = msg.payload
        length = msg.total_len
        if msg.header_len and not with_headers:
            payload += msg.header_len
            length -= msg.header_len
        room = 5 + msg.subject_len + 1 + sub.sid_len + 1 + msg.reply_len + 1 + 24
        if self.pending() + room + length > <size_t>self.engine.max_pending:
            if self.over_pending(room + length):
                return 0
        if (
            length >= EXTERN_MIN and msg.borrowed and
            (not self.blocked or length * 4 >= self.engine.current.capacity)
        ):
            start = at = self.reserve(room)
        else:
            start = at = self.reserve(room + length + 2)
        if with_headers:
            memcpy(at, b"HMSG ", 5)
            at += 5
        else:
            memcpy(at, b"MSG ", 4)
            at += 4
        pn_copy(at, msg.subject, msg.subject_len)
        at += msg.subject_len
        pn_copy(at, sub.c_sid_field(), sub.sid_len + 2)
        at += sub.sid_len + 2
        if msg.reply_len:
            pn_copy(at, msg.reply, msg.reply_len)
            at += msg.reply_len
            at[0] = b' '
            at += 1
        if with_headers:
            at += pn_put_uint(at, msg.header_len)
            at[0] = b' '
            at += 1
        at += pn_put_uint(at, length)
        at[0] = b'\r'
        at[1] = b'\n'
        at += 2
        if self.engine.tracing:
            self.engine.handler.trace_out(self, b"HMSG" if with_headers else b"MSG",
                                          start[4:at - start - 2].strip())
        if (
            length >= EXTERN_MIN and msg.borrowed and
            (not self.blocked or length * 4 >= self.engine.current.capacity)
        ):
            self.out_end += at - start
            self.add_extern(payload, length + 2, self.engine.current)
        else:
            memcpy(at, payload, length + 2)
            self.out_end += at + length + 2 - start
        sub.delivered += 1
        if sub.max and sub.delivered >= sub.max:
            self.drop_subscription(sub)
        self.count_output(1, length)
        if self.replies is not None and msg.reply_len:
            self._grant_reply(msg.reply[:msg.reply_len])
        self.after_output(source)
        return 1

    # --- subscribing ---

    cdef int subscribe_command(self, const char* p, size_t n) except -1:
        cdef Word words[3]
        cdef Word sid
        cdef Subscription sub
        while n and p[n - 1] == b'\r':
            n -= 1
        cdef int count = _split(p, n, words, 3)
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
        if bytemap_get(&self.subscriptions, sid.p, sid.n) == NULL:
            sub = new_subscription(
                self, words[0].p, words[0].n, queue, queue_len, sid.p, sid.n
            )
            sub.filtered = verdict == SUBSCRIBE_FILTERED
            self.account.sublist.insert(sub)
            bytemap_put(&self.subscriptions, sub.c_sid(), sub.sid_len, <void*>sub)
            Py_INCREF(sub)  # owned by `subscriptions` until drop_subscription
        if self.verbose:
            self.write(b"+OK\r\n", 5)
        return 0

    def _deny_subscribe(self, bytes subject, bytes queue, too_deep=False) -> None:
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
        cdef Subscription sub
        cdef void* found
        cdef int64_t most = 0
        while n and p[n - 1] == b'\r':
            n -= 1
        cdef int count = _split(p, n, words, 2)
        if count != 1 and count != 2:
            self.reject("Parse Error", OP_UNSUB, p[:n])
            return 0
        if count == 2:
            most = pn_get_uint(words[1].p, words[1].n)
        found = bytemap_get(&self.subscriptions, words[0].p, words[0].n)
        if found != NULL:
            sub = <Subscription>found
            if most > 0:
                sub.max = <uint64_t>most
                self.account.sublist.touch(sub)
            if most <= 0 or sub.delivered >= sub.max:
                self.drop_subscription(sub)
        if self.verbose:
            self.write(b"+OK\r\n", 5)
        return 0

    # --- time ---

    cdef int on_tick(self) except -1:
        cdef int64_t now = self.engine.now
        Connection.on_tick(self)
        if self.closing:
            return 0
        if self.auth_deadline and now > self.auth_deadline:
            return self.fail("Authentication Timeout", AUTHENTICATION_TIMEOUT)
        if self.next_ping == 0 or now < self.next_ping:
            return 0
        self.next_ping = now + self.ping_interval_ns
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
