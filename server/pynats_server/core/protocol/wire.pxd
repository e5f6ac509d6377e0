"""What clients send, as bytes: verbs, control lines, whole frames. Knows no connection.

Nothing is copied and nothing is kept: a frame is read where it lies, and one that is not complete
is read again from its start when there is more. Verbs are recognised by prefix and in any case, as
the real server does ("PINGxyz" is a PING).

    wire_verb(p, end, &frame)    which verb; enough to decide whether the client may go on
    wire_frame(p, end, &frame)   the rest of the frame
    wire_publish(p, end, &frame) both at once for a PUB or HPUB as client libraries write it
"""
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcmp

from pynats_server.core.interest.message cimport Message
from pynats_server.core.native cimport pn_get_uint, pn_word_end


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
# Words between blanks; most + 1 when there are more than `most`.
cdef int wire_split(const char* p, size_t n, Word* words, int most) noexcept


cdef inline void fill_message(
    Message* msg, Word* words, bint replied, const char* payload, int64_t header, int64_t total
) noexcept:
    msg.subject = words[0].p
    msg.subject_len = <uint32_t>words[0].n
    msg.reply = words[1].p if replied else NULL
    msg.reply_len = <uint32_t>words[1].n if replied else 0
    msg.via_len = 0
    msg.requested = False
    msg.payload = payload
    msg.header_len = <uint32_t>header
    msg.total_len = <uint32_t>total
    msg.borrowed = True
    msg.lender = NULL


# Whether a whole publish within the limits stands at p, in capitals and with single blanks. Anything
# else is left to wire_frame, which handles every case. Inline, for its one caller runs it
# for every publish to a changing subject.
cdef inline bint wire_publish(
    const char* p, const char* end, int64_t max_control_line, int64_t max_payload, bint headers,
    Frame* frame,
) noexcept:
    cdef Word words[4]
    cdef const char* start
    cdef const char* stop
    cdef const char* payload
    cdef int most, count
    cdef int64_t total
    cdef int64_t header = 0
    if end - p < 5:
        return False
    if memcmp(p, b"PUB ", 4) == 0:
        start = p + 4
        most = 3
    elif memcmp(p, b"HPUB ", 5) == 0 and headers:
        start = p + 5
        most = 4
    else:
        return False
    frame.line_len = start - p
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
    if <int64_t>(stop - p - frame.line_len) > max_control_line:
        return False
    total = pn_get_uint(words[count - 1].p, words[count - 1].n)
    if most == 4:
        header = pn_get_uint(words[count - 2].p, words[count - 2].n)
    if header < 0 or header > total or total > max_payload:
        return False
    payload = stop + 2
    frame.line_len = payload - p
    frame.length = frame.line_len + <size_t>total + 2
    if <size_t>(end - p) < frame.length or payload[total] != b'\r' or payload[total + 1] != b'\n':
        return False
    fill_message(&frame.msg, words, count == most, payload, header, total)
    return True
