class Loop:
    """One thread's share of the load; see `loop.pyx`. Times are monotonic nanoseconds."""

    first_ns: int
    last_ns: int
    cpu_ns: int

    def run(self, stall_s: float = 10.0) -> None: ...
    def stop(self) -> None: ...
