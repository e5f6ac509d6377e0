import socket

from pynats_bench.engine.loop import Loop

def digest_of(first: int, last: int) -> int: ...

class ConsumeLoop(Loop):
    received: int
    digest: int
    disorder: int
    acknowledged: int
    controls: int
    statuses: int
    empties: int
    silences: int

    def __init__(
        self,
        sockets: list[socket.socket],
        messages: int = 0,
        *,
        pulls: list[bytes] | None = None,
        before: bytes = b"",
        after: bytes = b"",
        batch: int = 0,
        step: int = 0,
        capped: bool = False,
        empty: bytes = b"",
        openings: list[bytes] | None = None,
        ack_every: int = 0,
        confirms: list[bytes] | None = None,
        timeout_ns: int = 0,
        heartbeat_ns: int = 0,
        ordered: bool = False,
        stamped: bool = False,
        patient: bool = False,
    ) -> None: ...
    @property
    def payload_bytes(self) -> int: ...
    def quantile_ns(self, fraction: float) -> int: ...
