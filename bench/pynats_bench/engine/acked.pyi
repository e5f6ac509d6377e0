import socket

from pynats_bench.engine.frames import Frames
from pynats_bench.engine.loop import Loop

class AckPublishLoop(Loop):
    """Publishes with acknowledgements; see `acked.pyx`."""

    duplicates: int

    def __init__(
        self,
        sockets: list[socket.socket],
        frames: Frames,
        replies: list[bytes],
        window: int = 1,
        whole: bool = False,
        batch: int = 1,
        firsts: list[int] | None = None,
        message_ids: list[bytes] | None = None,
        batch_ids: list[bytes] | None = None,
        seeds: list[int] | None = None,
        base: int = -1,
    ) -> None: ...
    @property
    def acknowledged(self) -> int: ...
