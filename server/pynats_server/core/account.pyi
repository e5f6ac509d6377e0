from collections.abc import Callable

from pynats_server.core.client import ClientConnection
from pynats_server.core.engine import Engine
from pynats_server.core.figures import Counted
from pynats_server.core.sublist import Sink, Sublist, Subscription

class Account(Counted):
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
    def subscribe(
        self,
        subject: bytes,
        callback: Callable[..., object],
        queue: bytes = b"",
        with_source: bool = False,
    ) -> Subscription: ...
    def attach(self, subject: bytes, sink: Sink, queue: bytes = b"") -> Subscription: ...
    def has_interest(self, subject: bytes) -> bool: ...
    def unsubscribe(self, sub: Subscription) -> None: ...
    def publish(
        self,
        engine: Engine,
        subject: bytes,
        payload: bytes,
        reply: bytes = b"",
        headers: bytes = b"",
    ) -> int: ...
