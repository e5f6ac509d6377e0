import socket

from pynats_bench.engine.loop import Loop

class RequestLoop(Loop):
    def __init__(
        self,
        sockets: list[socket.socket],
        requests: list[bytes],
        tail: bytes = b"",
        marks: list[int] | None = None,
        numbers_at: list[int] | None = None,
        digits: int = 0,
        check: bool = False,
        payload_bytes: int = 0,
    ) -> None: ...
    @property
    def answered(self) -> int: ...

class RespondLoop(Loop):
    def __init__(self, sockets: list[socket.socket], payload: bytes) -> None: ...
    @property
    def answered(self) -> int: ...
    def work_ns(self) -> list[int]: ...
