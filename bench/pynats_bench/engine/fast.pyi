import socket

from pynats_bench.engine.acked import AckPublishLoop
from pynats_bench.engine.frames import Frames

class FastPublishLoop(AckPublishLoop):
    """Publishes fast batches; see `fast.pyx`."""

    def __init__(
        self,
        sockets: list[socket.socket],
        frames: Frames,
        replies: list[bytes],
        flow: int,
        outstanding: int = 1,
        firsts: list[int] | None = None,
        message_ids: list[bytes] | None = None,
        seeds: list[int] | None = None,
    ) -> None: ...
