import socket
from collections.abc import Callable
from typing import Any

from pynats_server.core.account import Account
from pynats_server.core.engine import Engine
from pynats_server.core.interest.subscription import Subscription
from pynats_server.core.permissions import Permissions
from pynats_server.core.publishing.publisher import Publisher
from pynats_server.core.reasons import CloseReason

class ClientConnection(Publisher):
    protocol: int
    name: str
    lang: str
    version: str
    user: str | None
    context: Any
    max_subscriptions: int
    max_subscription_tokens: int
    implicit_connect: bool
    connect_received: bool
    auth_deadline: int
    ping_interval_ns: int
    ping_max: int
    def __init__(
        self,
        engine: Engine,
        sock: socket.socket,
        host: str,
        port: int,
        account: Account | None = None,
    ) -> None: ...
    @property
    def awaiting_connect(self) -> bool: ...
    @property
    def first_pong_sent(self) -> bool: ...
    @property
    def rtt(self) -> int: ...
    @property
    def echo(self) -> bool: ...
    def admit(
        self, account: Account, permissions: Permissions | None, user: str | None = None
    ) -> None: ...
    def hold(self) -> None: ...
    def proceed(self) -> None: ...
    def halt_reading(self) -> None: ...
    def read_again(self) -> None: ...
    def set_echo(self, echo: bool) -> None: ...
    def send_ok(self) -> None: ...
    def send_error(self, text: str) -> None: ...
    def fail_with(self, text: str, reason: CloseReason) -> None: ...
    def prune(
        self,
        permissions: Permissions | None,
        removed: Callable[[Subscription], object] | None = None,
    ) -> None: ...
