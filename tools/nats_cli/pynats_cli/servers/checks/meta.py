"""The meta group of JetStream: how many peers it has, and whether they follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pynats_common.go.durations import format_duration_ns

from pynats_cli.servers.checks.result import Result


@dataclass(kw_only=True)
class MetaExpectation:
    """What is expected of the meta group; the time in nanoseconds."""

    expect: int
    lag_critical: int
    seen_critical: int


def judge_meta(jsz: dict[str, Any], expected: MetaExpectation, result: Result) -> None:
    """Judges the `meta_cluster` of the JSZ answer of its leader."""
    meta = jsz.get("meta_cluster")
    if not isinstance(meta, dict):
        result.critical("no cluster information")
        return
    leader = meta.get("leader") or ""
    peers = [*(meta.get("replicas") or [])]
    total = len(peers) + bool(leader)
    offline = sum(bool(peer.get("offline")) for peer in peers)
    stale = sum(not peer.get("current") for peer in peers)
    silent = sum(int(peer.get("active") or 0) > expected.seen_critical for peer in peers)
    late = sum(int(peer.get("lag") or 0) > expected.lag_critical for peer in peers)
    result.measured(
        "peers", total, "Configured RAFT peers",
        warning=expected.expect, critical=expected.expect,
    )  # fmt: skip
    result.measured("peer_offline", offline, "Offline RAFT peers")
    result.measured("peer_not_current", stale, "RAFT peers that are not current")
    result.measured("peer_inactive", silent, "Inactive RAFT peers")
    result.measured(
        "peer_lagged", late, "RAFT peers that are lagged more than configured threshold"
    )
    if not leader:
        result.critical("No leader")
    if total != expected.expect:
        result.critical(f"{total} peers of expected {expected.expect}")
    if stale:
        result.critical(f"{stale} not current")
    if silent:
        result.critical(f"{silent} inactive more than {format_duration_ns(expected.seen_critical)}")
    if offline:
        result.critical(f"{offline} offline")
    if late:
        result.critical(f"{late} lagged more than {expected.lag_critical} ops")
    if not result.criticals:
        result.ok(f"{total} peers led by {leader}")
