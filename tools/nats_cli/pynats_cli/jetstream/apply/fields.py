"""The fields that a file may declare: those of the JetStream API, with readable durations and
sizes, and those of buckets, which are streams of a certain make."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pynats_common.go.durations import format_duration_ns, parse_long_duration_ns
from pynats_common.sizes import parse_size

from pynats_cli.errors import CliError

# What a value is: the kinds below, or the fields of a block; a list holds that of its items.
TEXT, NUMBER, SIZE, DURATION, SWITCH, TEXTS, MAP, ANY, DURATIONS = (
    "text", "number", "size", "duration", "switch", "texts", "map", "any", "durations",
)  # fmt: skip
Shape = Mapping[str, Any]

_EXTERNAL: Shape = {"api": TEXT, "deliver": TEXT}
_TRANSFORM: Shape = {"src": TEXT, "dest": TEXT}
_ORIGIN: Shape = {
    "name": TEXT, "opt_start_seq": NUMBER, "opt_start_time": TEXT, "filter_subject": TEXT,
    "subject_transforms": [_TRANSFORM], "external": _EXTERNAL,
    "consumer": {"name": TEXT, "deliver_subject": TEXT},
}  # fmt: skip
_PLACEMENT: Shape = {"cluster": TEXT, "tags": TEXTS}
_REPUBLISH: Shape = {"src": TEXT, "dest": TEXT, "headers_only": SWITCH}

STREAM: Shape = {
    "name": TEXT, "description": TEXT, "subjects": TEXTS,
    "retention": ("limits", "interest", "workqueue"),
    "max_consumers": NUMBER, "max_msgs": NUMBER, "max_bytes": SIZE, "max_age": DURATION,
    "max_msgs_per_subject": NUMBER, "max_msg_size": SIZE, "discard": ("old", "new"),
    "storage": ("file", "memory"), "num_replicas": NUMBER, "no_ack": SWITCH,
    "duplicate_window": DURATION, "placement": _PLACEMENT, "mirror": _ORIGIN, "sources": [_ORIGIN],
    "compression": ("none", "s2"), "first_seq": NUMBER, "subject_transform": _TRANSFORM,
    "republish": _REPUBLISH, "allow_direct": SWITCH, "mirror_direct": SWITCH,
    "discard_new_per_subject": SWITCH, "sealed": SWITCH, "deny_delete": SWITCH,
    "deny_purge": SWITCH, "allow_rollup_hdrs": SWITCH,
    "consumer_limits": {"inactive_threshold": DURATION, "max_ack_pending": NUMBER},
    "allow_msg_ttl": SWITCH, "subject_delete_marker_ttl": DURATION, "allow_msg_counter": SWITCH,
    "allow_atomic": SWITCH, "allow_msg_schedules": SWITCH, "allow_batched": SWITCH,
    "persist_mode": ("default", "async"), "metadata": MAP,
}  # fmt: skip
CONSUMER: Shape = {
    "name": TEXT, "description": TEXT,
    "deliver_policy": (
        "all", "last", "new", "by_start_sequence", "by_start_time", "last_per_subject",
    ),
    "opt_start_seq": NUMBER, "opt_start_time": TEXT,
    "ack_policy": ("none", "all", "explicit", "flow_control"), "ack_wait": DURATION,
    "max_deliver": NUMBER, "backoff": DURATIONS, "filter_subject": TEXT, "filter_subjects": TEXTS,
    "replay_policy": ("instant", "original"), "rate_limit_bps": NUMBER, "sample_freq": TEXT,
    "max_waiting": NUMBER, "max_ack_pending": NUMBER, "flow_control": SWITCH,
    "headers_only": SWITCH, "max_batch": NUMBER, "max_expires": DURATION, "max_bytes": SIZE,
    "deliver_subject": TEXT, "deliver_group": TEXT, "idle_heartbeat": DURATION,
    "inactive_threshold": DURATION, "num_replicas": NUMBER, "mem_storage": SWITCH,
    "priority_groups": TEXTS,
    "priority_policy": ("none", "overflow", "pinned_client", "prioritized"),
    "priority_timeout": DURATION, "metadata": MAP,
}  # fmt: skip
_BUCKET: Shape = {
    "bucket": TEXT, "description": TEXT, "ttl": DURATION, "max_bytes": SIZE,
    "storage": ("file", "memory"), "replicas": NUMBER, "compression": SWITCH,
    "placement": _PLACEMENT, "metadata": MAP,
}  # fmt: skip
KV: Shape = {
    **_BUCKET, "history": NUMBER, "max_value_size": SIZE, "republish": _REPUBLISH,
    "limit_marker_ttl": DURATION,
}  # fmt: skip
OBJECT: Shape = _BUCKET

# Other names that people write.
ALIASES = {"replicas": "num_replicas", "max_msgs_per": "max_msgs_per_subject"}
# What an update cannot change; the server says so, too.
FIXED_OF_STREAM = frozenset({"storage", "first_seq", "persist_mode", "allow_msg_counter"})
FIXED_OF_CONSUMER = frozenset({
    "deliver_policy", "opt_start_seq", "opt_start_time", "ack_policy", "replay_policy",
    "flow_control", "idle_heartbeat", "max_waiting", "mem_storage",
})  # fmt: skip

_DAY_NS = 86_400_000_000_000
_TWO_MINUTES_NS = 120_000_000_000
HISTORY_MAX = 64


def kv_stream(bucket: Mapping[str, Any]) -> dict[str, Any]:
    """The stream of a key-value bucket."""
    name, history = bucket["bucket"], bucket.get("history", 1)
    if not 1 <= history <= HISTORY_MAX:
        raise CliError(f"history must be between 1 and {HISTORY_MAX}, got {history}")
    made = _bucket_stream(bucket, f"KV_{name}", [f"$KV.{name}.>"])
    made |= {"max_msgs_per_subject": history, "deny_delete": True}
    _copy(bucket, made, {"max_value_size": "max_msg_size", "republish": "republish"})
    if bucket.get("limit_marker_ttl"):
        made |= {
            "allow_msg_ttl": True, "subject_delete_marker_ttl": bucket["limit_marker_ttl"],
        }  # fmt: skip
    return made


def object_stream(bucket: Mapping[str, Any]) -> dict[str, Any]:
    """The stream of an object store bucket."""
    name = bucket["bucket"]
    return _bucket_stream(bucket, f"OBJ_{name}", [f"$O.{name}.C.>", f"$O.{name}.M.>"])


def _bucket_stream(bucket: Mapping[str, Any], name: str, subjects: list[str]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": name,
        "subjects": subjects,
        "discard": "new",
        "allow_rollup_hdrs": True,
        "allow_direct": True,
    }
    names = {
        "description": "description", "ttl": "max_age", "max_bytes": "max_bytes",
        "storage": "storage", "replicas": "num_replicas", "placement": "placement",
        "metadata": "metadata",
    }  # fmt: skip
    _copy(bucket, made, names)
    if bucket.get("ttl"):
        made["duplicate_window"] = min(bucket["ttl"], _TWO_MINUTES_NS)
    if "compression" in bucket:
        made["compression"] = "s2" if bucket["compression"] else "none"
    return made


def _copy(bucket: Mapping[str, Any], made: dict[str, Any], names: Mapping[str, str]) -> None:
    for field, target in names.items():
        if field in bucket:
            made[target] = bucket[field]


def read_duration(value: object) -> int:
    """Nanoseconds. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError('must be a duration such as "24h"')
    return value if isinstance(value, int) else parse_long_duration_ns(value)


def read_size(value: object) -> int:
    """Bytes. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError('must be a size such as "10GB"')
    return value if isinstance(value, int) else parse_size(value)


def duration_text(value: int) -> str:
    """`7d`, `1h30m`: days, then as Go writes it, without parts at the end that are nothing."""
    days, rest = divmod(value, _DAY_NS)
    text = format_duration_ns(rest) if rest else ""
    for part in ("0s", "0m"):
        if not text.endswith(part) or text[: -len(part)][-1:].isdecimal():
            break
        text = text.removesuffix(part)
    return (f"{days}d" if days else "") + text or "0s"


def shown_value(kind: object, value: Any) -> str:
    """A value for people."""
    if value is None:
        return "-"
    if kind == DURATION and isinstance(value, int):
        return duration_text(value)
    if kind == DURATIONS and isinstance(value, list):
        return "[" + ", ".join(duration_text(each) for each in value) + "]"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
