"""Health of a stream: its replicas, its messages and subjects, its mirror and sources."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from pynats_common.go.durations import format_duration_ns

from pynats_cli.errors import CliError
from pynats_cli.servers.checks import metadata
from pynats_cli.servers.checks.result import Result, Status, seconds
from pynats_cli.servers.checks.sources import JetStream, stream_name
from pynats_cli.servers.checks.thresholds import Thresholds


@dataclass(kw_only=True)
class StreamThresholds:
    """What is expected of a stream; None and 0 = not checked, but 0 also keeps the stream's own
    threshold from being used. Durations in nanoseconds."""

    lag_critical: int | None = None
    seen_critical: int | None = None
    min_sources: int | None = None
    max_sources: int | None = None
    peer_expect: int | None = None
    peer_lag_critical: int | None = None
    peer_seen_critical: int | None = None
    msgs_warn: int | None = None
    msgs_critical: int | None = None
    subjects_warn: int | None = None
    subjects_critical: int | None = None


KEYS: tuple[metadata.Key, ...] = (
    ("lag_critical", "lag-critical", metadata.whole),
    ("seen_critical", "seen-critical", metadata.duration),
    ("min_sources", "min-sources", metadata.signed),
    ("max_sources", "max-sources", metadata.signed),
    ("peer_expect", "peer-expect", metadata.signed),
    ("peer_lag_critical", "peer-lag-critical", metadata.whole),
    ("peer_seen_critical", "peer-seen-critical", metadata.duration),
    ("msgs_warn", "msgs-warn", metadata.whole),
    ("msgs_critical", "msgs-critical", metadata.whole),
    ("subjects_warn", "subjects-warn", metadata.signed),
    ("subjects_critical", "subjects-critical", metadata.signed),
)


async def check_stream(
    js: JetStream, stream: str, limits: StreamThresholds, result: Result
) -> None:
    """Asks for the stream and judges it."""
    try:
        info = await js.request(f"STREAM.INFO.{stream_name(stream)}")
    except CliError as error:
        result.critical(f"could not load info: {error}")
        return
    judge_stream(info, limits, result)


def judge_stream(info: dict[str, Any], limits: StreamThresholds, result: Result) -> None:
    """Judges a stream's information; thresholds not given come from its metadata."""
    try:
        metadata.fill(limits, KEYS, info["config"].get("metadata"))
    except metadata.MetadataError as error:
        result.critical(f"could not configure based on metadata: {error}")
        return
    for item in fields(limits):
        if not getattr(limits, item.name):
            setattr(limits, item.name, None)
    _cluster(info.get("cluster") or {}, limits, result)
    state = info.get("state") or {}
    _messages(int(state.get("messages") or 0), limits, result)
    _subjects(int(state.get("num_subjects") or 0), limits, result)
    sources = [*(info.get("sources") or [])]
    _sources(sources, limits, result)
    _mirror(info.get("mirror"), bool(sources), limits, result)


def _cluster(cluster: dict[str, Any], limits: StreamThresholds, result: Result) -> None:
    replicas = [*(cluster.get("replicas") or [])]
    asked = (limits.peer_expect, limits.peer_lag_critical, limits.peer_seen_critical)
    clustered = bool(cluster.get("raft_group") or replicas)
    if not clustered:
        if limits.peer_expect:
            result.critical("Stream is not clustered")
        return
    if not cluster.get("leader"):
        result.critical("No leader")
        return
    if all(value is None for value in asked):
        return
    if limits.peer_expect is not None:
        peers = len(replicas) + 1
        if peers != limits.peer_expect:
            result.critical(f"Expected {limits.peer_expect} replicas got {peers}")
        else:
            result.ok(f"{peers} peers")
    offline = sum(bool(peer.get("offline")) for peer in replicas)
    if offline:
        result.critical(f"{offline} replicas offline")
    _replicas(replicas, "lag", limits.peer_lag_critical, ("lagged", "current"), result)
    _replicas(replicas, "active", limits.peer_seen_critical, ("inactive", "active"), result)


def _replicas(
    replicas: list[dict[str, Any]],
    field: str,
    most: int | None,
    words: tuple[str, str],
    result: Result,
) -> None:
    if most is None:
        return
    late = sum(int(peer.get(field) or 0) > most for peer in replicas)
    if late:
        result.critical(f"{late} replicas {words[0]}")
    else:
        result.ok(f"replicas are {words[1]}")


def _messages(messages: int, limits: StreamThresholds, result: Result) -> None:
    wanted = Thresholds(limits.msgs_warn, limits.msgs_critical)
    if not wanted.given:
        return
    result.measured(
        "messages", messages, "Messages stored in the stream",
        warning=wanted.warning, critical=wanted.critical,
    )  # fmt: skip
    result.tell(wanted.fewer(messages), f"{messages} messages")


def _subjects(subjects: int, limits: StreamThresholds, result: Result) -> None:
    wanted = Thresholds(limits.subjects_warn, limits.subjects_critical)
    if not wanted.given:
        return
    result.measured(
        "subjects", subjects, "Number of subjects stored in the stream",
        warning=wanted.warning, critical=wanted.critical,
    )  # fmt: skip
    result.tell(wanted.either_way(subjects), f"{subjects} subjects")


def _sources(sources: list[dict[str, Any]], limits: StreamThresholds, result: Result) -> None:
    count = len(sources)
    least, most = limits.min_sources, limits.max_sources
    result.measured(
        "sources", count, "Number of sources being consumed by this stream",
        warning=least, critical=most,
    )  # fmt: skip
    wrong = (least is not None and count < least) or (most is not None and count > most)
    result.tell(Status.CRITICAL if wrong else Status.OK, f"{count} sources")
    if limits.lag_critical is None and limits.seen_critical is None:
        return
    late = _count_late(sources, "lag", limits.lag_critical)
    silent = _count_late(sources, "active", limits.seen_critical)
    result.measured(
        "sources_lagged", late,
        "Number of sources that are behind more than the configured threshold",
    )  # fmt: skip
    result.measured("sources_inactive", silent, "Number of sources that are inactive")
    if late:
        result.critical(f"{late} sources are lagged")
    else:
        result.ok(f"{count} sources current")
    if silent:
        result.critical(f"{silent} sources are inactive")
    else:
        result.ok(f"{count} sources active")


def _count_late(sources: list[dict[str, Any]], field: str, most: int | None) -> int:
    if most is None:
        return 0
    return sum(_late(int(source.get(field) or 0), most) for source in sources)


def _late(value: int, most: int) -> bool:
    # A source that was never heard of is told as -1.
    return value < 0 or value >= most


def _mirror(
    mirror: dict[str, Any] | None, sourced: bool, limits: StreamThresholds, result: Result
) -> None:
    if limits.lag_critical is None and limits.seen_critical is None:
        return
    if mirror is None:
        if not sourced:
            result.critical("not mirrored")
        return
    lag, active = int(mirror.get("lag") or 0), int(mirror.get("active") or 0)
    result.measured(
        "lag", lag, "Number of operations this peer is behind its origin",
        critical=limits.lag_critical,
    )  # fmt: skip
    result.measured(
        "active", active / 1e9, "Indicates if this peer is active and catching up if lagged",
        critical=seconds(limits.seen_critical), unit="s",
    )  # fmt: skip
    behind = limits.lag_critical is not None and lag >= limits.lag_critical
    silent = limits.seen_critical is not None and _late(active, limits.seen_critical)
    if behind:
        result.critical(f"Mirror Lag {lag}")
    if silent:
        result.critical(f"Mirror Seen {format_duration_ns(active) if active >= 0 else 'never'}")
    if not behind and not silent:
        result.ok(f"Mirror {mirror.get('name', '')}")
