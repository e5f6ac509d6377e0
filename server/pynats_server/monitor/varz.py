"""/varz: general information about the server. And /debug/vars."""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
from pynats_common.go.durations import SECOND_NS, span_text
from pynats_common.go.json import json_number
from pynats_common.go.times import format_time_s

from pynats_server.machine.cores import usable_cores
from pynats_server.monitor import jsz
from pynats_server.monitor.source import MonitorSource, system_account_name
from pynats_server.options import FEATURES, REPLICATION_FEATURES
from pynats_server.tls.options import DEFAULT_TIMEOUT_S
from pynats_server.version import PYNATS_VERSION, VERSION

CPU_WINDOW = 1.0  # seconds; the shortest time that CPU load is measured over


class Empty(msgspec.Struct):
    """A part of the server that is off."""


class ByKind(msgspec.Struct, kw_only=True):
    """A figure for each kind of connection."""

    clients: int = 0
    routes: int = 0
    gateways: int = 0
    leafs: int = 0


class DiskWaits(msgspec.Struct, kw_only=True):
    waiters: int = 0
    waits: int = 0
    wait_time: int = 0
    max_wait_time: int = 0


class General(msgspec.Struct, omit_defaults=True, kw_only=True):
    server_id: str
    server_name: str
    version: str
    proto: int
    go: str
    host: str
    port: int
    auth_required: bool = False
    tls_required: bool = False
    tls_verify: bool = False
    tls_ocsp_peer_verify: bool = False
    max_connections: int
    max_subscriptions: int = 0
    ping_interval: int
    ping_max: int
    http_host: str
    http_port: int
    http_base_path: str
    https_port: int
    auth_timeout: int | float
    max_control_line: int
    max_payload: int
    max_pending: int
    cluster: Empty
    gateway: Empty
    leaf: Empty
    mqtt: Empty
    websocket: Empty
    jetstream: jsz.Varz
    tls_timeout: int | float
    write_deadline: int
    write_timeout: str = ""
    start: str
    now: str
    uptime: str
    mem: int
    cores: int
    gomaxprocs: int
    cpu: int | float
    connections: int
    total_connections: int
    routes: int
    remotes: int
    leafnodes: int
    in_msgs: int
    in_bytes: int
    in_client_msgs: int
    in_client_bytes: int
    out_msgs: int
    out_bytes: int
    out_client_msgs: int
    out_client_bytes: int
    slow_consumers: int
    stale_connections: int
    stalled_clients: int
    subscriptions: int
    http_req_stats: dict[str, int]
    config_load_time: str
    config_digest: str
    tags: list[str] = msgspec.field(default_factory=list)
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    feature_flags: dict[str, bool] = msgspec.field(default_factory=dict)
    trusted_operators_jwt: list[str] = msgspec.field(default_factory=list)
    trusted_operators_claim: list[dict[str, Any]] = msgspec.field(default_factory=list)
    system_account: str = ""
    slow_consumer_stats: ByKind
    stale_connection_stats: ByKind
    disk_io_wait_stats: DiskWaits
    tls_cert_not_after: str = ""


class Usage:
    """CPU and memory use of the process."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._spent = time.process_time()
        self._percent = 0.0

    def cpu_percent(self) -> float:
        """Processor time since the last reading in percent of one core; readings closer together
        than CPU_WINDOW share one value."""
        now = time.monotonic()
        if now - self._since >= CPU_WINDOW:
            spent = time.process_time()
            self._percent = round(100 * (spent - self._spent) / (now - self._since), 1)
            self._since, self._spent = now, spent
        return self._percent

    @staticmethod
    def resident_bytes() -> int:
        """Resident memory; the peak if the system does not report the current value."""
        try:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
        except (OSError, ValueError, IndexError):
            import resource

            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return pages * os.sysconf("SC_PAGE_SIZE")


def subscription_total(source: MonitorSource) -> int:
    """Subscriptions in all accounts."""
    return sum(account.sublist.count for account in source.accounts.values())


def varz(source: MonitorSource, usage: Usage) -> General:
    """The body of /varz."""
    engine, now = source.engine, time.time()
    return General(
        server_id=source.id,
        server_name=source.name,
        version=VERSION,
        proto=1,
        go=f"pynats {PYNATS_VERSION}",
        start=format_time_s(source.start_time),
        now=format_time_s(now),
        uptime=span_text(int(now - source.start_time)),
        mem=usage.resident_bytes(),
        cores=os.cpu_count() or 1,
        gomaxprocs=usable_cores(),
        cpu=json_number(usage.cpu_percent()),
        http_req_stats=dict(sorted(source.http_requests.items())),
        config_load_time=format_time_s(source.config_load_time),
        **_operators(source),
        system_account=system_account_name(source),
        slow_consumer_stats=ByKind(clients=engine.slow_consumers),
        stale_connection_stats=ByKind(clients=engine.stale_connections),
        disk_io_wait_stats=DiskWaits(),
        **_settings(source),
        **_traffic(source),
    )


def _settings(source: MonitorSource) -> dict[str, Any]:
    options = source.options
    host, port = source.advertised()
    return {
        "host": host,
        "port": port,
        "auth_required": source.authenticated,
        "max_connections": options.max_connections,
        "max_subscriptions": options.max_subscriptions,
        "ping_interval": int(options.ping_interval * SECOND_NS),
        "ping_max": options.ping_max,
        "http_host": options.http_host or options.host,
        "http_port": source.http_port,
        "http_base_path": "" if options.http_base_path == "/" else options.http_base_path,
        "https_port": source.https_port,
        "auth_timeout": json_number(options.auth_timeout),
        "max_control_line": options.max_control_line,
        "max_payload": options.max_payload,
        "max_pending": options.max_pending,
        "cluster": Empty(),
        "gateway": Empty(),
        "leaf": Empty(),
        "mqtt": Empty(),
        "websocket": Empty(),
        "jetstream": jsz.varz_part(source),
        **_tls(source),
        "write_deadline": int(options.write_deadline * SECOND_NS),
        "write_timeout": "" if options.write_timeout == "default" else options.write_timeout,
        "config_digest": options.config_digest,
        "tags": list(options.server_tags),
        "metadata": dict(options.server_metadata),
        "feature_flags": {
            **{name: options.feature_flags.get(name, False) for name in FEATURES},
            **REPLICATION_FEATURES,
        },
    }


def _tls(source: MonitorSource) -> dict[str, Any]:
    """Of TLS of clients: all at once, as a reload leaves nothing of the old."""
    options, tls = source.options.tls, source.tls
    if options is None:
        return {"tls_timeout": json_number(DEFAULT_TIMEOUT_S)}
    expires = tls.plan.expires if tls is not None else 0.0
    return {
        "tls_required": not source.options.allow_non_tls,
        "tls_verify": options.requires_certificates,
        "tls_ocsp_peer_verify": options.checks_revocation,
        "tls_timeout": json_number(options.timeout),
        "tls_cert_not_after": format_time_s(expires) if expires else "",
    }


def _operators(source: MonitorSource) -> dict[str, Any]:
    if source.claimed is None:
        return {}
    trust = source.claimed.trust
    return {
        "trusted_operators_jwt": list(trust.tokens),
        "trusted_operators_claim": [each.to_json() for each in trust.operators],
    }


def _traffic(source: MonitorSource) -> dict[str, Any]:
    engine = source.engine
    return {
        "connections": len(engine.connections),
        "total_connections": engine.total_connections,
        "routes": 0,
        "remotes": 0,
        "leafnodes": 0,
        "in_msgs": engine.in_msgs,
        "in_bytes": engine.in_bytes,
        "in_client_msgs": engine.in_msgs,
        "in_client_bytes": engine.in_bytes,
        "out_msgs": engine.out_msgs,
        "out_bytes": engine.out_bytes,
        "out_client_msgs": engine.out_msgs,
        "out_client_bytes": engine.out_bytes,
        "slow_consumers": engine.slow_consumers,
        "stale_connections": engine.stale_connections,
        "stalled_clients": engine.stalls,
        "subscriptions": subscription_total(source),
    }


class Memory(msgspec.Struct, kw_only=True, rename="pascal"):
    """Bytes, and how often garbage was collected."""

    alloc: int
    sys: int
    num_gc: int = msgspec.field(name="NumGC")


class Variables(msgspec.Struct, kw_only=True):
    cmdline: list[str]
    memstats: Memory


def variables(resident_bytes: int) -> Variables:
    """The body of /debug/vars: what collectors for Go programs read, as far as this one has it. The
    command line is the program alone, because flags may be secrets."""
    collections = sum(generation["collections"] for generation in gc.get_stats())
    memory = Memory(alloc=resident_bytes, sys=resident_bytes, num_gc=collections)
    return Variables(cmdline=sys.argv[:1], memstats=memory)
