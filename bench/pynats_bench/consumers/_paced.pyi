import socket

from pynats_bench.engine.loop import Loop

class PacedLoop(Loop):
    published: int

    def __init__(
        self, socket: socket.socket, frame: bytes, stamp_at: int, messages: int, rate: float
    ) -> None: ...
