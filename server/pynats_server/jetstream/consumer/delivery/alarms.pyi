import asyncio
from collections.abc import Callable

from pynats_server.core.engine import Engine

class Alarms:
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        engine: Engine,
        on_error: Callable[[Exception], object],
    ) -> None: ...
    def stop(self) -> None: ...
