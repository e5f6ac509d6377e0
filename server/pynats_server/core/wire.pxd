"""What clients send, as bytes: verbs, control lines, whole frames. Knows no connection.

Nothing is copied and nothing is kept: a frame is read where it lies, and one that is not complete
is read again from its start when there is more. Verbs are recognised by prefix and in any case, as
the real server does ("PINGxyz" is a PING).

    wire_verb(p, end, &frame)    which verb; this much is known before it is decided who may go on
    wire_frame(p, end, &frame)   the rest of the frame
    wire_publish(p, end, &frame) both at once for a PUB or HPUB as client libraries write it
"""
from libc.stdint cimport int64_t

from pynats_server.core.interest.message cimport Message


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


cdef enum Outcome:
    WIRE_FRAME  # a whole frame
    WIRE_MORE  # the rest is still to come
    WIRE_SKIP  # a verb without arguments whose line is not complete: ignore all up to its end
    WIRE_UNKNOWN  # not a frame
    WIRE_LINE_TOO_LONG
    WIRE_BAD_ARGUMENTS  # of a publish: too few or too many
    WIRE_BAD_SIZE  # of a publish: not a number, or more headers than bytes in all
    WIRE_TOO_LARGE  # more payload than allowed


cdef struct Word:
    const char* p
    size_t n


cdef struct Frame:
    Op op
    size_t verb_len
    const char* args  # of the control line, without blanks before and CRLF behind
    size_t args_len
    size_t line_len  # of a publish's control line with its CRLF
    size_t length  # of the whole frame; with WIRE_MORE what is needed, 0 = unknown
    Message msg  # of a publish


cdef Op wire_verb(const char* p, const char* end, Frame* frame) noexcept
# max_payload: bytes, negative = unlimited.
cdef Outcome wire_frame(
    const char* p, const char* end, int64_t max_control_line, int64_t max_payload, Frame* frame
) noexcept
# Whether a whole publish within the limits stands at p, in capitals and with single blanks. Anything
# else is left to wire_frame, which handles every case.
cdef bint wire_publish(
    const char* p, const char* end, int64_t max_control_line, int64_t max_payload, bint headers,
    Frame* frame,
) noexcept
# Words between blanks; most + 1 when there are more than `most`.
cdef int wire_split(const char* p, size_t n, Word* words, int most) noexcept
