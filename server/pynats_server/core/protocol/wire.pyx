"""See wire.pxd. At the end is what tests call."""
from libc.string cimport memchr, memset, strlen

from pynats_server.core.limits cimport CONTROL_LINE_SLACK
from pynats_server.core.native cimport pn_get_uint


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


cdef Op wire_verb(const char* p, const char* end, Frame* frame) noexcept:
    frame.op = _verb(p, end - p, &frame.verb_len)
    return frame.op


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


cdef Outcome wire_frame(
    const char* p, const char* end, int64_t max_control_line, int64_t max_payload, Frame* frame
) noexcept:
    cdef Op op = frame.op
    cdef const char* args
    cdef const char* newline
    cdef size_t n
    frame.length = 0
    if op == OP_PARTIAL:
        return WIRE_MORE
    if op == OP_BAD:
        return WIRE_UNKNOWN
    args = p + frame.verb_len
    if op == OP_PING or op == OP_PONG or op == OP_OK:
        newline = <const char*>memchr(args, b'\n', end - args)
        if newline == NULL:
            return WIRE_SKIP
        frame.args = args
        frame.args_len = 0
        frame.length = newline + 1 - p
        return WIRE_FRAME
    if args < end and args[0] != b' ' and args[0] != b'\t' and op != OP_CONNECT and op != OP_INFO:
        return WIRE_UNKNOWN
    while args < end and (args[0] == b' ' or args[0] == b'\t'):
        args += 1
    newline = <const char*>memchr(args, b'\n', end - args)
    n = (end if newline == NULL else newline) - args
    if n and args[n - 1] == b'\r':
        n -= 1  # also when only the LF is still to come
    frame.args = args
    frame.args_len = n
    if n > <size_t>max_control_line or (
        newline == NULL and end - p > max_control_line + CONTROL_LINE_SLACK
    ):
        return WIRE_LINE_TOO_LONG
    if newline == NULL:
        return WIRE_MORE
    if op == OP_PUB or op == OP_HPUB:
        return _publish(p, newline + 1, end, max_payload, frame)
    frame.length = newline + 1 - p
    return WIRE_FRAME


cdef Outcome _publish(
    const char* p, const char* payload, const char* end, int64_t max_payload, Frame* frame
) noexcept:
    """A publish whose control line ends where `payload` begins."""
    cdef Word words[4]
    cdef int64_t total
    cdef int64_t header = 0
    cdef int most = 4 if frame.op == OP_HPUB else 3
    cdef int count = wire_split(frame.args, frame.args_len, words, most)
    if count != most and count != most - 1:
        return WIRE_BAD_ARGUMENTS
    total = pn_get_uint(words[count - 1].p, words[count - 1].n)
    if frame.op == OP_HPUB:
        header = pn_get_uint(words[count - 2].p, words[count - 2].n)
    if total < 0 or header < 0 or header > total:
        return WIRE_BAD_SIZE
    if total > max_payload >= 0:
        return WIRE_TOO_LARGE
    frame.line_len = payload - p
    frame.length = frame.line_len + <size_t>total + 2
    if <size_t>(end - p) < frame.length:
        if end - payload > total and payload[total] != b'\r':
            return WIRE_UNKNOWN
        return WIRE_MORE
    if payload[total] != b'\r' or payload[total + 1] != b'\n':
        return WIRE_UNKNOWN
    fill_message(&frame.msg, words, count == most, payload, header, total)
    return WIRE_FRAME


cdef int wire_split(const char* p, size_t n, Word* words, int most) noexcept:
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


# --- for tests ---------------------------------------------------------------------------------

_OUTCOMES = {
    WIRE_FRAME: "frame", WIRE_MORE: "more", WIRE_SKIP: "skip", WIRE_UNKNOWN: "unknown",
    WIRE_LINE_TOO_LONG: "line too long", WIRE_BAD_ARGUMENTS: "bad arguments",
    WIRE_BAD_SIZE: "bad size", WIRE_TOO_LARGE: "too large",
}
_OPS = {
    OP_BAD: "", OP_PARTIAL: "", OP_CONNECT: "CONNECT", OP_PUB: "PUB", OP_HPUB: "HPUB",
    OP_SUB: "SUB", OP_UNSUB: "UNSUB", OP_PING: "PING", OP_PONG: "PONG", OP_INFO: "INFO",
    OP_OK: "+OK", OP_ERR: "-ERR",
}


cdef tuple _message(Message* msg):
    return (
        msg.subject[:msg.subject_len],
        msg.reply[:msg.reply_len] if msg.reply_len else b"",
        msg.payload[:msg.header_len],
        msg.payload[msg.header_len:msg.total_len],
    )


def next_frame(bytes data not None, int64_t max_control_line, int64_t max_payload) -> tuple:
    """(outcome, verb, arguments, length, message) of the frame that `data` begins with; the message
    is (subject, reply, headers, payload) and None for all but publishes."""
    cdef Frame frame
    cdef const char* p = data
    cdef const char* end = p + len(data)
    memset(&frame, 0, sizeof(frame))
    if len(data) == 0:
        return "more", "", b"", 0, None
    wire_verb(p, end, &frame)
    outcome = wire_frame(p, end, max_control_line, max_payload, &frame)
    published = outcome == WIRE_FRAME and (frame.op == OP_PUB or frame.op == OP_HPUB)
    return (
        _OUTCOMES[outcome], _OPS[frame.op],
        frame.args[:frame.args_len] if outcome == WIRE_FRAME else b"",
        frame.length if outcome == WIRE_FRAME or outcome == WIRE_MORE else 0,
        _message(&frame.msg) if published else None,
    )


def next_publish(
    bytes data not None, int64_t max_control_line, int64_t max_payload, bint headers=True
) -> tuple | None:
    """(length of the control line, length, message) of the publish that `data` begins with; None
    when it is for next_frame."""
    cdef Frame frame
    cdef const char* p = data
    if not wire_publish(p, p + len(data), max_control_line, max_payload, headers, &frame):
        return None
    return frame.line_len, frame.length, _message(&frame.msg)


def words(bytes line not None, int most) -> list | None:
    """The words of a control line, at most 4; None when there are more than `most`."""
    cdef Word found[4]
    if not 0 <= most <= 4:
        raise ValueError("0 to 4 words")
    cdef int count = wire_split(line, len(line), found, most)
    if count > most:
        return None
    return [found[i].p[:found[i].n] for i in range(count)]
