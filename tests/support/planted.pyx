"""Faults on purpose, compiled like everything else into the sanitized build and nowhere else:
`tests.support.check_sanitized` proves that each of them is found."""
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy


cdef class Box:
    cdef int value


def index(const unsigned char[::1] data, Py_ssize_t at) -> int:
    """Reads a place that may not exist."""
    return data[at]


def attribute(Box box) -> int:
    """Reads an attribute of what may be None."""
    return box.value


def beyond(size_t size) -> int:
    """Reads one byte behind a block of memory."""
    cdef char* block = <char*>malloc(size)
    cdef volatile char found
    if block == NULL:
        raise MemoryError()
    found = block[size]
    free(block)
    return found


def sum_of(int a, int b) -> int:
    """Adds, whether the sum fits or not."""
    return a + b


def copy_from_nowhere(size_t size) -> None:
    """Copies `size` bytes from NULL; 0 of them are undefined behaviour, too."""
    cdef char[8] room
    cdef const char* source = NULL
    memcpy(room, source, size)
