"""See usage.pxd."""


cdef class Usage:
    def __init__(self, limit: int = -1, parent: Usage | None = None):
        self.limit = limit
        self.parent = parent

    cdef bint fits(self, int64_t more) noexcept:
        return self.limit < 0 or self.used + more <= self.limit

    cdef void grow(self, int64_t delta) noexcept:
        self.used += delta
        if self.parent is not None:
            self.parent.used += delta

    def has_room(self, more: int) -> bool:
        """Whether `more` bytes fit into this limit; the parent's is not looked at."""
        return self.fits(more)

    def add(self, delta: int) -> None:
        """Counts bytes here and for the parent."""
        self.grow(delta)
