"""See request.pxd."""
from libc.string cimport memchr

import re

from pynats_server.core.native cimport pn_below
from pynats_server.core.subject cimport SUBJECT_LITERAL, subject_kind

DEST = b"Nats-Trace-Dest"
ONLY = b"Nats-Trace-Only"
ORIGIN = b"Nats-Trace-Origin-Account"
DISABLED = b"trace disabled"
# Four parts, the last of which is a signed byte in hexadecimal.
cdef object _PARENT = re.compile(rb"[^-]*-[^-]*-[^-]*-(?:[0-7]|\+)([0-9a-fA-F])", re.DOTALL)
cdef const char* PARENT = b"traceparent:"
cdef enum:
    PARENT_LEN = 12


cdef bint has_parent(const char* block, size_t length) noexcept nogil:
    cdef const char* end = block + length
    cdef const char* p = block
    cdef int i
    cdef char c
    while True:
        p = <const char*>memchr(p, b'\n', end - p)
        if p == NULL or end - p <= PARENT_LEN:
            return False
        p += 1
        for i in range(PARENT_LEN):
            c = p[i]
            if b'A' <= c <= b'Z':
                c += 32
            if c != PARENT[i]:
                break
        else:
            return True


cdef class Parents:
    def __init__(self, bytes dest not None, int sampling):
        self.dest = dest
        self.sampling = sampling


cdef dict read_headers(const char* block, size_t length):
    # A name reaches from the end of one value to the next colon, whatever is between.
    cdef const char* end = block + length
    cdef const char* p = <const char*>memchr(block, b'\n', length)
    cdef const char* colon
    cdef const char* stop
    found = {}
    while p != NULL and end - p > 1:
        p += 1
        colon = <const char*>memchr(p, b':', end - p)
        if colon == NULL:
            break
        stop = <const char*>memchr(colon, b'\n', end - colon)
        if stop == NULL:
            break
        name, value = p[:colon - p], colon[1:stop - colon].strip()
        if name and value:
            found.setdefault(name, []).append(value)
        p = stop
    return found


cdef bint is_sampled(dict headers) except -1:
    for name, values in headers.items():
        if len(<bytes>name) == PARENT_LEN - 1 and (<bytes>name).lower() == b"traceparent":
            for value in values:
                shape = _PARENT.fullmatch(value)
                if shape is not None and int(shape[1], 16) & 1:
                    return True
    return False


cdef class Request:
    pass


cdef Request read_request(Message* msg, Parents parents, uint64_t* random):
    cdef Request request
    headers = read_headers(msg.payload, msg.header_len)
    values = headers.get(DEST)
    if values is not None:
        if values[0] == DISABLED:
            return None
    elif parents is None or not is_sampled(headers) or not _is_drawn(parents, random):
        return None
    request = Request()
    request.headers = headers
    request.has_parent = values is None
    request.dest = parents.dest if values is None else values[0]
    request.only = values is not None and headers.get(ONLY, (b"",))[0].lower() in (
        b"1", b"true", b"on"
    )
    if ORIGIN in headers:
        shown = headers[ORIGIN][0].decode(errors="replace")
        request.disabled = True
        request.fault = (
            f'Message tracing disabled because of header "Nats-Trace-Origin-Account" '
            f'with value="{shown}"'
        )
    elif values is not None and (
        subject_kind(request.dest, len(request.dest)) != SUBJECT_LITERAL
    ):
        shown = request.dest.decode(errors="replace")
        request.fault = f'Destination "{shown}" is not valid, won\'t be able to trace events'
    return request


cdef bint _is_drawn(Parents parents, uint64_t* random) noexcept:
    # 0 counts as drawn, as in the real server: 20 % are 21 of 100.
    return parents.sampling >= 100 or pn_below(random, 100) <= <uint32_t>parents.sampling


cdef bytes redirected(Message* msg, bytes dest):
    block = msg.payload[:msg.header_len]
    lines = [
        line for line in block.removesuffix(b"\r\n").split(b"\r\n")
        if line and not line.startswith(b"Nats-Trace-Dest:")
    ]
    lines += [DEST + b": " + dest, b"", b""]
    return b"\r\n".join(lines) + msg.payload[msg.header_len:msg.total_len]
