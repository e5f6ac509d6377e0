import socket
from array import array

from pynats_bench.engine.loop import Loop

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
    skewed: int

    def __init__(
        self,
        sockets: list[socket.socket],
        expected: int,
        verb: bytes = b"MSG ",
        flush: bool = True,
        publishers: int = 0,
        stamp_at: int = 0,
        careful: bool = False,
    ) -> None: ...
    @property
    def counts(self) -> list[int]: ...
    @property
    def payload_bytes(self) -> int: ...
    @property
    def digests(self) -> list[int]: ...
    @property
    def disorder(self) -> int: ...
