import asyncio
from collections.abc import Callable

from pynats_server.core.engine import Engine

TIME_MAX_NS: int

class Alarms:
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        engine: Engine,
        on_error: Callable[[Exception], object],
        by_wall: bool = False,
    ) -> None: ...
    @property
    def waiting(self) -> int: ...
    def stop(self) -> None: ...

class Appointment:
    def __init__(self, alarms: Alarms, call: Callable[[], object]) -> None: ...
    def at(self, at: int) -> None: ...
    def cancel(self) -> None: ...
    def end(self) -> None: ...
