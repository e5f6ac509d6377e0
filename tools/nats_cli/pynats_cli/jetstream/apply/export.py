"""Writes a file that declares what a server has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pynats_cli.jetstream.apply import fields
from pynats_cli.jetstream.apply.plan import MARK, Present
from pynats_cli.servers.configfile.toml_form import TomlWriter
from pynats_cli.servers.configfile.tree import Branch, Entry, Item, Leaf, Row, Value
from pynats_cli.servers.configfile.yaml_form import write_yaml

FORMS = ("yaml", "toml", "json")
# What a new stream or consumer has if nobody says anything.
_STREAM_DEFAULTS: dict[str, Any] = {
    "retention": "limits", "discard": "old", "storage": "file", "num_replicas": 1,
    "compression": "none", "persist_mode": "default", "max_consumers": -1, "max_msgs": -1,
    "max_bytes": -1, "max_msgs_per_subject": -1, "max_msg_size": -1,
    "duplicate_window": 120_000_000_000,
}  # fmt: skip
_CONSUMER_DEFAULTS: dict[str, Any] = {
    "deliver_policy": "all", "ack_policy": "explicit", "replay_policy": "instant",
    "max_deliver": -1, "ack_wait": 30_000_000_000, "max_waiting": 512, "max_ack_pending": 1000,
}  # fmt: skip


def export(present: Present, form: str) -> str:
    """The text. Consumers without a durable name are nobody's to keep."""
    declared: dict[str, dict[str, Any]] = {"streams": {}, "kv": {}, "objects": {}}
    for name, info in sorted(present.streams.items()):
        config = info["config"]
        kv = _as_bucket(config, "KV_", fields.KV, fields.kv_stream)
        files = _as_bucket(config, "OBJ_", fields.OBJECT, fields.object_stream)
        if kv is not None:
            declared["kv"][name.removeprefix("KV_")] = kv
        elif files is not None:
            declared["objects"][name.removeprefix("OBJ_")] = files
        else:
            made = _readable(config, fields.STREAM, _STREAM_DEFAULTS)
            consumers = {
                consumer: _readable(each["config"], fields.CONSUMER, _CONSUMER_DEFAULTS)
                for (stream, consumer), each in sorted(present.consumers.items())
                if stream == name and each["config"].get("durable_name")
            }
            declared["streams"][name] = {**made, **({"consumers": consumers} if consumers else {})}
    used = {key: value for key, value in declared.items() if value}
    if form == "json":
        return json.dumps(used, indent=2, ensure_ascii=False) + "\n"
    tree = _tree(used)
    assert isinstance(tree, Branch)
    return write_yaml(tree) if form == "yaml" else TomlWriter().write(tree)


def _as_bucket(
    config: Mapping[str, Any], prefix: str, shape: fields.Shape, make: Any
) -> dict[str, Any] | None:
    """A stream as the bucket that it is; None if it has anything that a bucket has not."""
    name = str(config["name"])
    if not name.startswith(prefix):
        return None
    bucket: dict[str, Any] = {"bucket": name.removeprefix(prefix)}
    names = {
        "description": "description", "max_age": "ttl", "storage": "storage",
        "num_replicas": "replicas", "placement": "placement", "republish": "republish",
        "max_msgs_per_subject": "history", "subject_delete_marker_ttl": "limit_marker_ttl",
    }  # fmt: skip
    for source, target in names.items():
        default = 1 if source in ("num_replicas", "max_msgs_per_subject") else "file"
        if target in shape and config.get(source) and config[source] != default:
            bucket[target] = config[source]
    for source, target in (("max_bytes", "max_bytes"), ("max_msg_size", "max_value_size")):
        if target in shape and (config.get(source) or -1) > 0:
            bucket[target] = config[source]
    if config.get("compression") == "s2":
        bucket["compression"] = True
    if metadata := _metadata(config):
        bucket["metadata"] = metadata
    wanted = make(bucket)
    same = _readable(wanted, fields.STREAM, _STREAM_DEFAULTS) == _readable(
        config, fields.STREAM, _STREAM_DEFAULTS
    )
    return _texts(bucket, shape) if same else None


def _metadata(config: Mapping[str, Any]) -> dict[str, str]:
    found = config.get("metadata") or {}
    return {key: value for key, value in found.items() if key != MARK and key[:6] != "_nats."}


def _readable(
    config: Mapping[str, Any], shape: fields.Shape, defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """What differs from a new one, without the name; durations as texts."""
    found = {
        name: config[name]
        for name in shape
        if name != "name" and config.get(name) and config[name] != defaults.get(name)
    }
    found.pop("metadata", None)
    if metadata := _metadata(config):
        found["metadata"] = metadata
    return _texts(found, shape)


def _texts(config: Mapping[str, Any], shape: fields.Shape) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in config.items():
        kind = shape[name]
        if name == "bucket":
            continue
        if kind == fields.DURATION:
            value = _duration(value)
        elif kind == fields.DURATIONS:
            value = [_duration(each) for each in value]
        elif isinstance(kind, dict) and isinstance(value, dict):
            value = _texts({key: each for key, each in value.items() if key in kind}, kind)
        made[name] = value
    return made


def _duration(value: int) -> str | int:
    """A text if it is exact; nanoseconds otherwise."""
    text = fields.duration_text(value)
    return text if fields.read_duration(text) == value else value


def _tree(value: Any) -> Value:
    if isinstance(value, dict):
        return Branch([Entry(name=key, value=_tree(inner)) for key, inner in value.items()])
    if isinstance(value, list):
        return Row([Item(value=_tree(inner)) for inner in value])
    return Leaf(value)
