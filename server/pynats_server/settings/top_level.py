"""Every configuration key of the top level: one row each (see `schema`).

When a missing part is built, its row gets a `read` function (and fields in `Options`). Names,
defaults and reload rules are those of docs.nats.io/running-a-nats-service/configuration.
"""

from __future__ import annotations

from typing import Any

from pynats_server.options import DEFAULT_PORT, LOG_PARTS, Options
from pynats_server.settings import values as v
from pynats_server.settings.blocks.accounts import ACCOUNT, read_accounts, read_system_account
from pynats_server.settings.blocks.authorization import AUTHORIZATION, read_authorization
from pynats_server.settings.blocks.jetstream import JETSTREAM, read_jetstream, read_store_dir
from pynats_server.settings.blocks.mappings import TARGET, read_mappings
from pynats_server.settings.blocks.monitoring import (
    HTTP_AUTH,
    METRICS,
    read_http_auth,
    read_metrics,
)
from pynats_server.settings.blocks.ocsp import OCSP, OCSP_CACHE, read_ocsp, read_ocsp_cache
from pynats_server.settings.blocks.operators import OPERATOR_MODE
from pynats_server.settings.blocks.proxies import PROXIES, read_proxies
from pynats_server.settings.blocks.resolver import (
    RESOLVER,
    read_preload,
    read_resolver,
    store_resolver,
)
from pynats_server.settings.blocks.tls import CLIENT_TLS, TLS, read_client_tls, read_tls
from pynats_server.settings.schema import Setting, Table

_NOTHING: tuple[object, ...] = (False, 0, "", [], {})  # values that turn a part off


def _store_listen(options: Options, value: v.Address) -> None:
    options.host = value.host or Options().host
    options.port = value.port or DEFAULT_PORT


def _store_http(options: Options, value: v.Address) -> None:
    options.http_host = value.host
    options.http_port = value.port


def _store_https(options: Options, value: v.Address) -> None:
    options.http_host = value.host
    options.https_port = value.port


def _store_trace_verbose(options: Options, value: Any) -> None:
    options.log.trace_verbose = options.log.trace = value


def _store_trace_headers(options: Options, value: Any) -> None:
    options.log.trace_headers = options.log.trace = value


def _store_max_connections(options: Options, value: Any) -> None:
    options.max_connections = value or -1  # an explicit zero refuses all clients


TOP_LEVEL = Table(
    Options,
    # who and where
    Setting("listen", "address for clients, host:port or a port", v.address, store=_store_listen),
    Setting("host", "address that clients connect to", v.name, ("net",), zero_is_default=True),
    Setting("port", "port for clients, -1 = any free one", v.port, zero_is_default=True),
    Setting(
        "client_advertise",
        "address for clients that INFO names, host:port",
        v.name,
        reloadable=True,
    ),
    Setting("server_name", "name of this server, without spaces; empty = its id", v.server_name),
    Setting(
        "server_tags", "tags of this server", v.strings("tags"), reloadable=True, go_name="Tags"
    ),
    Setting(
        "server_metadata",
        "key-value pairs about this server",
        v.string_map("metadata"),
        reloadable=True,
        go_name="Metadata",
    ),
    # monitoring
    Setting(
        "http",
        "address for monitoring over HTTP, host:port or a port",
        v.address,
        store=_store_http,
        field="http_port",
    ),
    Setting(
        "http_port",
        "port for monitoring over HTTP, -1 = any free one",
        v.port,
        ("monitor_port",),
        go_name="HTTPPort",
    ),
    Setting(
        "http_base_path", "path that monitoring URLs begin with", v.url_path, go_name="HTTPBasePath"
    ),
    Setting(
        "https",
        "address for monitoring over HTTPS, host:port or a port; needs tls",
        v.address,
        store=_store_https,
        field="https_port",
    ),
    Setting(
        "https_port",
        "port for monitoring over HTTPS, -1 = any free one; needs tls",
        v.port,
        go_name="HTTPSPort",
    ),
    Setting(
        "http_auth",
        "who may ask for monitoring; without the block everybody",
        read_http_auth,
        reloadable=True,
        block=HTTP_AUTH,
        ours=True,
    ),
    Setting("http_ui", "a dashboard for browsers, /ui", v.boolean, reloadable=True, ours=True),
    Setting(
        "metrics", "what /metrics shows", read_metrics, reloadable=True, block=METRICS, ours=True
    ),
    # security
    Setting(
        "authorization",
        "users, passwords, tokens, permissions",
        read_authorization,
        reloadable=True,
        block=AUTHORIZATION,
    ),
    Setting("no_auth_user", "user of clients without credentials", v.string),
    Setting(
        "accounts",
        "separate subject spaces: a block for each name, or a list of names",
        read_accounts,
        reloadable=True,
        block=ACCOUNT,
    ),
    Setting(
        "proxies",
        "which proxies are trusted",
        read_proxies,
        reloadable=True,
        block=PROXIES,
    ),
    Setting(
        "proxy_protocol",
        "connections may begin with a header of the PROXY protocol, which names the client",
        v.boolean,
    ),
    Setting("system_account", "account of system events", read_system_account, ("system",)),
    Setting(
        "no_system_account",
        "no system account, unless one is named or JetStream is on",
        v.boolean,
        ("no_system", "no_sys_acc"),
    ),
    *OPERATOR_MODE,
    # limits
    Setting(
        "max_control_line",
        "bytes of a protocol line",
        v.integer(0, v.INT32_MAX),
        reloadable=True,
        zero_is_default=True,
    ),
    Setting(
        "max_payload",
        "bytes of a message",
        v.integer(0, v.INT32_MAX),
        reloadable=True,
        zero_is_default=True,
    ),
    Setting("max_pending", "bytes queued for a client", v.integer(0), zero_is_default=True),
    Setting(
        "max_connections",
        "clients at a time, 0 refuses all",
        v.integer(),
        ("max_conn",),
        store=_store_max_connections,
        reloadable=True,
        go_name="MaxConn",
    ),
    Setting(
        "max_subscriptions",
        "subscriptions of a client, 0 = unlimited",
        v.integer(),
        ("max_subs",),
        go_name="MaxSubs",
    ),
    Setting(
        "max_subscription_tokens",
        "tokens of a subscription's subject, 1 to 255; without the key 8192",
        v.integer(1, 255),
        ("max_sub_tokens",),
        go_name="MaxSubTokens",
    ),
    Setting(
        "max_closed_clients",
        "closed connections remembered for monitoring",
        v.integer(0),
        zero_is_default=True,
    ),
    Setting(
        "ping_interval", "time between pings", v.duration_s, reloadable=True, zero_is_default=True
    ),
    Setting(
        "ping_max",
        "unanswered pings before a client is disconnected",
        v.integer(),
        reloadable=True,
        zero_is_default=True,
        go_name="MaxPingsOut",
    ),
    Setting(
        "write_deadline",
        "time a write to a client may take",
        v.duration_s,
        reloadable=True,
        zero_is_default=True,
    ),
    Setting(
        "write_timeout",
        "what happens after the deadline: default, close or retry (no effect yet: close)",
        v.choice("default", "close", "retry"),
    ),
    Setting(
        "no_fast_producer_stall",
        "never slow producers down for slow consumers",
        v.boolean,
        reloadable=True,
    ),
    Setting("no_header_support", "refuse message headers", v.boolean),
    Setting(
        "disable_sublist_cache",
        "no cache in the subject trie",
        v.boolean,
        ("no_sublist_cache",),
        go_name="NoSublistCache",
    ),
    Setting(
        "lame_duck_duration",
        "time over which clients are disconnected",
        v.lame_duck_duration_s,
        zero_is_default=True,
    ),
    Setting(
        "lame_duck_grace_period",
        "time before the first client is disconnected",
        v.lame_duck_grace_period_s,
        zero_is_default=True,
    ),
    Setting(
        "connect_error_reports",
        "failed attempts between reports (no effect yet)",
        v.integer(),
        reloadable=True,
        zero_is_default=True,
    ),
    Setting(
        "reconnect_error_reports",
        "failed repeats between reports (no effect yet)",
        v.integer(),
        reloadable=True,
        zero_is_default=True,
    ),
    # logging and files
    Setting("debug", "log debug messages", v.boolean, field="log.debug", reloadable=True),
    Setting("trace", "log the protocol", v.boolean, field="log.trace", reloadable=True),
    Setting(
        "trace_verbose",
        "log the protocol, the system account's too",
        v.boolean,
        field="log.trace_verbose",
        store=_store_trace_verbose,
        reloadable=True,
    ),
    Setting(
        "trace_headers",
        "log the protocol, with headers instead of payloads",
        v.boolean,
        field="log.trace_headers",
        store=_store_trace_headers,
        reloadable=True,
    ),
    Setting(
        "max_traced_msg_len",
        "bytes of a payload shown in the log, 0 = all",
        v.integer(),
        field="log.max_traced_msg_len",
        reloadable=True,
    ),
    Setting("logtime", "time stamps on log lines", v.boolean, field="log.logtime", reloadable=True),
    Setting(
        "logtime_utc", "time stamps in UTC", v.boolean, field="log.logtime_utc", reloadable=True
    ),
    Setting(
        "log_file",
        "file to log to, instead of the terminal",
        v.path,
        ("logfile",),
        field="log.log_file",
        reloadable=True,
    ),
    Setting(
        "log_size_limit",
        "size at which a new log file is started, 0 = never",
        v.integer(),
        ("logfile_size_limit",),
        field="log.log_size_limit",
    ),
    Setting(
        "log_max_num",
        "log files kept, 0 = all",
        v.integer(),
        ("logfile_max_num",),
        field="log.log_max_num",
        go_name="LogMaxFiles",
    ),
    Setting(
        "log_format",
        "what a line of the log is: text or json",
        v.choice("text", "json"),
        field="log.log_format",
        reloadable=True,
        ours=True,
    ),
    Setting(
        "log_levels",
        "levels of single parts: trace, debug, info, warn, error or fatal for "
        + ", ".join(LOG_PARTS),
        v.log_levels,
        field="log.log_levels",
        reloadable=True,
        ours=True,
    ),
    Setting(
        "log_logins",
        "a line for each log-in: who, from where, how, and the result",
        v.boolean,
        field="log.log_logins",
        reloadable=True,
        ours=True,
    ),
    Setting("syslog", "log to syslog", v.boolean, field="log.syslog", reloadable=True),
    Setting(
        "remote_syslog",
        "syslog server, e.g. udp://localhost:514",
        v.string,
        field="log.remote_syslog",
        reloadable=True,
    ),
    Setting(
        "pid_file", "file that the process id is written to", v.path, ("pidfile",), reloadable=True
    ),
    Setting(
        "ports_file_dir",
        "directory for nats-server_<pid>.ports, which lists all addresses in use",
        v.path,
        reloadable=True,
    ),
    Setting(
        "jetstream",
        "JetStream: on or off, or a block; a reload may switch it",
        read_jetstream,
        reloadable=True,
        block=JETSTREAM,
    ),
    Setting(
        "store_dir",
        "folder of JetStream's files",
        read_store_dir,
        ("storedir",),
        field="jetstream.store_dir",
        go_name="StoreDir",
    ),
    # parts that are not built yet
    Setting(
        "tls",
        "TLS of clients; docs/guides/tls.md",
        read_tls,
        reloadable=True,
        go_name="TLS",
        block=TLS,
    ),
    Setting(
        "allow_non_tls", "other clients may come without TLS", v.boolean, go_name="AllowNonTLS"
    ),
    Setting(
        "ocsp",
        "show clients what its authority says of the server's certificate: true or a block",
        read_ocsp,
        reloadable=True,
        block=OCSP,
    ),
    Setting(
        "ocsp_cache",
        "answers of authorities about certificates of clients: true, false or a block",
        read_ocsp_cache,
        reloadable=True,
        block=OCSP_CACHE,
    ),
    Setting(
        "mappings",
        "subject mappings of the global account",
        read_mappings,
        ("maps",),
        reloadable=True,
        block=TARGET,
    ),
    Setting(
        "resolver",
        'where account JWTs come from: MEMORY, URL("..."), or a block',
        read_resolver,
        ("account_resolver", "accounts_resolver"),
        store=store_resolver,
        reloadable=True,
        block=RESOLVER,
    ),
    Setting(
        "resolver_tls",
        "TLS towards the resolver",
        read_client_tls,
        reloadable=True,
        block=CLIENT_TLS,
    ),
    Setting(
        "resolver_preload",
        "account JWTs known from the start, by account",
        read_preload,
        field="resolver.preload",
        reloadable=True,
    ),
    Setting("default_js_domain", "JetStream domains of accounts", off=({},)),
    Setting(
        "feature_flags",
        "experimental features by name, true or false: js_ack_fc_v2 puts domain and account in the "
        "subjects of acknowledgements and flow control",
        v.feature_flags,
    ),
    Setting("cluster", "routes to servers of the same cluster", off=({},)),
    Setting("gateway", "gateways to other clusters", off=({},)),
    Setting("leafnodes", "leaf node connections", aliases=("leaf",), off=({},)),
    Setting("websocket", "WebSocket clients", aliases=("ws",), off=({},)),
    Setting("mqtt", "MQTT clients", off=({},)),
    Setting("prof_port", "profiling port", off=(0,)),
    Setting("prof_block_rate", "rate of the blocking profile", off=(0,)),
)
