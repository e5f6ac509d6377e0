"""Header blocks as they travel: `NATS/1.0[ status]\\r\\nName: value\\r\\n...\\r\\n\\r\\n`.

Blocks come from clients and may be anything; no function here raises because of their content.
A header is a line after the first, and a line ends with CR LF (nothing else ends one, and an
empty line does not end the block). Names are compared byte by byte and are followed by the colon
at once. A value starts after the spaces that follow the colon, keeps trailing spaces and tabs,
and reaches to the end of the line, or of the block. The first of several equal names counts.
All this is how the real server reads, and the tests compare, except that it can miss a header
that follows a line with its name twice.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcmp

cdef bytes VERSION = b"NATS/1.0"


cdef inline bint _has_name(
    const char* block, Py_ssize_t size, Py_ssize_t line, const char* name, Py_ssize_t name_size
) noexcept nogil:
    return (
        size - line > name_size
        and block[line + name_size] == b':'
        and memcmp(block + line, name, name_size) == 0
    )


cdef Span header_find(
    const char* block, Py_ssize_t size, const char* name, Py_ssize_t name_size
) noexcept nogil:
    cdef Span absent
    cdef Py_ssize_t line = next_line(block, size, 0)
    while line >= 0:
        if _has_name(block, size, line, name, name_size):
            return header_at(block, size, line).value
        line = next_line(block, size, line)
    absent.start = absent.end = -1
    return absent


def get(bytes block not None, bytes name not None):
    """The value of the first header `name`; None without one."""
    cdef const char* text = PyBytes_AS_STRING(block)
    cdef Span span = header_find(
        text, PyBytes_GET_SIZE(block), PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name)
    )
    if span.start < 0:
        return None
    return PyBytes_FromStringAndSize(text + span.start, span.end - span.start)


def get_all(bytes block not None, names not None):
    """The headers that are in the set `names`, each with its first value, in one pass."""
    cdef const char* text = PyBytes_AS_STRING(block)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(block)
    cdef Py_ssize_t line = next_line(text, size, 0)
    cdef Header header
    cdef Span span
    cdef dict found = {}
    cdef bytes name
    while line >= 0:
        header = header_at(text, size, line)
        if header.colon >= 0:
            name = PyBytes_FromStringAndSize(text + line, header.colon - line)
            if name in names and name not in found:
                span = header.value
                found[name] = PyBytes_FromStringAndSize(text + span.start, span.end - span.start)
        line = header.following
    return found


cdef bytes _without(bytes block, tuple names, bint exact):
    cdef const char* text = PyBytes_AS_STRING(block)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(block)
    cdef Py_ssize_t line = next_line(text, size, 0)
    cdef Py_ssize_t first = line
    cdef Py_ssize_t kept_from = 0
    cdef Py_ssize_t following, name_size
    cdef list pieces = []
    cdef bytes name, rest
    cdef bint hit
    while line >= 0:
        following = next_line(text, size, line)
        if following < 0:
            break  # what has no end stays, as in the real server
        hit = False
        for name in names:
            name_size = PyBytes_GET_SIZE(name)
            if exact:
                hit = _has_name(text, size, line, PyBytes_AS_STRING(name), name_size)
            else:
                hit = (
                    following - 2 - line >= name_size
                    and memcmp(text + line, PyBytes_AS_STRING(name), name_size) == 0
                )
            if hit:
                break
        if hit:
            pieces.append(block[kept_from:line])
            kept_from = following
        line = following
    if not pieces:
        return block
    pieces.append(block[kept_from:])
    rest = b"".join(pieces)
    # A block without headers is empty.
    return b"" if PyBytes_GET_SIZE(rest) <= first + 2 else rest


def remove(bytes block not None, *names):
    """The block without any header of these names; empty when no header is left.

    Without such a header the block comes back as it was.
    """
    return _without(block, names, True)


def remove_prefix(bytes block not None, *prefixes):
    """The block without any line that begins with one of `prefixes`; otherwise as `remove`."""
    return _without(block, prefixes, False)


cdef bytes _one_line(bytes value):
    # A line break would make a header of what follows it.
    if b"\r" in value or b"\n" in value:
        return value.replace(b"\r", b" ").replace(b"\n", b" ")
    return value


def add(bytes block not None, bytes name not None, bytes value not None):
    """The block with one more header at its end; an empty block becomes one with this header."""
    cdef bytes line = name + b": " + _one_line(value) + b"\r\n"
    if not block:
        return VERSION + b"\r\n" + line + b"\r\n"
    if block.endswith(b"\r\n\r\n"):
        return block[:PyBytes_GET_SIZE(block) - 2] + line + b"\r\n"
    if block.endswith(b"\r\n"):
        return block + line + b"\r\n"
    return block + b"\r\n" + line + b"\r\n"


def set(bytes block not None, bytes name not None, bytes value not None):
    """The block in which `name` has this value and no other; its place is kept if it has one."""
    cdef const char* text = PyBytes_AS_STRING(block)
    cdef Span span = header_find(
        text, PyBytes_GET_SIZE(block), PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name)
    )
    if span.start < 0:
        return add(block, name, value)
    cdef bytes tail = block[span.end:]
    # The tail starts with the end of this line, which `remove` takes for a first line.
    cdef bytes result = block[:span.start] + _one_line(value) + remove(tail, name)
    if result.endswith(b"\r\n\r\n"):
        return result
    return result + (b"\r\n" if result.endswith(b"\r\n") else b"\r\n\r\n")


def build(pairs=(), bytes status=b""):
    """A block of these (name, value) pairs; `status` is `404 No Messages` and the like.

    Line breaks in a value or in the status become spaces.
    """
    cdef list lines = [VERSION + (b" " + _one_line(status) if status else b"")]
    for name, value in pairs:
        lines.append(name + b": " + _one_line(value))
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def status(bytes block not None):
    """What follows `NATS/1.0` in the first line, e.g. `503` or `408 Request Timeout`; None
    without a status."""
    cdef Py_ssize_t end = block.find(b"\r\n")
    cdef bytes line = block if end < 0 else block[:end]
    if not line.startswith(VERSION):
        return None
    return line[8:].strip() or None
