"""A client connection: the NATS client protocol on top of `Connection`."""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from pynats_server.core.account cimport Account
from pynats_server.core.bytemap cimport ByteMap
from pynats_server.core.engine cimport Connection
from pynats_server.core.limits cimport MEMO_LINE
from pynats_server.core.permissions cimport Permissions
from pynats_server.core.runs cimport Run
from pynats_server.core.sublist cimport Match, Message, Sink, Subscription


cdef enum Op:
    OP_BAD
    OP_PARTIAL  # could still become a verb
    OP_CONNECT
    OP_PUB
    OP_HPUB
    OP_SUB
    OP_UNSUB
    OP_PING
    OP_PONG
    OP_INFO
    OP_OK
    OP_ERR


cdef struct Memo:
    # The last control line without reply, and where it led: publishers repeat themselves.
    char line[MEMO_LINE]
    uint32_t line_len  # 0 = nothing remembered
    uint32_t seen_len  # length of `line` when it was only seen, not yet remembered
    uint32_t subject_at
    uint32_t subject_len
    uint32_t header_len
    uint32_t total_len
    bint runs  # receivers may get many at a time, see _runs_fit
    uint32_t sid_max  # length of their longest sid
    Match* match  # owned


cdef struct Publish:
    # A publish that was parsed ahead of its turn.
    Message msg
    Match* match  # owned; NULL = look it up
    size_t line_len
    size_t length  # of the whole frame
    uint32_t hash  # of the subject


cdef class ClientConnection(Connection):
    cdef readonly Account account
    cdef readonly Permissions permissions
    cdef ByteMap subscriptions  # sid -> Subscription, owned references
    cdef ByteMap publish_verdicts  # subject -> Verdict, owned
    cdef Memo memo
    cdef Op skipping  # inside a line whose rest is ignored
    # CONNECT
    cdef public bint verbose
    cdef public bint pedantic
    cdef public bint headers  # both sides support them
    cdef public bint no_responders
    cdef public int protocol
    cdef public str name, lang, version
    cdef public object user  # what monitoring shows; None = anonymous
    cdef public object context  # state of the server layer for this connection
    # limits
    cdef public int64_t max_control_line
    cdef public int64_t max_payload  # bytes; negative = unlimited
    cdef public int64_t max_subscriptions  # negative = unlimited
    cdef public int64_t max_subscription_tokens  # 0 = unlimited
    # state
    cdef readonly bint awaiting_connect  # credentials are required and not given yet
    cdef public bint implicit_connect  # without CONNECT, the server picks the user (no_auth_user)
    cdef public bint connect_received
    cdef readonly bint first_pong_sent
    cdef uint64_t run_stamp  # marks this receiver while a match is looked through
    cdef dict replies  # reply subject -> [messages left, expiry ns]; for allow_responses
    cdef size_t replies_sweep_at  # size at which expired ones are dropped next
    # pings
    cdef public int64_t auth_deadline  # monotonic ns, 0 = none
    cdef public int64_t ping_interval_ns
    cdef public int ping_max
    cdef int64_t next_ping
    cdef int64_t ping_sent
    cdef int pings_out
    cdef readonly int64_t rtt  # ns, 0 = unknown (before CONNECT)
    cdef bint rtt_measured  # by a PING; before that, rtt is the time that CONNECT took

    cdef Py_ssize_t command(self, char* p, char* end) except -2
    cdef Py_ssize_t repeat(self, char* p, char* end) except -1
    cdef Py_ssize_t publish_command(self, Op op, char* p, char* args, size_t args_len, char* newline, char* end) except -2
    cdef Py_ssize_t publish_ahead(self, char* p, char* end) except -1
    cdef bint scan_publish(self, char* p, char* end, Publish* found) noexcept
    # `match` is where the subject leads if that is known, else NULL.
    cdef int publish(self, Message* msg, Match* match) except -1
    cdef int subscribe_command(self, const char* p, size_t n) except -1
    cdef int unsubscribe_command(self, const char* p, size_t n) except -1
    cdef int line_command(self, Op op, const char* p, size_t n) except -1
    cdef int ping_command(self) except -1
    cdef int drop_subscription(self, Subscription sub) except -1
    cdef bint may_publish(self, const char* subject, size_t length) except -1
    cdef bint reply_allowed(self, const char* subject, size_t length)
    cdef int no_responders_reply(self, Message* msg) except -1
    cdef int reject(self, str text, Op op, bytes args, int reason=*) except -2
    cdef int fail(self, str text, int reason) except -1
    cdef int complain(self, bytes text) except -1
    cdef int forget(self) noexcept
    cdef bint _runs_fit(self, Match* match, Message* msg) noexcept
    cdef int notice_line(self, const char* line, size_t line_len, Message* msg) except -1
    cdef int remember(self, const char* line, size_t line_len, Message* msg) except -1
    cdef int deliver_run(self, Match* match, Message* msg, char* p, size_t frames) except -1
    cdef int take_run(self, Run* run, Subscription sub, Sink source) except -1
    cdef int count_input(self, uint64_t msgs, uint64_t size) noexcept
    cdef bint sheds(self, Sink source) noexcept
    cdef bint over_pending(self, size_t length) except -1
    cdef void count_output(self, uint64_t msgs, uint64_t size) noexcept
    cdef int after_output(self, Sink source) except -1
    cdef bint _reserved(self, const char* p, size_t n, bint as_subject) noexcept
    cdef Py_ssize_t _unknown(self) except -2
    cdef int _ping(self) except -1
