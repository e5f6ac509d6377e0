"""Long loops of compiled code, a piece at a time for the sake of other threads.

A store may be opened in a thread while the event loop serves everybody. A loop that needs the
interpreter lets go of its lock once in every `PIECE` rounds, some ten microseconds of work; nobody
takes it who has not waited for it.
"""

cdef enum:
    PIECE = 512


cdef inline void let_others_run() noexcept:
    """Let another thread that waits for the interpreter have it. What the loop works on must be
    its own, or be changed by its own thread alone."""
    with nogil:
        pass
