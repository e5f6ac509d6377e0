from pynats_server.core.engine import Engine
from pynats_server.core.interest.sublist import Sublist
from pynats_server.core.senders.sender import Sender

class Courier(Sender):
    sent: int
    delivered: int
    held: int
    left: int
    def __init__(
        self,
        engine: Engine,
        sublist: Sublist,
        to: bytes,
        subject: bytes,
        payload: bytes,
        headers: bytes = b"",
    ) -> None: ...
    def start(self, count: int) -> None: ...
