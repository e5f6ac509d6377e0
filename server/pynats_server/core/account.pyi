from collections.abc import Callable

from pynats_server.core.client import ClientConnection
from pynats_server.core.engine import Engine
from pynats_server.core.sublist import Sublist, Subscription

class Account:
    total_connections: int
    slow_consumers: int
    def __init__(self, name: str, cache: bool = True, is_system: bool = False) -> None: ...
    @property
    def is_system(self) -> bool: ...
    @property
    def name(self) -> str: ...
    @property
    def sublist(self) -> Sublist: ...
    @property
    def clients(self) -> set[ClientConnection]: ...
    @property
    def in_msgs(self) -> int: ...
    @property
    def in_bytes(self) -> int: ...
    @property
    def out_msgs(self) -> int: ...
    @property
    def out_bytes(self) -> int: ...
    def subscribe(
        self,
        subject: bytes,
        callback: Callable[[Account, bytes, bytes, bytes, bytes], object],
        queue: bytes = b"",
    ) -> Subscription: ...
    def unsubscribe(self, sub: Subscription) -> None: ...
    def publish(
        self,
        engine: Engine,
        subject: bytes,
        payload: bytes,
        reply: bytes = b"",
        headers: bytes = b"",
    ) -> int: ...
