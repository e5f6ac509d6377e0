import socket

from pynats_bench.engine.loop import Loop

def sequence_digest(requests: int, first: int, stride: int, span: int, batch: int = 1) -> int: ...

class GetLoop(Loop):
    answered: int
    messages: int
    digest: int

    def __init__(
        self,
        socket: socket.socket,
        frame: bytes,
        mark: int,
        digits: int,
        pad: bytes,
        requests: int,
        window: int,
        base: int,
        offset: int,
        stride: int,
        span: int,
        size: int,
        batch: int = 1,
    ) -> None: ...
    def quantile_ns(self, fraction: float) -> int: ...
