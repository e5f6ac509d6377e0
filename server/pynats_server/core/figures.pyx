"""See figures.pxd."""


cdef class Counted:
    """Has figures. The subclass decides which direction is "in"."""

    @property
    def in_msgs(self) -> int:
        return self.totals.in_msgs

    @property
    def in_bytes(self) -> int:
        return self.totals.in_bytes

    @property
    def out_msgs(self) -> int:
        return self.totals.out_msgs

    @property
    def out_bytes(self) -> int:
        return self.totals.out_bytes
