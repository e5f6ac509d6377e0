"""Checks of streams and consumers."""

from __future__ import annotations

from typing import Any

from pynats_common.go.times import parse_instant_ns

from pynats_cli.servers.audit.outcome import Finding, Outcome, Settings, skipped
from pynats_cli.servers.audit.snapshot import Replica, Snapshot
from pynats_cli.servers.checks import metadata
from pynats_cli.servers.checks.consumer import ConsumerThresholds, judge_consumer
from pynats_cli.servers.checks.result import Result
from pynats_cli.servers.checks.stream import StreamThresholds, judge_stream

NO_STREAMS = "the archive holds no streams"


def lagging(snapshot: Snapshot, settings: Settings) -> Finding:
    if snapshot.lacks_streams:
        return skipped(NO_STREAMS)
    found = Finding()
    for replicas in snapshot.by_stream():
        highest = max(replicas, key=_last_sequence)
        last = _last_sequence(highest)
        for replica in replicas:
            behind = last - _last_sequence(replica)
            if last and behind > last * settings["last_seq"] / 100:
                found.add(
                    f"{replica.account}/{replica.stream} server {replica.server} "
                    f"lastSequence: {_last_sequence(replica)} is behind highest "
                    f"lastSequence: {last} on server: {highest.server}",
                    Outcome.FAIL,
                )
    streams = sum(1 for _ in snapshot.by_stream())
    accounts = len({replica.account for replica in snapshot.streams})
    found.note(f"Inspected {streams} streams across {accounts} accounts")
    return found


def _last_sequence(replica: Replica) -> int:
    return int((replica.info.get("state") or {}).get("last_seq") or 0)


def cardinality(snapshot: Snapshot, settings: Settings) -> Finding:
    if snapshot.lacks_streams:
        return skipped(NO_STREAMS)
    found = Finding()
    for replicas in snapshot.by_stream():
        count = max(
            int((each.info.get("state") or {}).get("num_subjects") or 0) for each in replicas
        )
        if count > settings["subjects"]:
            first = replicas[0]
            found.add(f"{first.account}/{first.stream}: {count} subjects", Outcome.WARN)
    return found


def limits(snapshot: Snapshot, settings: Settings) -> Finding:
    if snapshot.lacks_streams:
        return skipped(NO_STREAMS)
    found = Finding()
    for replica in snapshot.streams:
        state, config = replica.info.get("state") or {}, replica.info.get("config") or {}
        for what, used, most in (
            ("messages", state.get("messages"), config.get("max_msgs")),
            ("bytes", state.get("bytes"), config.get("max_bytes")),
            ("consumers", state.get("consumer_count"), config.get("max_consumers")),
        ):
            used, most = int(used or 0), int(most or 0)
            if most > 0 and used > most * settings[what] / 100:
                found.add(
                    f"stream {replica.stream} (in {replica.account} on {replica.server}) using "
                    f"{100 * used / most:.1f}% of {what} limit ({used}/{most})",
                    Outcome.WARN,
                )
    return found


def stream_metadata(snapshot: Snapshot, _: Settings) -> Finding:
    if snapshot.lacks_streams:
        return skipped(NO_STREAMS)
    found = Finding()
    for replica in _leaders(snapshot):
        what = f"stream {replica.stream} in {replica.account}"
        try:
            wanted = metadata.enabled((replica.info.get("config") or {}).get("metadata"))
        except metadata.MetadataError as error:
            found.add(f"CRITICAL: {what}: {error}", Outcome.FAIL)
            continue
        if wanted:
            result = Result(suite="stream", name=replica.stream)
            judge_stream(replica.info, StreamThresholds(), result)
            _tell(result, what, found)
    return found


def consumer_metadata(snapshot: Snapshot, _: Settings) -> Finding:
    if snapshot.lacks_streams:
        return skipped(NO_STREAMS)
    found = Finding()
    for replicas in snapshot.by_stream():
        for name, replica, info in _consumers(replicas):
            what = f"consumer {name} in stream {replica.stream} in {replica.account}"
            try:
                wanted = metadata.enabled((info.get("config") or {}).get("metadata"))
            except metadata.MetadataError as error:
                found.add(f"CRITICAL: {what}: {error}", Outcome.FAIL)
                continue
            if wanted:
                result = Result(suite="consumer", name=name)
                then = parse_instant_ns(info["ts"]) if info.get("ts") else snapshot.captured_ns
                judge_consumer(info, ConsumerThresholds(), result, then or None)
                _tell(result, what, found)
    return found


def _leaders(snapshot: Snapshot) -> list[Replica]:
    """One replica of each stream: its leader, if that has answered."""
    return [
        next((each for each in replicas if each.is_leader), replicas[0])
        for replicas in snapshot.by_stream()
    ]


def _consumers(replicas: list[Replica]) -> list[tuple[str, Replica, dict[str, Any]]]:
    """The consumers of a stream, each as its own leader sees it if that has answered."""
    found: dict[str, tuple[Replica, dict[str, Any]]] = {}
    for replica in replicas:
        for info in replica.info.get("consumer_detail") or []:
            leader = (info.get("cluster") or {}).get("leader", "")
            if str(info["name"]) not in found or leader == replica.server:
                found[str(info["name"])] = (replica, info)
    return [(name, *each) for name, each in sorted(found.items())]


def _tell(result: Result, what: str, found: Finding) -> None:
    for message in result.criticals:
        found.add(f"CRITICAL: {what}: {message}", Outcome.FAIL)
    for message in result.warnings:
        found.add(f"WARNING: {what}: {message}", Outcome.WARN)
