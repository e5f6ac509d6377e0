"""A server: processor, memory, connections, subscriptions, uptime, and what it must require."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pynats_common.go.durations import SECOND_NS, human_duration_ns
from pynats_common.go.times import parse_instant_ns

from pynats_cli.servers.checks.result import Result, Status, seconds
from pynats_cli.servers.checks.thresholds import InvalidThresholds, Thresholds


@dataclass(kw_only=True)
class ServerThresholds:
    """What is expected of a server; None = not checked. Durations in nanoseconds."""

    cpu_warn: int | None = None
    cpu_critical: int | None = None
    mem_warn: int | None = None
    mem_critical: int | None = None
    conn_warn: int | None = None
    conn_critical: int | None = None
    subs_warn: int | None = None
    subs_critical: int | None = None
    uptime_warn: int | None = None
    uptime_critical: int | None = None
    auth_required: bool = False
    tls_required: bool = False
    js_required: bool = False
    tls_cert_warn: int | None = None
    tls_cert_crit: int | None = None


def judge_server(varz: dict[str, Any], limits: ServerThresholds, result: Result) -> None:
    """Judges the VARZ answer of a server."""
    now_ns = parse_instant_ns(varz["now"])
    up_ns = now_ns - parse_instant_ns(varz["start"])
    _requirements(varz, limits, result)
    _certificates(varz, now_ns, limits, result)
    _uptime(up_ns, limits, result)
    for label, name, help, unit, wanted, value, turns in (
        ("CPU", "cpu", "NATS Server CPU usage in percentage", "%",
         Thresholds(limits.cpu_warn, limits.cpu_critical), float(varz.get("cpu") or 0), False),
        ("Memory", "mem", "NATS Server memory usage in bytes", "",
         Thresholds(limits.mem_warn, limits.mem_critical), int(varz.get("mem") or 0), False),
        ("Connections", "connections", "Active connections", "",
         Thresholds(limits.conn_warn, limits.conn_critical),
         int(varz.get("connections") or 0), True),
        ("Subscriptions", "subscriptions", "Active subscriptions", "",
         Thresholds(limits.subs_warn, limits.subs_critical),
         int(varz.get("subscriptions") or 0), True),
    ):  # fmt: skip
        result.measured(
            name, value, help, warning=wanted.warning, critical=wanted.critical, unit=unit
        )
        if not wanted.given:
            continue
        try:
            status = wanted.either_way(value) if turns else wanted.too_many(value)
        except InvalidThresholds as error:
            result.critical(f"{label} {error}")
        else:
            result.tell(status, f"{label} {value:.2f}")


def _requirements(varz: dict[str, Any], limits: ServerThresholds, result: Result) -> None:
    if limits.js_required:
        enabled = bool((varz.get("jetstream") or {}).get("config"))
        result.tell(
            Status.OK if enabled else Status.CRITICAL,
            "JetStream enabled" if enabled else "JetStream not enabled",
        )
    for asked, field, what in (
        (limits.auth_required, "auth_required", "Authentication"),
        (limits.tls_required, "tls_required", "TLS"),
    ):
        if asked:
            required = bool(varz.get(field))
            result.tell(
                Status.OK if required else Status.CRITICAL,
                f"{what} required" if required else f"{what} not required",
            )


def certificates(varz: dict[str, Any]) -> list[tuple[str, str]]:
    """What each listener is called, and when its certificate ends (RFC 3339)."""
    found = []
    for name, part in (
        ("Client", varz), ("Cluster", varz.get("cluster")), ("Gateway", varz.get("gateway")),
        ("Leafnode", varz.get("leaf")), ("MQTT", varz.get("mqtt")),
        ("WebSocket", varz.get("websocket")),
    ):  # fmt: skip
        until = (part or {}).get("tls_cert_not_after")
        if until and not until.startswith("0001-"):
            found.append((name, until))
    return found


def _certificates(
    varz: dict[str, Any], now_ns: int, limits: ServerThresholds, result: Result
) -> None:
    if limits.tls_cert_warn is None and limits.tls_cert_crit is None:
        return
    found = certificates(varz)
    if not found:
        result.critical(
            "TLS certificate expiry thresholds configured but no TLS certificates found"
        )
    for name, until in found:
        left = parse_instant_ns(until) - now_ns
        if left <= 0:
            result.critical(f"{name} TLS certificate expired (expired_at={until})")
            continue
        status = Thresholds(limits.tls_cert_warn, limits.tls_cert_crit).fewer(left)
        text = human_duration_ns(left // SECOND_NS * SECOND_NS)
        result.tell(status, f"{name} TLS certificate expires in {text} (expires_at={until})")


def _uptime(up_ns: int, limits: ServerThresholds, result: Result) -> None:
    wanted = Thresholds(limits.uptime_warn, limits.uptime_critical)
    result.measured(
        "uptime", up_ns / SECOND_NS, "NATS Server uptime in seconds",
        warning=seconds(limits.uptime_warn), critical=seconds(limits.uptime_critical), unit="s",
    )  # fmt: skip
    if not wanted.given:
        return
    try:
        status = wanted.too_few(up_ns)
    except InvalidThresholds as error:
        result.critical(f"Up {error}")
    else:
        result.tell(status, f"Up {human_duration_ns(up_ns // SECOND_NS * SECOND_NS)}")
