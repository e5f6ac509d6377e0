"""The screens of one stream: its configuration, its state, where it is."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from pynats_common.go.times import parse_instant_ns

from pynats_cli.jetstream.streams.fields import own_metadata
from pynats_cli.jetstream.streams.migration import add_migration
from pynats_cli.screen import human
from pynats_cli.screen.columns import Columns

_POLICIES = {"limits": "Limits", "interest": "Interest", "workqueue": "WorkQueue", "file": "File",
             "memory": "Memory", "old": "Old", "new": "New"}  # fmt: skip
Info = dict[str, Any]


def info_screen(info: Info, state_only: bool = False) -> Columns:
    """Everything about a stream, or its state and where that comes from."""
    config = info["config"]
    what = "State" if state_only else "Information"
    screen = Columns(
        f"{what} for Stream {config['name']} created {human.local_time(info.get('created'))}"
    )
    if not state_only:
        _identity(screen, config)
        _options(screen, config)
        _limits(screen, config)
        _metadata(screen, config)
        _replication(screen, config)
    _cluster(screen, info.get("cluster") or {})
    if not state_only:
        add_migration(screen, info)
    _origins(screen, info)
    _state(screen, info)
    return screen


def _word(value: str) -> str:
    return _POLICIES.get(value, value)


def _yes(value: object) -> str:
    return "true" if value else "false"


def _span(ns: int) -> str:
    return human.duration(ns)


def _identity(screen: Columns, config: dict[str, Any]) -> None:
    placement = config.get("placement") or {}
    screen.add_if("Description", config.get("description", ""))
    screen.add_if("Subjects", ", ".join(config.get("subjects") or []))
    screen.add("Replicas", str(config.get("num_replicas", 1)))
    if config.get("sealed"):
        screen.add("Sealed", "true")
    screen.add("Storage", _word(config.get("storage", "file")))
    if config.get("compression", "none") != "none":
        screen.add("Compression", f"{config['compression'].upper()} Compression")
    if config.get("persist_mode", "default") not in ("", "default"):
        screen.add("Persistence Mode", config["persist_mode"].capitalize())
    if config.get("first_seq", 0) > 1:
        screen.add("First Sequence", human.thousands(config["first_seq"]))
    screen.add_if("Placement Cluster", placement.get("cluster", ""))
    screen.add_if("Placement Tags", ", ".join(placement.get("tags") or []))
    screen.add_if("Placement Preferred", placement.get("preferred", ""))


def _options(screen: Columns, config: dict[str, Any]) -> None:
    screen.section("Options")
    transform = config.get("subject_transform")
    if transform:
        screen.add("Subject Transform", transform_text(transform))
    republish = config.get("republish")
    if republish:
        label = "Republishing Headers" if republish.get("headers_only") else "Republishing"
        screen.add(label, transform_text(republish))
    screen.add("Retention", _word(config.get("retention", "limits")))
    screen.add("Acknowledgments", _yes(not config.get("no_ack")))
    discard = _word(config.get("discard", "old"))
    per_subject = " Per Subject" if config.get("discard_new_per_subject") else ""
    screen.add("Discard Policy", discard + per_subject)
    screen.add("Duplicate Window", _span(config.get("duplicate_window", 0)))
    for label, name in (("Direct Get", "allow_direct"), ("Mirror Direct Get", "mirror_direct")):
        if config.get(name):
            screen.add(label, "true")
    screen.add("Allows Atomic Batch Publish", _yes(config.get("allow_atomic")))
    screen.add("Allows Fast Batch Publish", _yes(config.get("allow_batched")))
    screen.add("Allows Counters", _yes(config.get("allow_msg_counter")))
    screen.add("Allows Msg Delete", _yes(not config.get("deny_delete")))
    screen.add("Allows Per-Message TTL", _yes(config.get("allow_msg_ttl")))
    screen.add("Allows Purge", _yes(not config.get("deny_purge")))
    screen.add("Allows Schedules", _yes(config.get("allow_msg_schedules")))
    if config.get("subject_delete_marker_ttl"):
        screen.add("Subject Delete Markers TTL", _span(config["subject_delete_marker_ttl"]))
    screen.add("Allows Rollups", _yes(config.get("allow_rollup_hdrs")))


def _limits(screen: Columns, config: dict[str, Any]) -> None:
    screen.section("Limits")
    for label, name in (("Maximum Messages", "max_msgs"),
                        ("Maximum Per Subject", "max_msgs_per_subject")):  # fmt: skip
        screen.add(label, _limit(config.get(name, -1)))
    size = config.get("max_bytes", -1)
    screen.add("Maximum Bytes", _limit(size, human.bytes_text(max(size, 0))))
    age = config.get("max_age", 0)
    screen.add("Maximum Age", _span(age) if age > 0 else "unlimited")
    size = config.get("max_msg_size", -1)
    screen.add("Maximum Message Size", _limit(size, human.bytes_text(max(size, 0))))
    screen.add("Maximum Consumers", _limit(config.get("max_consumers", -1)))
    limits = config.get("consumer_limits") or {}
    if limits.get("inactive_threshold"):
        screen.add("Consumer Inactive Threshold", _span(limits["inactive_threshold"]))
    if limits.get("max_ack_pending"):
        screen.add("Consumer Max Ack Pending", human.thousands(limits["max_ack_pending"]))


def _limit(value: int, shown: str | None = None) -> str:
    return human.unlimited(-1 if value <= 0 else value, shown)


def _metadata(screen: Columns, config: dict[str, Any]) -> None:
    metadata = own_metadata(config)
    if metadata:
        screen.section("Metadata")
        for name in sorted(metadata):
            screen.add(name, metadata[name])


def _replication(screen: Columns, config: dict[str, Any]) -> None:
    mirror, sources = config.get("mirror"), config.get("sources") or []
    if not mirror and not sources:
        return
    screen.section("Replication")
    if mirror:
        screen.add("Mirror", origin_text(mirror))
    if sources:
        screen.add("Sources", "\n".join(sorted(origin_text(source) for source in sources)))


def origin_text(origin: dict[str, Any]) -> str:
    """An origin of messages in one line."""
    parts = [str(origin.get("name", ""))]
    external, consumer = origin.get("external") or {}, origin.get("consumer") or {}
    if origin.get("opt_start_seq"):
        parts.append(f"Start Seq: {human.thousands(origin['opt_start_seq'])}")
    if origin.get("opt_start_time"):
        parts.append(f"Start Time: {human.local_time(origin['opt_start_time'])}")
    if external.get("api"):
        parts.append(f"API Prefix: {external['api']}")
    if external.get("deliver"):
        parts.append(f"Delivery Prefix: {external['deliver']}")
    if consumer.get("name"):
        delivered = f" ({consumer['deliver_subject']})" if consumer.get("deliver_subject") else ""
        parts.append(f"Consumer Name: {consumer['name']}{delivered}")
    return ", ".join(parts)


def transform_text(transform: dict[str, Any]) -> str:
    """`src to dest`."""
    source = transform.get("src") or ">"
    return (
        f"{source} to {transform['dest']}" if transform.get("dest") else f"{source} untransformed"
    )


def filter_texts(origin: dict[str, Any]) -> list[str]:
    """What an origin gives and where it goes."""
    found = [transform_text(each) for each in origin.get("subject_transforms") or []]
    if origin.get("filter_subject"):
        found.insert(0, transform_text({"src": origin["filter_subject"]}))
    return found


def _cluster(screen: Columns, cluster: dict[str, Any]) -> None:
    if not cluster.get("name"):
        return
    screen.section("Cluster Information")
    screen.add("Name", cluster["name"])
    if cluster.get("raft_group"):
        traffic = cluster.get("traffic_account") or ""
        if cluster.get("system_account"):
            traffic = "System Account"
        screen.add_if("Cluster Traffic Account", traffic)
        screen.add("Cluster Group", cluster["raft_group"])
    add_servers(screen, cluster)


def add_servers(screen: Columns, cluster: dict[str, Any]) -> None:
    """The leader and the replicas of a group."""
    leader = cluster.get("leader") or "no leader"
    since = cluster.get("leader_since")
    screen.add("Leader", f"{leader} ({human.since(since, time.time_ns())})" if since else leader)
    for replica in cluster.get("replicas") or []:
        screen.add("Replica", _replica_text(replica))


def _replica_text(replica: dict[str, Any]) -> str:
    parts = [str(replica["name"]), "current" if replica.get("current") else "outdated"]
    if replica.get("offline"):
        parts.append("OFFLINE")
    active = int(replica.get("active") or 0)
    parts.append(f"seen {human.duration(active)} ago" if active > 0 else "not seen")
    lag = int(replica.get("lag") or 0)
    if lag:
        parts.append(f"{human.thousands(lag)} operation{'s' if lag > 1 else ''} behind")
    if replica.get("pending"):
        parts.append("(pending)")
    return ", ".join(parts)


def _origins(screen: Columns, info: Info) -> None:
    config = info["config"]
    if info.get("mirror"):
        screen.section("Mirror Information")
        _origin(screen, info["mirror"], config.get("mirror") or {})
    for index, source in enumerate(info.get("sources") or []):
        if index == 0:
            screen.section("Source Information")
        else:
            screen.space()
        _origin(screen, source, {})


def _origin(screen: Columns, origin: dict[str, Any], config: dict[str, Any]) -> None:
    screen.add("Stream Name", origin["name"])
    screen.add_if("Subject Filter", origin.get("filter_subject", ""))
    transforms = [transform_text(each) for each in origin.get("subject_transforms") or []]
    label = "Subject Filter and Transform" if len(transforms) == 1 else (
        "Subject Filters and Transforms"
    )  # fmt: skip
    screen.add_if(label, "\n".join(transforms))
    screen.add("Lag", human.thousands(int(origin.get("lag") or 0)))
    screen.add("Last Seen", active_text(origin))
    external = origin.get("external") or config.get("external") or {}
    screen.add_if("Ext. API Prefix", external.get("api", ""))
    screen.add_if("Ext. Delivery Prefix", external.get("deliver", ""))
    error = origin.get("error")
    if error:
        screen.add("Error", f"{error.get('description')} ({error.get('err_code')})")


def active_text(origin: dict[str, Any]) -> str:
    """How long ago an origin was heard of."""
    active = int(origin.get("active") or 0)
    return human.duration(active) if active >= 0 else "never"


def _state(screen: Columns, info: Info) -> None:
    state, metadata = info.get("state") or {}, info["config"].get("metadata") or {}
    screen.section("State")
    screen.add_if("Host Version", metadata.get("_nats.ver", ""))
    if "_nats.level" in metadata:
        required = metadata.get("_nats.req.level", "0")
        screen.add("Required API Level", f"{required} hosted at level {metadata['_nats.level']}")
    screen.add("Messages", human.thousands(state.get("messages", 0)))
    screen.add("Bytes", human.bytes_text(state.get("bytes", 0)))
    lost = state.get("lost") or {}
    if lost.get("msgs"):
        size = human.bytes_text(lost.get("bytes") or 0)
        screen.add("Lost Messages", f"{human.thousands(len(lost['msgs']))} ({size})")
    screen.add("First Sequence", _place(state, "first"))
    screen.add("Last Sequence", _place(state, "last"))
    if state.get("num_deleted"):
        screen.add("Deleted Messages", human.thousands(state["num_deleted"]))
    screen.add("Active Consumers", human.thousands(state.get("consumer_count", 0)))
    if state.get("num_subjects"):
        screen.add("Number of Subjects", human.thousands(state["num_subjects"]))
    screen.add_if("Alternates", "\n".join(_alternates(info.get("alternates") or [])))


def _place(state: dict[str, Any], end: str) -> str:
    when = human.local_time(state.get(f"{end}_ts"))
    number = human.thousands(state.get(f"{end}_seq", 0))
    return f"{number} @ {when}" if when else number


def _alternates(alternates: Iterable[dict[str, Any]]) -> list[str]:
    return [
        f"{each['name']}: Cluster: {each.get('cluster', '')}"
        + (f" Domain: {each['domain']}" if each.get("domain") else "")
        for each in alternates
    ]


def idle_ns(state: dict[str, Any], now_ns: int) -> int:
    """Nanoseconds since the last message; since ever without one."""
    last = state.get("last_ts")
    return now_ns - (0 if human.is_zero_time(last) or last is None else parse_instant_ns(last))
