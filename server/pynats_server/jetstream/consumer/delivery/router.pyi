from collections.abc import Callable

from pynats_server.core.account import Account
from pynats_server.core.interest.subscription import Sink
from pynats_server.jetstream.consumer.delivery.feed import Feed

def name_hash(name: str) -> bytes: ...

class Router:
    def __init__(self, domain: bytes, account_hash: bytes) -> None: ...
    def add(self, stream: bytes, consumer: bytes, feed: Feed) -> None: ...
    def remove(self, stream: bytes, consumer: bytes) -> None: ...

class AckSink(Sink):
    def __init__(self, router: Router) -> None: ...

class ApiSink(Sink):
    def __init__(
        self, router: Router, account: Account, prefix: bytes, callback: Callable[..., object]
    ) -> None: ...
