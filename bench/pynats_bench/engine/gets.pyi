import socket

from pynats_bench.engine.loop import Loop

def sequence_digest(requests: int, first: int, stride: int, span: int, batch: int = 1) -> int: ...

class GetLoop(Loop):
    """Gets of stored messages; see `gets.pyx`."""

    digest: int
    short_batches: int

    def __init__(
        self,
        sockets: list[socket.socket],
        subject: bytes,
        inboxes: list[bytes],
        body: tuple[bytes, bytes, bytes] | tuple[()] = (),
        window: int = 1,
        base: int = 0,
        offsets: list[int] | None = None,
        stride: int = 1,
        span: int = 0,
        size: int = -1,
        batch: int = 0,
        randomized: bool = False,
        seeds: list[int] | None = None,
        follow: bool = False,
        direct: bool = True,
        keys: bool = False,
        width: int = 0,
        what: bytes = b"getting a message",
        missing: bytes = b"message not found (10037)",
    ) -> None: ...
    @property
    def messages(self) -> int: ...
    @property
    def answered(self) -> int: ...
