# cython: boundscheck=False, wraparound=False
"""See runs.pxd."""
from libc.string cimport memcmp, memcpy

from pynats_server.core.limits cimport MEMO_LINE, RUN_SLACK, SID_FAST
from pynats_server.core.native cimport pn_copy, pn_put_uint


cdef size_t run_header_max(Message* msg, size_t sid_len) noexcept:
    return 5 + msg.subject_len + sid_len + 2 + 24


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
    cdef size_t length = _header(header, msg, sub)
    cdef char* out = run.block
    cdef const char* payload = run.frames + run.line_len
    cdef size_t i
    run.piece = length + body
    run.sid_at = (5 if msg.header_len else 4) + msg.subject_len + 1
    run.sid_len = sub.sid_len
    for i in range(run.count):
        # Copies of a fixed size need no call; what they write too much is overwritten next.
        memcpy(out, header, RUN_SLACK)
        if length > RUN_SLACK:
            memcpy(out + RUN_SLACK, header + RUN_SLACK, length - RUN_SLACK)
        pn_copy(out + length, payload, body)
        out += run.piece
        payload += run.line_len + body


cdef size_t _header(char* out, Message* msg, Subscription sub) noexcept:
    """The delivery's control line. Returns its length."""
    cdef char* at = out
    if msg.header_len:
        memcpy(at, b"HMSG ", 5)
        at += 5
    else:
        memcpy(at, b"MSG ", 4)
        at += 4
    memcpy(at, msg.subject, msg.subject_len)
    at += msg.subject_len
    memcpy(at, sub.c_sid_field(), sub.sid_len + 2)
    at += sub.sid_len + 2
    if msg.header_len:
        at += pn_put_uint(at, msg.header_len)
        at[0] = b' '
        at += 1
    at += pn_put_uint(at, msg.total_len)
    at[0] = b'\r'
    at[1] = b'\n'
    return at + 2 - out
