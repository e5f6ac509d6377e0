import asyncio
from collections.abc import Callable

from pynats_server.core.readiness.patience import Patience

class Vigil:
    expected: int
    def __init__(
        self, loop: asyncio.AbstractEventLoop, epoll_fd: int, turn: Callable[[], None]
    ) -> None: ...
    @property
    def patience(self) -> Patience: ...
    @property
    def polls(self) -> int: ...
    def close(self) -> None: ...
