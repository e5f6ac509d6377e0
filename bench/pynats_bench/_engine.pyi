import socket
from array import array

class Loop:
    """One thread's share of the load; see `_engine.pyx`. Times are monotonic nanoseconds."""

    first_ns: int
    last_ns: int
    cpu_ns: int

    def run(self, stall_s: float = 10.0) -> None: ...
    def stop(self) -> None: ...

class PublishLoop(Loop):
    digest: int

    def __init__(
        self,
        sockets: list[socket.socket],
        block: bytes,
        ends: array[int],
        messages: int,
        payload_bytes: int,
        flush: bool = True,
        stamp: bool = False,
        first_publisher: int = 0,
    ) -> None: ...

class SubscribeLoop(Loop):
    def __init__(
        self,
        sockets: list[socket.socket],
        expected: int,
        verb: bytes = b"MSG ",
        flush: bool = True,
        publishers: int = 0,
        stamp_at: int = 0,
    ) -> None: ...
    @property
    def counts(self) -> list[int]: ...
    @property
    def payload_bytes(self) -> int: ...
    @property
    def digests(self) -> list[int]: ...
    @property
    def disorder(self) -> int: ...

class RequestLoop(Loop):
    answered: int

    def __init__(
        self, sockets: list[socket.socket], requests: list[bytes], messages: int
    ) -> None: ...
    def quantile_ns(self, fraction: float) -> int: ...

class RespondLoop(Loop):
    answered: int

    def __init__(self, sockets: list[socket.socket], payload: bytes) -> None: ...
