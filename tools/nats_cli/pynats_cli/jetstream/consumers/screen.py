"""Screens of one consumer: its configuration, and where it stands."""

from __future__ import annotations

import time
from typing import Any

from pynats_common.go.durations import SECOND_NS, format_duration_ns
from pynats_common.go.times import format_time_ns, parse_time_ns

from pynats_cli.jetstream.streams.screen import add_servers
from pynats_cli.screen.columns import Columns
from pynats_cli.screen.human import bytes_text, duration, local_time, since, thousands

_POLICIES = {
    "all": "All", "last": "Last", "new": "New", "last_per_subject": "Last Per Subject",
    "none": "None", "explicit": "Explicit", "flow_control": "Flow Control",
    "instant": "Instant", "original": "Original",
    "pinned_client": "Pinned Client", "overflow": "Overflow", "prioritized": "Prioritized",
}  # fmt: skip
_BACKOFF_SHOWN = 10
_BITS = 8


def info_screen(info: dict[str, Any]) -> Columns:
    """Everything about a consumer."""
    screen = Columns(f"Information for Consumer {_title(info)}")
    _add_configuration(screen, info)
    metadata = info["config"].get("metadata") or {}
    _add_origin(screen, "Mirror Target", metadata, "_nats.mirror")
    _add_origin(screen, "Source Target", metadata, "_nats.src")
    own = {key: value for key, value in metadata.items() if not key.startswith("_nats.")}
    if own:
        screen.section("Metadata")
        for key in sorted(own):
            screen.add(key, own[key])
    _add_cluster(screen, info)
    _add_state(screen, info)
    return screen


def state_screen(info: dict[str, Any]) -> Columns:
    """Where a consumer stands, without its configuration."""
    screen = Columns(f"State for Consumer {_title(info)}")
    _add_cluster(screen, info)
    _add_state(screen, info)
    return screen


def policy_text(policy: str) -> str:
    """A policy of the API as screens show it."""
    return _POLICIES.get(policy, policy.replace("_", " ").title())


def is_pull(config: dict[str, Any]) -> bool:
    """Whether clients ask a consumer for messages."""
    return not config.get("deliver_subject")


def needs_acks(config: dict[str, Any]) -> bool:
    """Whether messages have to be acknowledged."""
    return config.get("ack_policy", "none") not in ("none", "")


def _title(info: dict[str, Any]) -> str:
    created = local_time(info["created"])
    return f"{info['stream_name']} > {info['name']} created {created}"


def _add_configuration(screen: Columns, info: dict[str, Any]) -> None:
    config = info["config"]
    screen.section("Configuration")
    screen.add("Name", info["name"])
    durable = config.get("durable_name", "")
    screen.add_if("Durable Name", durable if durable != info["name"] else "")
    screen.add_if("Description", config.get("description", ""))
    if is_pull(config):
        screen.add("Pull Mode", "true")
    else:
        screen.add("Delivery Subject", config["deliver_subject"])
    screen.add_if("Filter Subject", config.get("filter_subject", ""))
    screen.add_if("Filter Subjects", ", ".join(config.get("filter_subjects") or []))
    screen.add("Deliver Policy", _deliver_text(config))
    screen.add_if("Deliver Queue Group", config.get("deliver_group", ""))
    screen.add("Ack Policy", policy_text(config.get("ack_policy", "none")))
    if needs_acks(config):
        screen.add("Ack Wait", duration(config.get("ack_wait", 0)))
    screen.add("Replay Policy", policy_text(config.get("replay_policy", "instant")))
    if config.get("max_deliver", -1) > 0:
        screen.add("Maximum Deliveries", thousands(config["max_deliver"]))
    screen.add_if("Sampling Rate", config.get("sample_freq", ""))
    if config.get("rate_limit_bps"):
        screen.add("Rate Limit", f"{bytes_text(config['rate_limit_bps'] // _BITS)} / second")
    _add_limits(screen, config)
    _add_storage(screen, info)


def _add_limits(screen: Columns, config: dict[str, Any]) -> None:
    if needs_acks(config):
        pending = config.get("max_ack_pending", 0)
        screen.add("Max Ack Pending", thousands(pending) if pending > 0 else "unlimited")
    if config.get("max_waiting"):
        screen.add("Max Waiting Pulls", thousands(config["max_waiting"]))
    if config.get("idle_heartbeat"):
        screen.add("Idle Heartbeat", duration(config["idle_heartbeat"]))
    if not is_pull(config):
        screen.add("Flow Control", _truth(config.get("flow_control", False)))
    if config.get("headers_only"):
        screen.add("Headers Only", "true")
    if config.get("inactive_threshold"):
        screen.add("Inactive Threshold", duration(config["inactive_threshold"]))
    if config.get("max_expires"):
        screen.add("Max Pull Expire", duration(config["max_expires"]))
    if config.get("max_batch"):
        screen.add("Max Pull Batch", thousands(config["max_batch"]))
    if config.get("max_bytes"):
        screen.add("Max Pull MaxBytes", thousands(config["max_bytes"]))
    screen.add_if("Backoff", _backoff_text(config.get("backoff") or []))


def _add_storage(screen: Columns, info: dict[str, Any]) -> None:
    config = info["config"]
    if config.get("num_replicas"):
        screen.add("Replicas", str(config["num_replicas"]))
    if config.get("mem_storage"):
        screen.add("Memory Storage", "true")
    screen.add_if("Paused Until Deadline", _deadline_text(info))
    policy = config.get("priority_policy", "none")
    if policy != "none":
        screen.add("Priority Policy", policy_text(policy))
        screen.add("Priority Groups", ", ".join(config.get("priority_groups") or []))
        if policy == "pinned_client":
            screen.add("Pinned TTL", duration(config.get("priority_timeout", 0)))


def _add_origin(screen: Columns, title: str, metadata: dict[str, str], prefix: str) -> None:
    """The stream for which the server keeps this consumer, of a mirror or a source."""
    if not metadata.get(f"{prefix}.stream"):
        return
    screen.section(title)
    screen.add("Stream", metadata[f"{prefix}.stream"])
    screen.add_if("Account", metadata.get(f"{prefix}.acc", ""))
    screen.add_if("Domain", metadata.get(f"{prefix}.domain", ""))


def _add_cluster(screen: Columns, info: dict[str, Any]) -> None:
    cluster = info.get("cluster")
    if not cluster:
        return
    screen.section("Cluster Information")
    screen.add("Name", cluster.get("name", ""))
    screen.add_if("Raft Group", cluster.get("raft_group", ""))
    add_servers(screen, cluster)


def _add_state(screen: Columns, info: dict[str, Any]) -> None:
    config = info["config"]
    metadata = config.get("metadata") or {}
    screen.section("State")
    screen.add_if("Host Version", metadata.get("_nats.ver", ""))
    if "_nats.level" in metadata:
        required = metadata.get("_nats.req.level", "0")
        screen.add("Required API Level", f"{required} hosted at level {metadata['_nats.level']}")
    now_ns = _now_ns(info)
    screen.add("Last Delivered Message", _sequences(info["delivered"], "Last delivery", now_ns))
    if needs_acks(config):
        screen.add("Acknowledgment Floor", _sequences(info["ack_floor"], "Last Ack", now_ns))
        limit = config.get("max_ack_pending", 0)
        outstanding = thousands(info.get("num_ack_pending", 0))
        if limit > 0:
            outstanding += f" out of maximum {thousands(limit)}"
        screen.add("Outstanding Acks", outstanding)
        screen.add("Redelivered Messages", thousands(info.get("num_redelivered", 0)))
    screen.add("Unprocessed Messages", thousands(info.get("num_pending", 0)))
    if is_pull(config):
        waiting = thousands(info.get("num_waiting", 0))
        screen.add(
            "Waiting Pulls", f"{waiting} of maximum {thousands(config.get('max_waiting', 0))}"
        )
    else:
        screen.add("Active Interest", _interest_text(info))
    if info.get("paused"):
        until = local_time(format_time_ns(now_ns + int(info.get("pause_remaining", 0))))
        screen.add("Paused Until", f"{until} ({_remaining_text(info)})")
    _add_groups(screen, info)


def _add_groups(screen: Columns, info: dict[str, Any]) -> None:
    if info["config"].get("priority_policy") != "pinned_client":
        return
    texts = []
    for group in info.get("priority_groups") or []:
        client = group.get("pinned_client_id", "")
        if client:
            since = local_time(group.get("pinned_ts"))
            texts.append(f"{group.get('group', '')}: pinned {client} at {since}")
        else:
            texts.append(f"{group.get('group', '')}: No client")
    screen.add_if("Priority Groups", ", ".join(texts))


def _interest_text(info: dict[str, Any]) -> str:
    if not info.get("push_bound"):
        return "No interest"
    group = info["config"].get("deliver_group", "")
    return f"Active using Queue Group {group}" if group else "Active"


def _now_ns(info: dict[str, Any]) -> int:
    """The server's time of the answer, with which its other times agree."""
    return parse_time_ns(info["ts"]) if info.get("ts") else time.time_ns()


def _sequences(position: dict[str, Any], label: str, now_ns: int) -> str:
    text = (
        f"Consumer sequence: {thousands(position.get('consumer_seq', 0))} "
        f"Stream sequence: {thousands(position.get('stream_seq', 0))}"
    )
    active = position.get("last_active")
    return f"{text} {label}: {since(active, now_ns)} ago" if active else text


def _deliver_text(config: dict[str, Any]) -> str:
    policy = config.get("deliver_policy", "all")
    if policy == "by_start_sequence":
        return f"From Sequence {thousands(config.get('opt_start_seq', 0))}"
    if policy == "by_start_time":
        return f"Since {local_time(config.get('opt_start_time'))}"
    return policy_text(policy)


def _deadline_text(info: dict[str, Any]) -> str:
    deadline = local_time(info["config"].get("pause_until"))
    if not deadline:
        return ""
    return f"{deadline} ({_remaining_text(info)})" if info.get("paused") else f"{deadline} (passed)"


def _remaining_text(info: dict[str, Any]) -> str:
    remaining_ns = int(info.get("pause_remaining", 0))
    whole_ns = (remaining_ns + SECOND_NS // 2) // SECOND_NS * SECOND_NS
    return f"{format_duration_ns(whole_ns)} remaining"


def _backoff_text(times: list[int]) -> str:
    texts = [format_duration_ns(time_ns) for time_ns in times]
    if len(texts) <= _BACKOFF_SHOWN:
        return ", ".join(texts)
    half = _BACKOFF_SHOWN // 2
    ends = [*texts[:half], "...", *texts[-half:]]
    return f"{', '.join(ends)} ({len(texts)} total)"


def _truth(value: bool) -> str:
    return "true" if value else "false"
