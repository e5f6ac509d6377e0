from collections.abc import Callable
from typing import Any

from pynats_server.core.engine import Engine
from pynats_server.core.figures import Counted
from pynats_server.core.interest.sublist import Sublist
from pynats_server.core.interest.subscription import Sink, Subscription

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
    def clients(self) -> set[Any]: ...  # whoever is bound to it; it knows no kind of connection
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
