"""See runs.pxd."""
from libc.stdint cimport uint32_t
from libc.string cimport memcmp, memcpy

from pynats_server.core.limits cimport MEMO_LINE, RUN_SLACK, SID_FAST
from pynats_server.core.native cimport pn_copy
from pynats_server.core.protocol.framing cimport put_line, sid_place


cdef inline void* _rename_of(Subscription sub) noexcept:
    return NULL if sub.rename is None else <void*>sub.rename


cdef void run_address(Run* run, Subscription sub) noexcept:
    cdef char* at
    cdef size_t i
    if run.piece == 0 or sub.sid_len != run.sid_len or run.rename != _rename_of(sub):
        _write(run, sub)
    elif memcmp(run.block + run.sid_at, sub.c_sid(), run.sid_len) != 0:
        at = run.block + run.sid_at
        for i in range(run.count):
            pn_copy(at, sub.c_sid(), run.sid_len)
            at += run.piece


cdef void _write(Run* run, Subscription sub) noexcept:
    cdef char header[MEMO_LINE + SID_FAST + RUN_SLACK + 64]
    cdef char subject[MEMO_LINE]
    cdef Message msg = run.msg[0]
    cdef size_t body = msg.total_len + 2
    cdef size_t length
    cdef char* out = run.block
    cdef const char* payload = run.frames + run.line_len
    cdef size_t i
    run.rename = _rename_of(sub)
    if run.rename != NULL:
        msg.subject_len = <uint32_t>sub.rename.put(msg.subject, msg.subject_len, subject)
        msg.subject = subject
    length = put_line(header, &msg, sub, msg.header_len, msg.total_len) - header
    run.piece = length + body
    run.sid_at = sid_place(&msg, msg.header_len)
    run.sid_len = sub.sid_len
    for i in range(run.count):
        # A copy of fixed size needs no call; the excess is overwritten next.
        memcpy(out, header, RUN_SLACK)
        if length > RUN_SLACK:
            memcpy(out + RUN_SLACK, header + RUN_SLACK, length - RUN_SLACK)
        pn_copy(out + length, payload, body)
        out += run.piece
        payload += run.line_len + body
