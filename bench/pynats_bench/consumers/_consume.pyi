import socket

from pynats_bench.engine.loop import Loop

def digest_of(first: int, last: int) -> int: ...

class ConsumeLoop(Loop):
    received: int
    payload_bytes: int
    digest: int
    disorder: int
    acknowledged: int
    controls: int
    statuses: int

    def __init__(
        self,
        sockets: list[socket.socket],
        messages: int,
        first: list[bytes],
        again: list[bytes],
        step: int,
        ack_every: int = 0,
        stamped: bool = False,
        patient: bool = False,
    ) -> None: ...
    @property
    def counts(self) -> list[int]: ...
    def quantile_ns(self, fraction: float) -> int: ...
