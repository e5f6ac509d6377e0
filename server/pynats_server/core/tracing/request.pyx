"""See request.pxd."""
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcmp, memcpy, memset

from pynats_server.core.native cimport pn_below
from pynats_server.core.subject cimport SUBJECT_LITERAL, subject_kind

DEST = b"Nats-Trace-Dest"
DISABLED = b"trace disabled"
cdef const char* DEST_LINE = b"Nats-Trace-Dest: "
cdef const char* PARENT = b"traceparent:"
cdef enum:
    PARENT_LEN = 12
    DEST_LEN = 15  # without what follows the name
    DEST_LINE_LEN = 17


cdef struct Header:
    const char* name
    const char* value  # NULL = there is none
    size_t name_len
    size_t value_len


cdef struct Wishes:
    # The first of each header that says something of traces.
    Header dest
    Header only
    Header origin
    Header accept
    bint sampled


cdef bint has_parent(const char* block, size_t length) noexcept nogil:
    cdef const char* end = block + length
    cdef const char* p = block
    while True:
        p = <const char*>memchr(p, b'\n', end - p)
        if p == NULL or end - p <= PARENT_LEN:
            return False
        p += 1
        if _is_parent(p):
            return True


cdef inline bint _is_parent(const char* name) noexcept nogil:
    cdef int i
    cdef char c
    for i in range(PARENT_LEN):
        c = name[i]
        if b'A' <= c <= b'Z':
            c += 32
        if c != PARENT[i]:
            return False
    return True


cdef class Parents:
    def __init__(self, bytes dest not None, int sampling):
        self.dest = dest
        self.sampling = sampling


cdef inline bint _is_blank(char c) noexcept nogil:
    return c == b' ' or b'\t' <= c <= b'\r'


cdef inline bint _next_header(const char** at, const char* end, Header* found) noexcept nogil:
    """The header behind the newline at `at`, as the real server reads them for traces: its name
    reaches from there to the next colon, whatever is between."""
    cdef const char* p = at[0]
    cdef const char* colon
    cdef const char* stop
    if p == NULL or end - p <= 1:
        return False
    p += 1
    colon = <const char*>memchr(p, b':', end - p)
    if colon == NULL:
        return False
    stop = <const char*>memchr(colon, b'\n', end - colon)
    if stop == NULL:
        return False
    at[0] = stop
    found.name = p
    found.name_len = colon - p
    p = colon + 1
    while p < stop and _is_blank(p[0]):
        p += 1
    while stop > p and _is_blank((stop - 1)[0]):
        stop -= 1
    found.value = p
    found.value_len = stop - p
    return True


cdef inline bint _is(Header* header, const char* name, size_t length) noexcept nogil:
    return header.name_len == length and memcmp(header.name, name, length) == 0


cdef void _look(const char* block, size_t length, Wishes* found) noexcept nogil:
    cdef const char* end = block + length
    cdef const char* at = <const char*>memchr(block, b'\n', length)
    cdef Header header
    cdef char first
    memset(found, 0, sizeof(Wishes))
    while _next_header(&at, end, &header):
        if header.name_len == 0 or header.value_len == 0:
            continue
        first = header.name[0]
        if first == b'N':
            if found.dest.value == NULL and _is(&header, DEST_LINE, DEST_LEN):
                found.dest = header
            elif found.only.value == NULL and _is(&header, b"Nats-Trace-Only", 15):
                found.only = header
            elif found.origin.value == NULL and _is(&header, b"Nats-Trace-Origin-Account", 25):
                found.origin = header
        elif first == b'A':
            if found.accept.value == NULL and _is(&header, b"Accept-Encoding", 15):
                found.accept = header
        elif (first == b't' or first == b'T') and not found.sampled:
            if header.name_len == PARENT_LEN - 1 and _is_parent(header.name):
                found.sampled = _is_sampled(header.value, header.value_len)


cdef bint _is_sampled(const char* value, size_t length) noexcept nogil:
    """Four parts, the last of which is a signed byte in two characters of hexadecimal."""
    cdef size_t i
    cdef int dashes = 0
    cdef char sign, digit
    if length < 5 or value[length - 3] != b'-':
        return False
    for i in range(length - 2):
        dashes += value[i] == b'-'
    sign, digit = value[length - 2], value[length - 1]
    if dashes != 3 or not (b'0' <= sign <= b'7' or sign == b'+'):
        return False
    if b'0' <= digit <= b'9':
        return digit & 1
    digit |= 32
    return b'a' <= digit <= b'f' and not digit & 1


def w3c_sampled(bytes value not None) -> bool:
    """Whether a `traceparent` has the flag of the sampled. As in the real server its last part is a
    number of eight bits with a sign, so `80` and above are none."""
    return bool(_is_sampled(value, len(value)))


def read_headers(bytes block not None, dict found not None, Py_ssize_t at, int most):
    """Adds some headers of a block to those found, by name. `at` is where they begin, 0 first; returns
    where the next ones do, or None after the last one."""
    cdef const char* start = block
    cdef const char* end = start + len(block)
    cdef const char* p = start + at
    cdef Header header
    if at == 0:
        p = <const char*>memchr(start, b'\n', len(block))
    while most > 0:
        if not _next_header(&p, end, &header):
            return None
        most -= 1
        if header.name_len and header.value_len:
            name = header.name[:header.name_len]
            found.setdefault(name, []).append(header.value[:header.value_len])
    return p - start


cdef class Request:
    pass


cdef Request read_request(Message* msg, Parents parents, uint64_t* random):
    cdef Request request
    cdef Wishes found
    _look(msg.payload, msg.header_len, &found)
    cdef bint asks = found.dest.value != NULL
    cdef bytes dest = None
    if asks:
        dest = found.dest.value[:found.dest.value_len]
        if dest == DISABLED:
            return None
    elif parents is None or not found.sampled or not _is_drawn(parents, random):
        return None
    request = Request()
    request.block = msg.payload[:msg.header_len]
    request.accept = found.accept.value[:found.accept.value_len] if found.accept.value != NULL else b""
    request.has_parent = not asks
    request.dest = dest if asks else parents.dest
    request.only = asks and found.only.value != NULL and (
        found.only.value[:found.only.value_len].lower() in (b"1", b"true", b"on")
    )
    if found.origin.value != NULL:
        shown = found.origin.value[:found.origin.value_len].decode(errors="replace")
        request.disabled = True
        request.fault = (
            f'Message tracing disabled because of header "Nats-Trace-Origin-Account" '
            f'with value="{shown}"'
        )
    elif asks and subject_kind(request.dest, len(request.dest)) != SUBJECT_LITERAL:
        shown = request.dest.decode(errors="replace")
        request.fault = f'Destination "{shown}" is not valid, won\'t be able to trace events'
    return request


cdef bint _is_drawn(Parents parents, uint64_t* random) noexcept:
    # 0 counts as drawn, as in the real server: 20 % are 21 of 100.
    return parents.sampling >= 100 or pn_below(random, 100) <= <uint32_t>parents.sampling


cdef const char* _line_end(const char* p, const char* end) noexcept nogil:
    """Where the line at `p` ends: at its CRLF, or at the end of all."""
    while True:
        p = <const char*>memchr(p, b'\r', end - p)
        if p == NULL:
            return end
        if end - p > 1 and p[1] == b'\n':
            return p
        p += 1


cdef bytes redirected(Message* msg, bytes dest):
    cdef const char* p = msg.payload
    cdef const char* end = p + msg.header_len
    cdef const char* stop
    cdef size_t body = msg.total_len - msg.header_len
    cdef size_t length = len(dest)
    # The last line may have no end.
    cdef char* made = <char*>malloc(msg.total_len + 2 + DEST_LINE_LEN + length + 4)
    cdef char* at = made
    if made == NULL:
        raise MemoryError()
    try:
        while p < end:
            stop = _line_end(p, end)
            if stop > p and not (stop - p > DEST_LEN and memcmp(p, DEST_LINE, DEST_LEN + 1) == 0):
                memcpy(at, p, stop - p)
                memcpy(at + (stop - p), b"\r\n", 2)
                at += stop - p + 2
            p = stop + 2
        memcpy(at, DEST_LINE, DEST_LINE_LEN)
        memcpy(at + DEST_LINE_LEN, <const char*>dest, length)
        at += DEST_LINE_LEN + length
        memcpy(at, b"\r\n\r\n", 4)
        memcpy(at + 4, end, body)
        return made[:at + 4 + body - made]
    finally:
        free(made)
