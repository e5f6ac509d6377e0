from collections.abc import Callable

from pynats_server.core.engine import Engine, Pollable

class Descriptor(Pollable):
    def __init__(self, engine: Engine, fd: int, ready: Callable[[], object]) -> None: ...
    def close(self) -> None: ...
