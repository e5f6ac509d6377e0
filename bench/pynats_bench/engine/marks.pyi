import socket

from pynats_bench.engine.messages import PublishLoop

class MarkedPublishLoop(PublishLoop):
    def __init__(
        self,
        sockets: list[socket.socket],
        frame: bytes,
        payload_bytes: int,
        firsts: list[int],
        subjects: int = 0,
        subject_at: int = 0,
        digits: int = 0,
        padded: bool = True,
        randomize: bool = False,
        time_at: int = -1,
        monotonic: bool = False,
        block_bytes: int = 65536,
    ) -> None: ...
