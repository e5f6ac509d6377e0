"""What monitoring reads: a typed view of the server and of the data plane."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from pynats_server.clients.closed import ClosedConnection
from pynats_server.options import Options

if TYPE_CHECKING:
    from pynats_server.jetstream.manager import JetStream


class SubscriptionView(Protocol):
    """A live subscription."""

    @property
    def subject(self) -> bytes: ...
    @property
    def sid(self) -> bytes: ...
    @property
    def queue(self) -> bytes: ...
    @property
    def delivered(self) -> int: ...
    @property
    def max(self) -> int: ...
    @property
    def owner(self) -> Any: ...


class SublistView(Protocol):
    """The subscriptions of one account, as figures."""

    count: int
    inserts: int
    removes: int
    matches: int
    cache_hits: int
    cached: int

    def fanout(self) -> tuple[int, float]: ...

    def lookup(
        self, subject: bytes
    ) -> tuple[list[SubscriptionView], dict[bytes, list[SubscriptionView]]]: ...


class AccountView(Protocol):
    """An account. `clients` are the connections that belong to it now."""

    name: str
    sublist: SublistView
    clients: Collection[ClientView]
    in_msgs: int
    in_bytes: int
    out_msgs: int
    out_bytes: int
    slow_consumers: int
    total_connections: int


class ClientView(Protocol):
    """An open client connection. Times: `start` wall s, `last_activity` monotonic ns, `rtt` ns."""

    cid: int
    host: str
    port: int
    start: float
    last_activity: int
    rtt: int
    in_msgs: int
    in_bytes: int
    out_msgs: int
    out_bytes: int
    pending_bytes: int
    stalls: int
    subscription_count: int
    name: str
    lang: str
    version: str
    user: Any
    context: Any
    account: AccountView | None

    def subscription_list(self) -> list[SubscriptionView]: ...


class EngineView(Protocol):
    """The data plane's totals and its connections by id."""

    connections: Mapping[int, Any]
    in_msgs: int
    in_bytes: int
    out_msgs: int
    out_bytes: int
    slow_consumers: int
    stale_connections: int
    stalls: int
    total_connections: int


class MonitorSource(Protocol):
    """The server as monitoring sees it. Members are read, except `http_requests`, which counts
    requests by endpoint."""

    options: Options
    id: str
    name: str
    start_time: float
    config_load_time: float
    closed_clients: deque[ClosedConnection]
    http_requests: Counter[str]
    http_port: int
    ready: bool
    log: Any  # has error(text) and warn_rarely(text)

    @property
    def engine(self) -> Any: ...

    @property
    def accounts(self) -> Mapping[str, Any]: ...

    @property
    def system_account(self) -> Any: ...

    @property
    def jetstream(self) -> JetStream | None: ...

    def advertised(self) -> tuple[str, int]: ...

    @property
    def auth_required(self) -> bool: ...
