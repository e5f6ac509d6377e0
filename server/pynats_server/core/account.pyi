from collections.abc import Callable
from typing import Any

from pynats_server.core.engine import Engine
from pynats_server.core.figures import Counted
from pynats_server.core.interest.mapping import Mapper
from pynats_server.core.interest.sublist import Sublist
from pynats_server.core.interest.subscription import Sink, Subscription
from pynats_server.core.rates.limit import PublishLimit
from pynats_server.core.senders.watches import Watch

class Account(Counted):
    total_connections: int
    slow_consumers: int
    awaiting: Any
    throttles: int
    refusals: int
    publish_limit: PublishLimit | None
    def __init__(self, name: str, cache: bool = True, is_system: bool = False) -> None: ...
    @property
    def is_system(self) -> bool: ...
    @property
    def name(self) -> str: ...
    @property
    def largest_payload(self) -> int: ...
    @property
    def sublist(self) -> Sublist: ...
    @property
    def clients(self) -> set[Any]: ...  # whoever is bound to it; it knows no kind of connection
    def close(self) -> None: ...
    @property
    def awaited(self) -> Any: ...  # `sharing.responses.Responses`, or None
    def asks(self, subject: bytes) -> bool: ...
    def map(self, mapper: Mapper | None) -> None: ...
    @property
    def parents(self) -> object: ...
    def trace(self, parents: object) -> None: ...  # `tracing.request.Parents`
    def subscribe(
        self,
        subject: bytes,
        callback: Callable[..., object],
        queue: bytes = b"",
        with_source: bool = False,
        imports: bool = False,
    ) -> Subscription: ...
    def attach(
        self, subject: bytes, sink: Sink, queue: bytes = b"", imports: bool = False
    ) -> Subscription: ...
    def attach_shortcut(self, prefix: bytes, sink: Sink) -> Subscription: ...
    def has_listener(self, subject: bytes, group: bytes = b"") -> bool: ...
    def watch(self, engine: Engine, subject: bytes, callback: Callable[[], object]) -> Watch: ...
    def unwatch(self, watch: Watch) -> None: ...
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
