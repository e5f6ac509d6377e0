"""What the server itself has: listeners, limits, the log, JetStream; and all options together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from importlib import import_module
from pathlib import Path
from typing import Literal, cast

from pynats_common.records import dataclass

from pynats_server.options.accounts import (
    AccountOptions,
    MappingTarget,
    OperatorOptions,
    ResolverOptions,
)
from pynats_server.options.logins import GLOBAL_ACCOUNT, Authorization, ProxyOptions, User
from pynats_server.tls.options import OcspCacheOptions, OcspOptions, TlsOptions

DEFAULT_PORT = 4222
AUTH_TIMEOUT_S = 2.0  # without TLS
SYSTEM_ACCOUNT = "$SYS"  # unless `system_account` names another


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


# The parts of a server whose lines may have levels of their own.
LOG_PARTS = ("server", "clients", "auth", "jetstream", "monitor", "system")


@dataclass(slots=True)
class LogOptions:
    """What the log has, and where it goes: to standard error unless there is a file or syslog."""

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
    port: int = DEFAULT_PORT  # -1 = any free one
    client_advertise: str = ""
    server_name: str = ""  # empty = the server id
    server_tags: list[str] = field(default_factory=list)
    server_metadata: dict[str, str] = field(default_factory=dict)
    feature_flags: dict[str, bool] = field(default_factory=dict)

    # monitoring; ports: 0 = off, -1 = any free one
    http_host: str = ""  # empty = `host`
    http_port: int = 0
    https_port: int = 0
    http_base_path: str = "/"
    http_auth: HttpAuth | None = None  # None = everybody may ask
    http_ui: bool = False  # the dashboard
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
    operator: OperatorOptions = field(default_factory=OperatorOptions)  # accounts known by JWTs
    resolver: ResolverOptions = field(default_factory=ResolverOptions)
    mappings: dict[str, list[MappingTarget]] = field(default_factory=dict)  # of the global account

    max_control_line: int = 4096
    max_payload: int = 1024 * 1024
    max_pending: int = 64 * 1024 * 1024
    max_connections: int = 65536  # -1 refuses everybody
    max_subscriptions: int = 0  # per connection; 0 = unlimited
    max_subscription_tokens: int = 0  # 0 = 8192, the most that there may be
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

    log: LogOptions = field(default_factory=LogOptions)  # what the log has, and where it goes
    pid_file: Path | None = None
    ports_file_dir: Path | None = None

    config_file: Path | None = None  # that they were read from
    config_digest: str = ""  # "sha256:<hex>" of the parsed file
    warnings: list[str] = field(default_factory=list)  # found while reading the configuration
    # Where the file has its top-level keys, as file:line:column.
    places: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, path: str | Path, *, environ: Mapping[str, str] | None = None) -> Options:
        """The options in a configuration file, of the NATS grammar or TOML
        (docs/reference/configuration.md). `environ` has its variables, default: the process's
        environment. Raises `pynats_server.SettingsError`, a ValueError that lists every fault with
        file:line:column."""
        # By name, because the tables of settings are made of this module.
        settings = import_module("pynats_server.settings")
        return cast("Options", settings.load_file(path, environ=environ))

    @property
    def system_account_name(self) -> str:
        """The name of the system account."""
        return self.system_account or SYSTEM_ACCOUNT

    @property
    def account_names(self) -> set[str]:
        """The accounts of the configuration, and those that are always there."""
        return {*self.accounts, GLOBAL_ACCOUNT, self.system_account_name}

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
