"""Accounts: their limits, what they share, and where they come from in operator mode."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Literal, TypeAlias

from pynats_common.records import dataclass

from pynats_server.options.logins import Permissions, PublishLimits, User


@dataclass(slots=True)
class AccountLimits:
    """JetStream limits of an account; negative = unlimited. Sizes are bytes."""

    max_memory: int = -1
    max_storage: int = -1
    max_streams: int = -1
    max_consumers: int = -1
    max_ack_pending: int = -1
    memory_max_stream_bytes: int = -1
    storage_max_stream_bytes: int = -1
    max_bytes_required: bool = False


@dataclass(slots=True)
class ConnectionLimits:
    """Limits for the clients of an account, besides the server's; negative = unlimited.
    `max_connections` and `publish` count all clients together, the others apply to each client."""

    max_connections: int = -1
    max_subscriptions: int = -1
    max_payload: int = -1  # bytes
    publish: PublishLimits = field(default_factory=PublishLimits)  # in a second


@dataclass(slots=True)
class ServiceLatency:
    """Where the latency of a service is published, and for how many of its requests."""

    subject: str  # where it goes
    sampling: int = 100  # per cent; 0 = of those whose headers ask for a trace


@dataclass(slots=True)
class StreamExport:
    """Messages that other accounts may import: all of them, unless `accounts` has names."""

    subject: str  # may have wildcards
    accounts: list[str] = field(default_factory=list)  # who may import it; empty = everybody
    account_token_position: int = 0  # the wildcard, from 1, that is the importer's name; 0 = none
    by_token: bool = False  # for those who have an activation JWT (operator mode)


DEFAULT_THRESHOLD_S = 120.0  # without a response, after which there will be none
ResponseKind: TypeAlias = Literal["singleton", "stream", "chunked"]


@dataclass(slots=True)
class ServiceExport:
    """A service that other accounts may import: all of them, unless `accounts` has names."""

    subject: str  # of its requests; may have wildcards
    accounts: list[str] = field(default_factory=list)  # who may import it; empty = everybody
    account_token_position: int = 0  # the wildcard, from 1, that is the importer's name; 0 = none
    response: ResponseKind = "singleton"  # how many answers there are to a request
    threshold: float = 0.0  # seconds until nobody answers any more; 0 = DEFAULT_THRESHOLD_S
    latency: ServiceLatency | None = None  # None = it is not measured
    allow_trace: bool = False  # traces of messages go on in this account
    by_token: bool = False  # for those who have an activation JWT (operator mode)


@dataclass(slots=True)
class StreamImport:
    """Messages of another account, under their own subjects, those behind a prefix, or `to`."""

    account: str  # the exporting account
    subject: str  # its subject, or a part of it
    prefix: str = ""  # put before its subjects; empty = none
    to: str = ""  # the local subject, instead of a prefix; empty = the exporter's
    allow_trace: bool = False  # traces of messages go on in this account
    token: str = field(default="", repr=False)  # an activation JWT (operator mode)


@dataclass(slots=True)
class ServiceImport:
    """A service of another account, asked under its own subject or `to`."""

    account: str  # the exporting account
    subject: str  # its subject, or a part of it
    to: str = ""  # the local subject; empty = the exporter's
    share: bool = False  # tell it who asks
    token: str = field(default="", repr=False)  # an activation JWT (operator mode)


WHOLE = 100  # per cent: all messages of a subject


@dataclass(slots=True)
class MappingTarget:
    """A destination of a subject mapping, and how many messages go there."""

    destination: str
    weight: int = WHOLE
    cluster: str = ""  # empty = in every cluster that no other target names


@dataclass(slots=True)
class TraceOptions:
    """`msg_trace`: where events of messages with a `traceparent` header go."""

    dest: str = ""
    sampling: int = 100  # per cent


@dataclass(slots=True)
class AccountOptions:
    """One entry of `accounts`. `jetstream` None = JetStream is off. It follows from
    `jetstream_tiers`, limits by number of replicas (`R1`), if there are any."""

    users: list[User] = field(default_factory=list)
    default_permissions: Permissions | None = None
    default_limits: PublishLimits | None = None
    jetstream: AccountLimits | None = None
    jetstream_tiers: dict[str, AccountLimits] = field(default_factory=dict)  # by `R1`
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    stream_exports: list[StreamExport] = field(default_factory=list)  # messages others may take
    service_exports: list[ServiceExport] = field(default_factory=list)  # what others may ask
    stream_imports: list[StreamImport] = field(default_factory=list)  # messages of others
    service_imports: list[ServiceImport] = field(default_factory=list)  # services of others
    mappings: dict[str, list[MappingTarget]] = field(default_factory=dict)
    msg_trace: TraceOptions | None = None
    nkey: str = ""


@dataclass(slots=True)
class OperatorOptions:
    """Operator mode: whose accounts are known by JWTs, which the operators sign. With `tokens` or
    `trusted_keys` there are no other accounts and users."""

    tokens: list[str] = field(default_factory=list)  # `operator`: JWTs of operators
    trusted_keys: list[str] = field(default_factory=list)  # their public keys, instead of JWTs
    pinned_accounts: list[str] = field(default_factory=list)  # the only ones; empty = all
    default_sentinel: str = ""  # the user JWT of clients that have none

    @property
    def enabled(self) -> bool:
        """Whether the server is in operator mode."""
        return bool(self.tokens or self.trusted_keys)


@dataclass(slots=True)
class ResolverOptions:
    """Where the JWTs of accounts come from, in operator mode. Of these, `resolver` is all but the
    last fields."""

    kind: Literal["none", "memory", "full", "cache", "url"] = "none"
    dir: Path | None = None  # of full and cache
    allow_delete: bool = False  # full: accounts may be deleted
    hard_delete: bool = False  # and their files go, too
    limit: int = 0  # JWTs; 0 = any number, 1000 in a cache
    ttl: float = 0.0  # seconds until a cache forgets a JWT; 0 = never
    interval: float = 60.0  # full: seconds between looks at what other servers have
    timeout: float = 1.9  # seconds to wait for other servers
    url: str = field(default="", repr=False)  # its password may be in it
    preload: dict[str, str] = field(default_factory=dict, repr=False, compare=False)  # by account
