import socket
from collections.abc import Callable
from typing import Any

from pynats_server.core.engine import Engine, Pollable

class Listener(Pollable):
    def __init__(
        self,
        engine: Engine,
        sock: socket.socket,
        accepted: Callable[[socket.socket, Any], object],
        failed: Callable[[OSError], object],
    ) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def close(self) -> None: ...
