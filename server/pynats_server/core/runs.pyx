"""See runs.pxd."""
from libc.string cimport memcmp, memcpy

from pynats_server.core.framing cimport put_line, sid_place
from pynats_server.core.limits cimport MEMO_LINE, RUN_SLACK, SID_FAST
from pynats_server.core.native cimport pn_copy


cdef void run_address(Run* run, Subscription sub) noexcept:
    cdef char* at
    cdef size_t i
    if run.piece == 0 or sub.sid_len != run.sid_len:
        _write(run, sub)
    elif memcmp(run.block + run.sid_at, sub.c_sid(), run.sid_len) != 0:
        at = run.block + run.sid_at
        for i in range(run.count):
            pn_copy(at, sub.c_sid(), run.sid_len)
            at += run.piece


cdef void _write(Run* run, Subscription sub) noexcept:
    cdef char header[MEMO_LINE + SID_FAST + RUN_SLACK + 32]
    cdef Message* msg = run.msg
    cdef size_t body = msg.total_len + 2
    cdef size_t length = put_line(header, msg, sub, msg.header_len, msg.total_len) - header
    cdef char* out = run.block
    cdef const char* payload = run.frames + run.line_len
    cdef size_t i
    run.piece = length + body
    run.sid_at = sid_place(msg, msg.header_len)
    run.sid_len = sub.sid_len
    for i in range(run.count):
        # A copy of fixed size needs no call; the excess is overwritten next.
        memcpy(out, header, RUN_SLACK)
        if length > RUN_SLACK:
            memcpy(out + RUN_SLACK, header + RUN_SLACK, length - RUN_SLACK)
        pn_copy(out + length, payload, body)
        out += run.piece
        payload += run.line_len + body
