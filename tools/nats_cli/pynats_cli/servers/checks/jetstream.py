"""JetStream in an account: use of its limits, and the replicas of its streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pynats_common.go.durations import human_duration_ns

from pynats_cli.servers.checks.result import Result, Status, seconds
from pynats_cli.servers.checks.thresholds import Thresholds


@dataclass(kw_only=True)
class JetStreamThresholds:
    """Percentages of the account's limits; None = not checked. The time in nanoseconds."""

    mem_warn: int | None = 75
    mem_critical: int | None = 90
    store_warn: int | None = 75
    store_critical: int | None = 90
    streams_warn: int | None = None
    streams_critical: int | None = None
    consumers_warn: int | None = None
    consumers_critical: int | None = None
    replicas: bool = True
    replica_seen_critical: int = 5_000_000_000
    replica_lag_critical: int = 200


def judge_account(info: dict[str, Any], limits: JetStreamThresholds, result: Result) -> None:
    """Judges the use of the limits in an answer of `$JS.API.INFO`."""
    limit, used = _totals(info)
    for kind, have, most, unit, wanted in (
        ("memory", used["memory"], limit["max_memory"], "B",
         Thresholds(limits.mem_warn, limits.mem_critical)),
        ("storage", used["storage"], limit["max_storage"], "B",
         Thresholds(limits.store_warn, limits.store_critical)),
        ("streams", used["streams"], limit["max_streams"], "",
         Thresholds(limits.streams_warn, limits.streams_critical)),
        ("consumers", used["consumers"], limit["max_consumers"], "",
         Thresholds(limits.consumers_warn, limits.consumers_critical)),
    ):  # fmt: skip
        _resource(kind, have, most, unit, wanted, result)


def _totals(info: dict[str, Any]) -> tuple[dict[str, int], dict[str, int]]:
    """Limits and use of the account, or of all its tiers together. A limit of -1 is none."""
    tiers = [*(info.get("tiers") or {}).values()] or [info]
    limit: dict[str, int] = {}
    for name in ("max_memory", "max_storage", "max_streams", "max_consumers"):
        values = [int((tier.get("limits") or {}).get(name, -1)) for tier in tiers]
        limit[name] = -1 if any(value < 0 for value in values) else sum(values)
    used = {
        name: sum(int(tier.get(name) or 0) for tier in tiers)
        for name in ("memory", "storage", "streams", "consumers")
    }
    return limit, used


def _resource(
    kind: str, have: int, most: int, unit: str, wanted: Thresholds, result: Result
) -> None:
    percent = 100 * have // most if most > 0 else 0
    result.measured(kind, have, f"JetStream {kind} resource usage", unit=unit)
    result.measured(
        f"{kind}_pct", percent, f"JetStream {kind} resource usage in percent",
        warning=wanted.warning, critical=wanted.critical, unit="%",
    )  # fmt: skip
    warning, critical = wanted.warning, wanted.critical
    if warning is not None and critical is not None and warning >= critical:
        result.critical(f"{kind}: invalid thresholds")
        return
    if most <= 0:
        return
    if critical is not None and percent > critical:
        result.critical(f"{percent}% {kind}")
    elif warning is not None and percent > warning:
        result.warn(f"{percent}% {kind}")


@dataclass(slots=True)
class _Replicas:
    ok: int = 0
    no_leader: int = 0
    missing: int = 0
    lagged: int = 0
    not_seen: int = 0
    failed: int = 0


def judge_replicas(
    streams: list[dict[str, Any]], limits: JetStreamThresholds, result: Result
) -> None:
    """Judges the replicas of the streams (answers of STREAM.LIST). A stream counts once."""
    found = _Replicas()
    for stream in streams:
        _judge_stream(stream, limits, found)
    lag, seen = limits.replica_lag_critical, limits.replica_seen_critical
    result.measured("replicas_ok", found.ok, "Streams with healthy cluster state")
    result.measured("replicas_no_leader", found.no_leader, "Streams with no leader elected")
    result.measured(
        "replicas_missing_replicas", found.missing,
        "Streams where there are fewer known replicas than configured",
    )  # fmt: skip
    result.measured(
        "replicas_lagged", found.lagged, f"Streams with > {lag} lagged replicas", critical=lag
    )
    result.measured(
        "replicas_not_seen", found.not_seen,
        f"Streams with replicas seen > {human_duration_ns(seen)} ago",
        critical=seconds(seen),
    )  # fmt: skip
    result.measured("replicas_fail", found.failed, "Streams unhealthy cluster state")
    if found.failed:
        result.tell(Status.CRITICAL, f"{found.failed} unhealthy streams")


def _judge_stream(stream: dict[str, Any], limits: JetStreamThresholds, found: _Replicas) -> None:
    cluster = stream.get("cluster") or {}
    wanted = int((stream.get("config") or {}).get("num_replicas") or 1)
    if not cluster or wanted <= 1:
        found.ok += 1
        return
    replicas = [*(cluster.get("replicas") or [])]
    leaderless = not cluster.get("leader")
    missing = len(replicas) + 1 < wanted
    lagged = any(int(peer.get("lag") or 0) > limits.replica_lag_critical for peer in replicas)
    unseen = any(
        peer.get("offline") or int(peer.get("active") or 0) > limits.replica_seen_critical
        for peer in replicas
    )
    found.no_leader += leaderless
    found.missing += missing
    found.lagged += lagged
    found.not_seen += unseen
    bad = leaderless or missing or lagged or unseen
    found.failed += bad
    found.ok += not bad
