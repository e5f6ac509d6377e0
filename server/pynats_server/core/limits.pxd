"""Every bound of the data plane in one place: value, unit, reason."""

cdef enum:
    # Read per wake-up and connection, bytes. Large enough to amortise the system call, small
    # enough that the chunk and what is written from it stay in a core's cache, and that no
    # connection keeps the loop from the others for long.
    READ_CHUNK = 262144
    # A frame larger than this gets a buffer of its own size while it arrives, bytes; smaller
    # remains are carried over and read again.
    ASSEMBLY_MIN = 32768
    # Payloads from this size on are written from where they were read instead of being copied.
    EXTERN_MIN = 2048
    # Output buffers of the pool, bytes, and how many the pool keeps. A buffer holds what may
    # gather before a receiver holds its producers back, so that it seldom grows: fresh memory
    # means page faults, which cost more than the copy.
    OUT_BUFFER = 262144
    OUT_POOL = 16
    # Read chunks kept for reuse, for the same reason.
    CHUNK_POOL = 8
    # Bytes of lent memory that output refers to, all connections together: readers that do not keep
    # up hold no more of it, and what is beyond that is copied.
    LENT_MAX = 33554432
    # A connection with more output than this is flushed before its turn ends, bytes.
    FLUSH_MARK = 65536
    # Pieces per system call.
    IOV_MAX_PIECES = 256
    # Backlog at which a receiver begins to hold back its producers, and at which it lets go, bytes.
    BACKLOG_HIGH = 196608
    BACKLOG_LOW = 65536
    # How long a receiver may hold back producers before they go on without it, milliseconds.
    BACKLOG_HOLD_MS = 10
    # Pause per read of a producer whose receiver is above 75 % / 100 % of max_pending, ms.
    STALL_MIN_MS = 2
    STALL_MAX_MS = 5
    # Events taken per poll, and polls per wake-up of the event loop.
    POLL_EVENTS = 512
    POLL_ROUNDS = 16
    # Work is counted in steps. One is about a delivery, 50 to 100 ns; what other things cost in
    # steps: a SUB, the end of a subscription, a call of the server's Python code (for a log line, or a
    # service's answer), a CONNECT, a system call that sends, the end of a connection, a message that a
    # stream stores (one that its Python code has to look at is two calls as well).
    SUBSCRIBE_STEPS = 10
    REMOVE_STEPS = 12
    CALL_STEPS = 100
    CONNECT_STEPS = 500
    SEND_STEPS = 32
    CLOSE_STEPS = 300
    STORE_STEPS = 4
    # Ended connections that are taken apart in one go.
    CLOSE_BATCH = 32
    # Bytes of a subject that cost a step where it is stored or removed, as a shift: 4.
    STEP_SUBJECT_SHIFT = 2
    # Bytes that cost a step where they are copied or sent, as a shift: 512.
    STEP_BYTES_SHIFT = 9
    # Bytes of a header block that cost a step where each of its headers is looked at, as a shift: 64.
    STEP_HEADER_SHIFT = 6
    # Steps after which a turn takes no more input, and the loop's other callbacks get their time.
    TURN_STEPS = 65536
    # The least that a connection may do per turn, however many want to, steps. More than one message
    # only where messages reach few.
    SLICE_STEPS_MIN = 256
    # Steps per turn for what may wait: output of messages that reached very many, connections that
    # end, subscriptions of those that have.
    SETTLE_STEPS = 16384
    CHORE_STEPS = 8192
    # A message that reaches more than this is a bulk: its output is sent after that of others.
    BULK_RECEIVERS = 256
    # Bytes read per step that the connection has, and at least.
    READ_PER_STEP = 64
    READ_MIN = 16384
    # The same where a limit of publishing holds back what has been read: so little of a chunk that
    # it is copied out of it, bytes.
    LIMITED_READ = 32768
    # Bytes read at a time from who has not logged in, and held while its password is compared.
    LOGIN_READ = 8192
    # Subscriptions of an ended connection that are removed at once; more are a chore.
    REMOVE_AT_ONCE = 64
    # Steps for new permissions of a client that are applied at once; more is a chore.
    JUDGE_AT_ONCE = 2048
    # Connections whose timers are looked at in one go. Each may get a PING.
    TICK_BATCH = 512
    # Connections accepted between two polls, and what one costs with what it is told, steps.
    ACCEPT_BATCH = 16
    ACCEPT_STEPS = 1000
    # Blank or ignored bytes tolerated inside a control line beyond its limit, bytes.
    CONTROL_LINE_SLACK = 1024
    # Deepest subject accepted in SUB: bounds the recursion of the matcher.
    SUBJECT_TOKENS_MAX = 8192
    # Subjects of messages that get a new name need memory of their own from this length on, bytes.
    SUBJECT_ROOM = 256
    # Events that are noted of one traced message: some 15 MB of JSON. What comes after them is not told.
    TRACE_EVENTS_MAX = 131072
    # Bytes of the headers of a request in which those of a trace are looked for that say whether its
    # latency is measured.
    SAMPLED_READ = 8192
    # Accounts that a request is led through, one importing from the other.
    IMPORTS_DEEP = 16
    # Subjects whose publish permission is remembered per connection.
    PERMISSION_CACHE = 1024
    # Deny rules that a wildcard SUB is compared with, to find out whether its deliveries need a look;
    # with more rules they are looked at in any case.
    FILTER_SCAN_MAX = 64
    # Longest control line that the repeated-line shortcut remembers, bytes.
    MEMO_LINE = 192
    # Publishes that are parsed before the first of them is routed, so that what their look-ups
    # touch is fetched in parallel. More does not help: a core has about so many misses in flight.
    LOOK_AHEAD = 16
    # Messages or bytes a second that publishing may be limited to: more needs no limit.
    RATE_MAX = 8589934592
    # Who waits for such a limit is looked at after this time at the latest, and its log line is not
    # repeated sooner than after that, ns.
    RATE_WAIT_NS = 1000000000
    RATE_TELL_NS = 10000000000
    # Reply subjects remembered for allow_responses per connection before expired ones are dropped.
    REPLIES_SWEEP = 4096
    # Unread input thrown away at a close so that the last -ERR is not lost to a reset, bytes.
    CLOSE_DRAIN = 1048576
    # Longest sid for which runs of equal messages are delivered as blocks, bytes.
    SID_FAST = 64
    # Size of such a block, bytes: fills a segment of a loopback connection, and stays in a core's
    # cache. Blocks are up to half as large again, so an output buffer holds one.
    RUN_BLOCK = FLUSH_MARK
    # A block from this size on is sent at once when nothing waits before it; a smaller one waits
    # for the end of the turn, in case more follows, bytes.
    RUN_DIRECT = 16384
    # Bytes that writing a block may write beyond its end.
    RUN_SLACK = 32
    # Steps at a turn's end for watchers that are told; the rest is a chore.
    TELL_STEPS = 4096
    # Staying awake for the next event (`readiness.patience`): for so long, ns; the gaps between a
    # turn and an event, asleep, that are worth it, ns: shorter ones cost no wake-up, longer ones
    # would be watched in vain; how many of them in a row it takes, and how many at most after it has
    # failed; events after which it is judged, and after which sleeping is tried again; what a watch
    # in vain takes of a credit to which each event adds one.
    WATCH_NS = 50000
    WATCH_NEAR_NS = 15000
    WATCH_FAR_NS = 250000
    WATCH_NEED = 16
    WATCH_AGAIN_MAX = 4096
    WATCH_TRIAL = 16
    WATCH_TERM = 8192
    WATCH_CREDIT = 16
    WATCH_LOSS = 2
    # Steps and messages, in and out, of a turn beyond which nobody stays awake after it: it was
    # no single request.
    WATCH_STEPS = 512
    WATCH_MESSAGES = 16
    # Polls before the loop gets its chance.
    WATCH_POLLS = 16
    # What a layer (TLS) is given of the socket at a time, bytes: it fits, decrypted, into a chunk
    # behind what is carried. What it makes is sent when there is so much, bytes.
    LAYER_READ = 98304
    LAYER_SEND = 135168
    # Sealing or opening a record costs about so many steps, besides those of its bytes.
    RECORD_STEPS = 4
    # Bytes of a prologue (a PROXY header, the first bytes that tell who speaks) that are kept.
    PROLOGUE_MOST = 65552
    # Looks at the timers without anything having come or gone, after which a layer gives back
    # memory that it does not need.
    REST_TICKS = 4
    # Threads for the beginnings of layers (handshakes), results that are delivered at once, and what
    # bringing in one who is ready costs, steps.
    GREETERS = 2
    GREETINGS_BATCH = 16
    GREETED_STEPS = 1000
