"""The typed tree of everything that can be configured.

Filled from a configuration file, from command-line flags, or directly by a program that embeds
the server. Field names follow the configuration keys (docs/configuration.md), but that exports and
imports of streams and of services are fields of their own; durations are seconds as float, sizes
are bytes as int.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from importlib import import_module
from pathlib import Path
from typing import Literal, TypeAlias, cast

from pynats_common.records import dataclass

from pynats_server.tls.options import CertificateFiles as CertificateFiles
from pynats_server.tls.options import OcspCacheOptions, OcspOptions
from pynats_server.tls.options import OcspPeerOptions as OcspPeerOptions
from pynats_server.tls.options import TlsOptions as TlsOptions

DEFAULT_PORT = 4222
AUTH_TIMEOUT_S = 2.0  # without TLS
GLOBAL_ACCOUNT = "$G"  # for clients without another account
SYSTEM_ACCOUNT = "$SYS"  # unless `system_account` names another


@dataclass(slots=True)
class ResponsePermission:
    """Permission to publish to the reply subject of a received request."""

    max_msgs: int = 1  # negative = unlimited
    ttl: float = 120.0  # seconds; negative = unlimited


@dataclass(slots=True)
class SubjectPermission:
    """Allow and deny lists of subjects. `allow=None` allows all, an empty list allows nothing.
    Subscribe entries may be "subject queue"."""

    allow: list[str] | None = None
    deny: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Permissions:
    publish: SubjectPermission | None = None
    subscribe: SubjectPermission | None = None
    responses: ResponsePermission | None = None


RATE_MAX = 1 << 33  # messages or bytes a second that publishing may be limited to


@dataclass(slots=True)
class PublishLimits:
    """What may be published in a second, and at once; negative = unlimited. What is beyond waits
    and is not read yet (`throttle`), or is refused."""

    max_publish_rate: int = -1  # messages
    max_publish_bytes: int = -1
    publish_limit_action: Literal["throttle", "refuse"] = "throttle"

    @property
    def any(self) -> bool:
        """Whether there is a limit."""
        return self.max_publish_rate > 0 or self.max_publish_bytes > 0


@dataclass(slots=True)
class User:
    """One entry of a `users` list: somebody with a name, or with a key instead."""

    user: str = ""
    password: str = field(default="", repr=False)  # plain text or bcrypt ($2a/$2b/$2y$)
    permissions: Permissions | None = None
    allowed_connection_types: list[str] = field(default_factory=list)
    limits: PublishLimits | None = None  # of each of its connections
    nkey: str = ""  # its public key; then it has neither name nor password
    proxy_required: bool = False  # only through a trusted proxy

    @property
    def name(self) -> str:
        """What tells it from the others: its name or its key."""
        return self.nkey or self.user


@dataclass(slots=True)
class AuthCallout:
    """The `auth_callout` block: a service decides about log-ins. It is asked in `account`."""

    issuer: str  # public key of an account: who signs the answers
    account: str = GLOBAL_ACCOUNT
    auth_users: list[str] = field(default_factory=list)  # whom the server checks itself
    xkey: str = ""  # public curve key of the service, to seal for it; empty = nothing is sealed
    allowed_accounts: list[str] = field(default_factory=list)  # whose users it decides about


OIDC_ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip


@dataclass(slots=True)
class OidcIssuer:
    """An entry of `oidc`: a provider whose tokens let in. Claims are named by their path, such as
    `realm_access.roles`; in subjects of permissions `{{claim(path)}}` stands for one."""

    issuer: str  # exactly as in tokens
    audience: list[str] = field(default_factory=list)  # one of these must be in a token
    jwks_url: str = ""  # of the keys; empty = as the provider's discovery document says
    account: str = GLOBAL_ACCOUNT
    account_claim: str = ""  # the claim that names the account instead
    user_claim: str = "sub"
    required_claims: dict[str, list[str]] = field(default_factory=dict)  # one of these values each
    permissions: Permissions | None = None  # without a role
    roles_claim: str = ""
    roles: dict[str, Permissions] = field(default_factory=dict)  # the first that a token has counts
    algorithms: list[str] = field(default_factory=lambda: list(OIDC_ALGORITHMS))
    leeway: float = 10.0  # seconds that clocks may differ
    timeout: float = 5.0  # seconds for each request to the provider
    refresh: float = 3600.0  # seconds after which keys are fetched again
    retry: float = 30.0  # seconds between requests for keys that are not there
    ca_file: Path | None = None  # authorities for the provider; None = those of the system


@dataclass(slots=True)
class Authorization:
    """The `authorization` block."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    # Seconds a client has to send a good CONNECT; 0 = the default (`Options.auth_timeout`).
    timeout: float = 0.0
    users: list[User] = field(default_factory=list)
    default_permissions: Permissions | None = None
    default_limits: PublishLimits | None = None
    proxy_required: bool = False  # the single user and the token only through a trusted proxy
    auth_callout: AuthCallout | None = None
    oidc: list[OidcIssuer] = field(default_factory=list)
    present: bool = False  # the configuration has the block, even if empty


@dataclass(slots=True)
class ProxyOptions:
    """The `proxies` block. A proxy signs the nonce of INFO for the client that comes through it."""

    trusted: list[str] = field(default_factory=list)  # public keys


@dataclass(slots=True)
class HttpAuth:
    """The `http_auth` block: what who asks for monitoring must give, a user and password or a
    token; with both, either."""

    user: str = ""
    password: str = field(default="", repr=False)  # plain text or bcrypt
    token: str = field(default="", repr=False)  # plain text or bcrypt
    healthz_open: bool = False  # others may ask whether the server is healthy, and no more


@dataclass(slots=True)
class MetricsOptions:
    """The `metrics` block."""

    max_series: int = 20_000  # series of accounts, streams and consumers in /metrics


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
    publish: PublishLimits = field(default_factory=PublishLimits)


@dataclass(slots=True)
class ServiceLatency:
    """Where the latency of a service is published, and for how many of its requests."""

    subject: str
    sampling: int = 100  # per cent; 0 = of those whose headers ask for a trace


@dataclass(slots=True)
class StreamExport:
    """Messages that other accounts may import: all of them, unless `accounts` has names."""

    subject: str
    accounts: list[str] = field(default_factory=list)
    account_token_position: int = 0  # the wildcard, from 1, that is the importer's name; 0 = none
    by_token: bool = False  # for those who have an activation JWT (operator mode)


DEFAULT_THRESHOLD_S = 120.0  # without a response, after which there will be none
ResponseKind: TypeAlias = Literal["singleton", "stream", "chunked"]


@dataclass(slots=True)
class ServiceExport:
    """A service that other accounts may import: all of them, unless `accounts` has names."""

    subject: str
    accounts: list[str] = field(default_factory=list)
    account_token_position: int = 0  # the wildcard, from 1, that is the importer's name; 0 = none
    response: ResponseKind = "singleton"
    threshold: float = 0.0  # seconds until nobody answers any more; 0 = DEFAULT_THRESHOLD_S
    latency: ServiceLatency | None = None
    allow_trace: bool = False
    by_token: bool = False  # for those who have an activation JWT (operator mode)


@dataclass(slots=True)
class StreamImport:
    """Messages of another account, under their own subjects, those behind a prefix, or `to`."""

    account: str
    subject: str
    prefix: str = ""
    to: str = ""
    allow_trace: bool = False
    token: str = field(default="", repr=False)  # an activation JWT (operator mode)


@dataclass(slots=True)
class ServiceImport:
    """A service of another account, asked under its own subject or `to`."""

    account: str
    subject: str
    to: str = ""
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
    jetstream_tiers: dict[str, AccountLimits] = field(default_factory=dict)
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    stream_exports: list[StreamExport] = field(default_factory=list)
    service_exports: list[ServiceExport] = field(default_factory=list)
    stream_imports: list[StreamImport] = field(default_factory=list)
    service_imports: list[ServiceImport] = field(default_factory=list)
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


# The parts of a server whose lines may have levels of their own.
LOG_PARTS = ("server", "clients", "auth", "jetstream", "monitor", "system")


@dataclass(slots=True)
class LogOptions:
    debug: bool = False
    trace: bool = False
    trace_verbose: bool = False
    trace_headers: bool = False
    logtime: bool = True
    logtime_utc: bool = False
    log_file: Path | None = None
    log_size_limit: int = 0  # bytes; 0 = never rotate
    log_max_num: int = 0  # files kept, the live one included; 0 = all
    syslog: bool = False
    remote_syslog: str = ""
    max_traced_msg_len: int = 0  # bytes; 0 = whole payload
    log_format: Literal["text", "json"] = "text"
    log_levels: dict[str, str] = field(default_factory=dict)  # by part (LOG_PARTS)
    log_logins: bool = False  # a line for each log-in, good or not


@dataclass(slots=True)
class BatchLimits:
    """`jetstream.limits.batch`: bounds of atomic and fast batches; 0 = the default."""

    max_inflight_per_stream: int = 0
    max_inflight_total: int = 0
    max_msgs: int = 0
    timeout: float = 0.0  # seconds


@dataclass(slots=True)
class JetStreamServerLimits:
    """`jetstream.limits`; 0 = no limit, or the default of its user."""

    max_ack_pending: int = 0
    max_ha_assets: int = 0
    max_request_batch: int = 0
    duplicate_window: float = 0.0
    default_max_consumers: int = 0
    batch: BatchLimits = field(default_factory=BatchLimits)


@dataclass(slots=True)
class JetStreamOptions:
    """The `jetstream` block."""

    enabled: bool = False
    strict: bool = True  # requests with unknown fields are refused
    store_dir: Path | None = None
    max_memory: int | None = None  # None = 75 % of the machine's memory
    max_file: int | None = None  # None = 75 % of the free disk
    sync_interval: float = 0.0  # 0 = an fsync covers every message before its acknowledgement
    domain: str = ""
    key: str = field(default="", repr=False)
    prev_key: str = field(default="", repr=False)
    cipher: Literal["chacha", "aes"] = "chacha"
    extension_hint: str = ""
    unique_tag: str = ""
    limits: JetStreamServerLimits = field(default_factory=JetStreamServerLimits)
    max_outstanding_catchup: int = 64 * 1024 * 1024
    max_buffered_size: int = 128 * 1024 * 1024
    max_buffered_msgs: int = 100_000
    request_queue_limit: int = 10_000
    info_queue_limit: int = 10_000
    meta_compact: int = 0
    meta_compact_size: int = 0
    meta_compact_sync: bool = False
    max_concurrent_io: int = 4096


ACK_SUBJECTS_V2 = "js_ack_fc_v2"
FEATURES = (ACK_SUBJECTS_V2,)  # experimental ones that this version has, all off unless asked for
# Of replicated streams, which a single server has none of: as the real server has them by itself.
REPLICATION_FEATURES = {
    "js_api_reply_v2": False,
    "js_raft_delete_range": True,
    "js_snapshot_sources": False,
}


@dataclass(slots=True)
class Options:
    """All settings of one server."""

    host: str = "0.0.0.0"
    port: int = DEFAULT_PORT
    client_advertise: str = ""
    server_name: str = ""  # empty = the server id
    server_tags: list[str] = field(default_factory=list)
    server_metadata: dict[str, str] = field(default_factory=dict)
    feature_flags: dict[str, bool] = field(default_factory=dict)

    # monitoring; 0 = off, -1 = any free port
    http_host: str = ""
    http_port: int = 0
    https_port: int = 0
    http_base_path: str = "/"
    http_auth: HttpAuth | None = None  # None = everybody may ask
    metrics: MetricsOptions = field(default_factory=MetricsOptions)

    tls: TlsOptions | None = None  # of clients
    allow_non_tls: bool = False  # other clients may come without
    ocsp: OcspOptions | None = None
    ocsp_cache: OcspCacheOptions | None = None
    resolver_tls: TlsOptions | None = None

    authorization: Authorization = field(default_factory=Authorization)
    no_auth_user: str = ""
    proxies: ProxyOptions = field(default_factory=ProxyOptions)
    proxy_protocol: bool = False  # connections begin with a header that names the client
    accounts: dict[str, AccountOptions] = field(default_factory=dict)  # by name
    system_account: str = ""  # empty = $SYS
    no_system_account: bool = False  # none is made by itself, unless JetStream needs it
    operator: OperatorOptions = field(default_factory=OperatorOptions)
    resolver: ResolverOptions = field(default_factory=ResolverOptions)
    mappings: dict[str, list[MappingTarget]] = field(default_factory=dict)  # of the global account

    max_control_line: int = 4096
    max_payload: int = 1024 * 1024
    max_pending: int = 64 * 1024 * 1024
    max_connections: int = 65536  # -1 refuses everybody
    max_subscriptions: int = 0  # per connection; 0 = unlimited
    max_subscription_tokens: int = 0  # 0 = unlimited
    max_closed_clients: int = 10_000
    ping_interval: float = 120.0
    ping_max: int = 2
    write_deadline: float = 10.0
    write_timeout: str = "default"  # default | close | retry
    no_fast_producer_stall: bool = False
    no_header_support: bool = False
    disable_sublist_cache: bool = False
    lame_duck_duration: float = 120.0
    lame_duck_grace_period: float = 10.0
    connect_error_reports: int = 3600
    reconnect_error_reports: int = 1

    jetstream: JetStreamOptions = field(default_factory=JetStreamOptions)

    log: LogOptions = field(default_factory=LogOptions)
    pid_file: Path | None = None
    ports_file_dir: Path | None = None

    config_file: Path | None = None
    config_digest: str = ""  # "sha256:<hex>" of the parsed file
    warnings: list[str] = field(default_factory=list)  # found while reading the configuration
    # Where the file has its top-level keys, as file:line:column.
    places: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, path: str | Path, *, environ: Mapping[str, str] | None = None) -> Options:
        """The options in a configuration file, of the NATS grammar or TOML (docs/configuration.md).
        `environ` has its variables, default: the process's environment. Raises
        `pynats_server.SettingsError`, a ValueError that lists every fault with file:line:column."""
        # By name, because the tables of settings are made of this module.
        settings = import_module("pynats_server.settings")
        return cast("Options", settings.load_file(path, environ=environ))

    @property
    def system_account_name(self) -> str:
        """The name of the system account."""
        return self.system_account or SYSTEM_ACCOUNT

    @property
    def has_system_account(self) -> bool:
        """Whether there is one: named, or made by itself."""
        named = self.system_account or SYSTEM_ACCOUNT in self.accounts
        if self.operator.enabled:
            return bool(named)
        return bool(named or self.jetstream.enabled or not self.no_system_account)

    @property
    def auth_timeout(self) -> float:
        """Seconds that clients have to log in, after a handshake."""
        if self.authorization.timeout:
            return self.authorization.timeout
        return AUTH_TIMEOUT_S if self.tls is None else self.tls.timeout + 1

    def all_users(self) -> Iterator[tuple[str, User]]:
        """Every user with the name of its account. A user without permissions or limits gets the
        default ones of its list."""
        lists: list[tuple[str, Authorization | AccountOptions]] = [
            (GLOBAL_ACCOUNT, self.authorization),
            *self.accounts.items(),
        ]
        for name, block in lists:
            permissions, limits = block.default_permissions, block.default_limits
            for user in block.users:
                if user.permissions is None and permissions is not None:
                    user = replace(user, permissions=permissions)
                if user.limits is None and limits is not None:
                    user = replace(user, limits=limits)
                yield name, user

    @property
    def only_global_account(self) -> bool:
        """Whether nothing is configured besides the global and the system account."""
        return not self.accounts.keys() - {GLOBAL_ACCOUNT, self.system_account_name}
