"""See framing.pxd. Below is what tests call."""
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from pynats_server.core.interest.subscription cimport new_subscription


def delivery_line(
    bytes subject not None, bytes sid not None, bytes reply not None=b"",
    uint32_t header_len=0, uint32_t total_len=0,
) -> tuple:
    """(control line, where its sid stands, bound of its length)"""
    cdef Message msg
    cdef Subscription sub = new_subscription(
        None, subject, len(subject), b"", 0, sid, len(sid)
    )
    memset(&msg, 0, sizeof(msg))
    msg.subject = subject
    msg.subject_len = <uint32_t>len(subject)
    msg.reply = reply
    msg.reply_len = <uint32_t>len(reply)
    cdef size_t most = line_max(&msg, sub.sid_len)
    cdef char* line = <char*>malloc(most)
    if line == NULL:
        raise MemoryError()
    try:
        end = put_line(line, &msg, sub, header_len, total_len)
        return line[:end - line], sid_place(&msg, header_len), most
    finally:
        free(line)
