"""See building.pxd."""
from pynats_server.jetstream.scratch cimport make_room

cdef enum:
    FRAME = 16  # what a header block has besides its lines


cdef int rewrite(Message* msg, Scratch* scratch, bytes lines, bint with_body) except -1:
    cdef size_t hn = msg.header_len, size = msg.total_len - hn if with_body else 0, at
    make_room(scratch, hn + size + len(lines) + FRAME)
    if hn >= 4:
        memcpy(scratch.bytes, msg.payload, hn - 2)  # before the line that ends them
        at = hn - 2
    else:
        memcpy(scratch.bytes, b"NATS/1.0\r\n", 10)
        at = 10
    memcpy(scratch.bytes + at, <const char*>lines, len(lines))
    at += len(lines)
    memcpy(scratch.bytes + at, b"\r\n", 2)
    at += 2
    memcpy(scratch.bytes + at, msg.payload + hn, size)
    msg.payload = <const char*>scratch.bytes
    msg.header_len = <uint32_t>at
    msg.total_len = <uint32_t>(at + size)
    return 0


cdef int behead(Message* msg, Scratch* scratch, bytes lines) except -1:
    size = msg.total_len - msg.header_len
    return rewrite(msg, scratch, b"Nats-Msg-Size: %d\r\n" % size + lines, False)
