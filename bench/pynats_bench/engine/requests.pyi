import socket

from pynats_bench.engine.loop import Loop

class RequestLoop(Loop):
    answered: int

    def __init__(
        self, sockets: list[socket.socket], requests: list[bytes], messages: int
    ) -> None: ...
    def quantile_ns(self, fraction: float) -> int: ...

class RespondLoop(Loop):
    answered: int

    def __init__(self, sockets: list[socket.socket], payload: bytes) -> None: ...
