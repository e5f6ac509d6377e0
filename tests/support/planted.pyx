"""Deliberate faults, compiled only into the sanitized build: `tests.support.check_sanitized` proves
that it finds each of them."""
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy


cdef class Box:
    cdef int value


def index(const unsigned char[::1] data, Py_ssize_t at) -> int:
    """Reads an index that may be out of range."""
    return data[at]


def attribute(Box box) -> int:
    """Reads an attribute of an object that may be None."""
    return box.value


def beyond(size_t size) -> int:
    """Reads one byte after a block of memory."""
    cdef char* block = <char*>malloc(size)
    cdef volatile char found
    if block == NULL:
        raise MemoryError()
    found = block[size]
    free(block)
    return found


def shifted(int value, int places) -> int:
    """Shifts without a range check."""
    return value << places


def copy_from_nowhere(size_t size) -> None:
    """Copies `size` bytes from NULL; even 0 bytes are undefined behaviour."""
    cdef char[8] room
    cdef const char* source = NULL
    memcpy(room, source, size)
