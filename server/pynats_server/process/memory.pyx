"""How the C library keeps free memory.

It puts small pieces that are given back into lists of their own and joins them with their
neighbours later, all at once, when somebody wants a larger piece. After a million subjects or
subscriptions have gone, that is a tenth of a second, and the event loop is who waits. So each piece
is joined as it is given back, by whoever does that: mostly a thread that has nothing else to do.
"""

cdef extern from *:
    """
    #include <stdlib.h>
    #if defined(__GLIBC__)
    #include <malloc.h>
    static int pn_join_at_once(void) { return mallopt(M_MXFAST, 0); }
    #else  /* others keep no such lists */
    static int pn_join_at_once(void) { return 1; }
    #endif
    """
    int pn_join_at_once() noexcept nogil


def join_free_memory_at_once() -> bool:
    """For a process that is a server and nothing else. Whether the C library took it."""
    return pn_join_at_once() != 0
