"""What monitoring reads: a typed view of the server, of the data plane and of JetStream."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pynats_server.accounts.plan import ServiceLink, StreamLink
from pynats_server.clients.closed import ClosedConnection
from pynats_server.core.interest.sublist import Sublist
from pynats_server.core.reasons import CloseReason
from pynats_server.core.sharing.responses import Responses
from pynats_server.monitor.traffic import Counted
from pynats_server.options import AccountOptions, JetStreamOptions, Options
from pynats_server.work import Turns, Work

if TYPE_CHECKING:
    # Only types: a server without JetStream must not load it.
    from pynats_server.jetstream.figures import (
        AccountFigures,
        ConsumerFigures,
        Contents,
        OnDisk,
        ServerFigures,
        StreamDetails,
        StreamFigures,
        SyncTimes,
    )
    from pynats_server.tls.force import TlsInForce


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


class AccountView(Protocol):
    """An account. `clients` are its current connections."""

    name: str
    sublist: Sublist
    clients: Collection[ClientView]
    in_msgs: int
    in_bytes: int
    out_msgs: int
    out_bytes: int
    slow_consumers: int
    throttles: int
    refusals: int
    total_connections: int

    @property
    def largest_payload(self) -> int: ...

    @property
    def awaited(self) -> Responses | None: ...


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
    throttles: int
    refusals: int
    subscription_count: int
    name: str
    lang: str
    version: str
    user: Any
    context: Any
    account: AccountView | None

    def subscription_list(self) -> list[SubscriptionView]: ...


class EngineView(Counted, Protocol):
    """The data plane's totals and its connections by id."""

    slow_consumers: int
    stale_connections: int
    stalls: int
    throttles: int
    refusals: int
    total_connections: int

    @property
    def connections(self) -> Mapping[int, Any]: ...


class ConsumersView(Protocol):
    """The consumers of a stream."""

    @property
    def broken(self) -> Mapping[str, str]:
        """Those that could not be recovered, and why."""
        ...

    def has(self, name: str) -> bool: ...

    def details(self, hidden: bool = False) -> Iterator[dict[str, Any]]:
        """What CONSUMER.LIST tells of each; or of those of mirrors and sources, which it hides."""
        ...

    def figures(self) -> Iterator[ConsumerFigures]: ...


class StreamView(Protocol):
    """A stream. It may be deleted while an answer is written, and still answers."""

    @property
    def name(self) -> str: ...

    @property
    def failure(self) -> str | None:
        """Why its storage takes no more changes; None while it does."""
        ...

    def figures(self) -> StreamFigures: ...

    def details(self) -> StreamDetails: ...

    @property
    def consumers(self) -> ConsumersView: ...

    def lost_sequences(self, most: int) -> list[int]:
        """The first `most` sequences whose messages were lost to damage."""
        ...


class JetStreamAccountView(Protocol):
    """An account that has JetStream."""

    @property
    def name(self) -> str: ...

    def figures(self) -> AccountFigures: ...

    def served(self) -> Sequence[StreamView]:
        """Its streams, in order of creation."""
        ...

    def unrecovered(self) -> Mapping[str, str]:
        """Its streams on disk that could not be opened, and why."""
        ...


class JetStreamView(Protocol):
    """JetStream of the server."""

    @property
    def options(self) -> JetStreamOptions: ...

    @property
    def folder(self) -> Path: ...

    @property
    def accounts(self) -> Mapping[str, JetStreamAccountView]: ...

    def figures(self) -> ServerFigures: ...

    def contents(self) -> Work[Contents]: ...

    def sync_times(self) -> SyncTimes: ...

    def streams(self, account: str = "", name: str = "") -> Sequence[StreamView]:
        """In order of creation: of all accounts or of one, all or those of a name."""
        ...

    async def on_disk(self, account: str, name: str, quarantine: bool) -> OnDisk:
        """What lies in the folder; with `quarantine` also how many files were put aside of the
        `streams` of that account and name."""
        ...


class ClaimView(Protocol):
    """An account of operator mode."""

    expired: bool
    incomplete: bool
    updated: float
    token: str
    claims: Any  # AccountClaims

    @property
    def tags(self) -> list[str]: ...


class TrustView(Protocol):
    """The operators that are trusted: their JWTs, and what these say."""

    tokens: tuple[str, ...]
    operators: tuple[Any, ...]  # OperatorClaims


class ClaimedView(Protocol):
    """The accounts of operator mode that somebody has asked for."""

    @property
    def trust(self) -> TrustView: ...

    def get(self, account: str) -> ClaimView | None: ...


class MonitorSource(Protocol):
    """The server as monitoring sees it. Read-only except `http_requests`, which counts requests by
    endpoint."""

    options: Options
    id: str
    name: str
    start_time: float
    config_load_time: float
    closed_clients: deque[ClosedConnection]
    cut_clients: deque[ClosedConnection]  # the slow consumers among them
    closed_for: Counter[CloseReason]  # how many connections ended, by reason
    http_requests: Counter[str]
    tls_clients: int  # open
    handshakes: Counter[str]  # by version of TLS
    handshakes_failed: int
    log_ins: Counter[str]  # by how it was shown who it is
    refusals: Counter[str]  # by what was presented
    http_port: int
    https_port: int
    tls: TlsInForce | None
    ready: bool
    turns: Turns
    log: Any  # has dropped, and part(name), which has error and warn_rarely

    @property
    def engine(self) -> EngineView: ...

    @property
    def accounts(self) -> Mapping[str, Any]: ...

    @property
    def system_account(self) -> Any: ...

    @property
    def jetstream(self) -> JetStreamView | None: ...

    def links_of(self, account: str) -> tuple[Sequence[StreamLink], Sequence[ServiceLink]]:
        """What an account imports."""
        ...

    def name_tag(self, account: str) -> str:
        """What people call an account, which may be known by its key."""
        ...

    def account_options(self, name: str) -> AccountOptions | None:
        """What is said of an account: by the configuration, or by its JWT."""
        ...

    @property
    def claimed(self) -> ClaimedView | None:
        """The accounts of operator mode."""
        ...

    def advertised(self) -> tuple[str, int]: ...

    @property
    def authenticated(self) -> bool: ...


def system_account_name(source: MonitorSource) -> str:
    """The name of the system account; empty where there is none."""
    name: str = source.system_account.name
    return name if name in source.accounts else ""
