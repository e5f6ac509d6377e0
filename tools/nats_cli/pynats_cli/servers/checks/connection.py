"""A connection: how long it takes to make, and its round trips."""

from __future__ import annotations

from dataclasses import dataclass

from pynats_common.go.durations import format_duration_ns

from pynats_cli.servers.checks.result import Result, Status, seconds


@dataclass(kw_only=True)
class ConnectionThresholds:
    """Times in nanoseconds; zero or None = not checked."""

    connect_warn: int | None = 500_000_000
    connect_critical: int | None = 1_000_000_000
    rtt_warn: int | None = 500_000_000
    rtt_critical: int | None = 1_000_000_000
    req_warn: int | None = 500_000_000
    req_critical: int | None = 1_000_000_000


def judge_connect(took_ns: int, server: str, limits: ConnectionThresholds, result: Result) -> None:
    """The time until the server had accepted the connection."""
    status, limit = _judge(
        "connect_time", "Time taken to connect to NATS", took_ns,
        limits.connect_warn, limits.connect_critical, result,
    )  # fmt: skip
    if status is Status.OK:
        result.ok(f"connected to {server} in {format_duration_ns(took_ns)}")
    else:
        result.tell(status, f"connected to {server}, connect time exceeded {limit}")


def judge_rtt(took_ns: int, limits: ConnectionThresholds, result: Result) -> None:
    """The time of a PING and its PONG."""
    status, limit = _judge(
        "rtt", "The round-trip-time of the connection", took_ns,
        limits.rtt_warn, limits.rtt_critical, result,
    )  # fmt: skip
    fine = f"rtt time {format_duration_ns(took_ns)}"
    result.tell(status, fine if status is Status.OK else f"rtt time exceeded {limit}")


def judge_round_trip(took_ns: int, limits: ConnectionThresholds, result: Result) -> None:
    """The time a message took through the server and back."""
    status, _ = _judge(
        "request_time", "Time taken for a full Request-Reply operation", took_ns,
        limits.req_warn, limits.req_critical, result,
    )  # fmt: skip
    what = "round trip took" if status is Status.OK else "round trip request took"
    result.tell(status, f"{what} {took_ns / 1e9:f}s")


def _judge(
    name: str, help: str, took_ns: int, warning: int | None, critical: int | None, result: Result
) -> tuple[Status, str]:
    warning, critical = warning or None, critical or None
    result.measured(
        name, took_ns / 1e9, help,
        warning=seconds(warning), critical=seconds(critical), unit="s",
    )  # fmt: skip
    if critical is not None and took_ns >= critical:
        return Status.CRITICAL, format_duration_ns(critical)
    if warning is not None and took_ns >= warning:
        return Status.WARNING, format_duration_ns(warning)
    return Status.OK, ""
