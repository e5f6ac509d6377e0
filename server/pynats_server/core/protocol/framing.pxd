"""How a delivery looks on the wire: the only place that writes its control line.

    MSG <subject> <sid> [reply] <size>
    HMSG <subject> <sid> [reply] <header size> <total size>

Everything is inline: it runs for every delivery.
"""
from libc.stdint cimport uint32_t
from libc.string cimport memcpy

from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.subscription cimport Subscription
from pynats_server.core.native cimport pn_copy, pn_put_uint


# Bytes of the control line, at most: the verb, blanks, two sizes of 10 digits, CRLF.
cdef inline size_t line_max(Message* msg, size_t sid_len) noexcept:
    return 5 + msg.subject_len + 1 + sid_len + 1 + msg.reply_len + 1 + 24


# Where the sid stands in the control line.
cdef inline size_t sid_place(Message* msg, uint32_t header_len) noexcept:
    return (5 if header_len else 4) + msg.subject_len + 1


# Writes the control line of a delivery with `header_len` bytes of headers (0 = MSG) and `total_len`
# bytes in all, which differ from the message's when the receiver knows no headers. Returns its end.
cdef inline char* put_line(
    char* at, Message* msg, Subscription sub, uint32_t header_len, size_t total_len
) noexcept:
    if header_len:
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
    if header_len:
        at += pn_put_uint(at, header_len)
        at[0] = b' '
        at += 1
    at += pn_put_uint(at, total_len)
    at[0] = b'\r'
    at[1] = b'\n'
    return at + 2
