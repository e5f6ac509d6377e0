import socket
from array import array

from pynats_bench.engine.loop import Loop

UNIT_NUMBER_DIGITS: int
SUBJECT_NUMBER_DIGITS: int

def parse_ack(data: bytes) -> tuple[int, int]: ...

class AckPublishLoop(Loop):
    acknowledged: int

    def __init__(
        self,
        socket: socket.socket,
        block: bytearray,
        ends: array[int],
        unit_marks: array[int],
        unit_mark_ends: array[int],
        subject_marks: array[int],
        reply_prefix: bytes,
        units: int,
        window: int,
        batch: int,
        subjects: int,
        base: int,
        first_message: int = 0,
        shared: bool = False,
    ) -> None: ...
    def quantile_ns(self, fraction: float) -> int: ...
