"""See repeats.pxd."""
from libc.stdint cimport uint64_t
from libc.string cimport memcmp, memcpy

from pynats_server.core.engine cimport Engine
from pynats_server.core.interest.mapping cimport KEPT, MAPPED, Fate, NewName, Rule, name_free
from pynats_server.core.interest.match cimport match_release
from pynats_server.core.interest.subscription cimport Subscription
from pynats_server.core.limits cimport (
    BULK_RECEIVERS, EXTERN_MIN, RUN_BLOCK, SID_FAST, STEP_BYTES_SHIFT,
)
from pynats_server.core.protocol.framing cimport line_max
from pynats_server.core.protocol.runs cimport Run, run_address
from pynats_server.core.tracing.request cimport may_want_trace


cdef bint memo_comes_again(Memo* memo, const char* line, size_t length) noexcept:
    if length > sizeof(memo.line):
        return False
    if length == memo.seen_len and memcmp(line, memo.line, length) == 0:
        return True
    memo_forget(memo)
    memcpy(memo.line, line, length)
    memo.seen_len = <uint32_t>length
    return False


cdef void memo_forget(Memo* memo) noexcept:
    if memo.line_len:
        memo.line_len = 0
        match_release(memo.match)


cdef bint memo_map(Memo* memo, Mapper mapper, Message* msg) except -1:
    cdef NewName name
    cdef Rule rule = mapper.rule_of(msg.subject, msg.subject_len)
    cdef Fate fate
    if rule is None:
        return True
    if not rule.steady:
        return False
    fate = mapper.apply(rule, msg.subject, msg.subject_len, &name)
    if fate != MAPPED:
        return fate == KEPT
    try:
        if name.length > sizeof(memo.mapped):
            return False
        memcpy(memo.mapped, name.subject, name.length)
        memo.is_mapped = True
        msg.subject = memo.mapped
        msg.subject_len = <uint32_t>name.length
        return True
    finally:
        name_free(&name)


cdef void memo_keep(
    Memo* memo, size_t line_len, Message* msg, Match* match, Receiver source
) noexcept:
    memo.match = match
    memo.subject_len = msg.subject_len
    memo.header_len = msg.header_len
    memo.total_len = msg.total_len
    memo.runs = _runs_fit(memo, msg, source)
    memo.line_len = <uint32_t>line_len


cdef bint _runs_fit(Memo* memo, Message* msg, Receiver source) noexcept:
    """Whether runs of this message may be delivered block by block: every receiver takes every
    message, as it is, and none has two subscriptions (it would see their messages out of order)."""
    cdef Match* match = memo.match
    cdef Engine engine = source.engine
    cdef Subscription sub
    cdef Receiver target
    cdef size_t room
    cdef uint32_t i
    if match.n_queues or msg.total_len >= EXTERN_MIN:
        return False
    engine.run_stamp += 1
    memo.sid_max = 0
    memo.subject_max = msg.subject_len
    for i in range(match.n_plain):
        sub = <Subscription>match.plain[i]
        if sub.closed or not isinstance(sub.sink, Receiver):
            return False
        target = <Receiver>sub.sink
        if (
            sub.max or sub.filtered or sub.sid_len > SID_FAST
            or target.run_stamp == engine.run_stamp
            or (target is source and source.skip_own)
            or (msg.header_len and not target.headers)
        ):
            return False
        if sub.rename is not None:
            room = sub.rename.room(msg.subject_len)
            if room > MEMO_LINE:
                return False
            memo.subject_max = max(memo.subject_max, room)
        target.run_stamp = engine.run_stamp
        memo.sid_max = max(memo.sid_max, sub.sid_len)
    return True


cdef size_t memo_count(Memo* memo, char* p, char* end, size_t most, bint parents) noexcept:
    cdef size_t line = memo.line_len
    cdef size_t frame = line + memo.total_len + 2
    cdef size_t available = end - p
    cdef size_t count = 0
    while available >= frame and count < most and memcmp(p, memo.line, line) == 0:
        if p[frame - 2] != b'\r' or p[frame - 1] != b'\n':
            break
        if memo.header_len and may_want_trace(p + line, memo.header_len, parents):
            break
        p += frame
        available -= frame
        count += 1
    return count


cdef size_t memo_share(Memo* memo, Receiver source) noexcept:
    cdef Engine engine = source.engine
    cdef uint64_t steps = engine.routing.steps
    cdef uint64_t left = engine.slice_end - steps if engine.slice_end > steps else 0
    cdef uint64_t receivers = memo.match.n_plain + memo.match.n_queues
    if not memo.runs:
        return 1 + left // (1 + receivers)
    # Receivers get whole blocks, for which bytes count more than messages.
    left = left // (1 + receivers)
    return 1 + (left << STEP_BYTES_SHIFT) // (memo.line_len + memo.total_len)


cdef void memo_message(Memo* memo, char* p, Message* msg) noexcept:
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


cdef int memo_run(Memo* memo, Message* msg, char* p, size_t frames, Receiver source) except -1:
    cdef Match* match = memo.match
    cdef Engine engine = source.engine
    cdef Run run
    cdef Subscription sub
    cdef size_t name_max = memo.subject_max - msg.subject_len  # more than the subject has
    cdef size_t piece_max = line_max(msg, memo.sid_max) + name_max + msg.total_len + 2
    # Blocks of even size: a short one at the end would cost each receiver a system call.
    cdef size_t blocks = (frames * piece_max + RUN_BLOCK // 2) // RUN_BLOCK
    cdef size_t most = (frames + blocks - 1) // blocks if blocks else frames
    cdef uint32_t i
    run.frames = p
    run.line_len = memo.line_len
    run.msg = msg
    run.block = engine.take_buffer()
    engine.routing.bulk = match.n_plain > BULK_RECEIVERS
    try:
        while frames:
            run.count = min(most, frames)
            run.piece = 0
            for i in range(match.n_plain):
                sub = <Subscription>match.plain[i]
                engine.routing.steps += 1 + (run.count * run.piece >> STEP_BYTES_SHIFT)
                if not sub.closed:
                    run_address(&run, sub)
                    (<Receiver>sub.sink).take_run(&run, sub, source)
            run.frames += run.count * (run.line_len + msg.total_len + 2)
            frames -= run.count
    finally:
        engine.routing.bulk = False
        engine.give_buffer(run.block)
    return 0
