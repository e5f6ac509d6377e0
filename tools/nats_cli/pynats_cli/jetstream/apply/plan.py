"""What has to change so that a server has what a file declares.

A field that the file does not name stays as it is. What an apply has made is marked in its
metadata, and only what is marked so can be removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pynats_cli.jetstream.apply import fields
from pynats_cli.jetstream.apply.document import Declared, Document

MARK = "pynats.apply"
"""Key in the metadata; its value is the name of the set of declarations."""
CREATE, CHANGE, REMOVE, SAME = "create", "change", "remove", "same"
_UNLIMITED = frozenset(
    {"max_consumers", "max_msgs", "max_bytes", "max_msgs_per_subject", "max_msg_size",
     "max_deliver"}
)  # fmt: skip
_UNORDERED = frozenset({"subjects", "filter_subjects", "priority_groups"})
_BUCKETS = {"KV_": "kv", "OBJ_": "object"}


@dataclass(frozen=True)
class FieldChange:
    """One field, before and after."""

    name: str
    before: Any
    after: Any
    kind: Any = fields.ANY
    fixed: bool = False  # the server refuses to change it


@dataclass
class Change:
    """What happens to one stream or consumer. `config` is what the server is asked for."""

    action: str
    title: str
    config: dict[str, Any]
    stream: str
    consumer: str = ""
    declared: Declared | None = None
    fields: list[FieldChange] = field(default_factory=list)
    messages: int = 0  # that go with a stream that is removed

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"action": self.action, "resource": self.title}
        if self.fields:
            shown["fields"] = {
                each.name: {"from": each.before, "to": each.after} for each in self.fields
            }
        return shown


@dataclass
class Present:
    """What a server has: streams by name, and consumers by the names of stream and consumer."""

    streams: dict[str, dict[str, Any]]
    consumers: dict[tuple[str, str], dict[str, Any]]


@dataclass
class Plan:
    changes: list[Change]
    same: int

    def of(self, action: str) -> list[Change]:
        return [change for change in self.changes if change.action == action]


def make_plan(document: Document, present: Present, prune: bool) -> Plan:
    """The changes in the order in which they are possible: origins before their copies."""
    found = [
        _compare(declared, _config_of(present.streams.get(declared.stream_name)), document.set)
        for declared in sorted(document.streams, key=_is_copy)
    ]
    for declared in document.consumers:
        info = present.consumers.get((declared.stream, declared.name))
        found.append(_compare(declared, _config_of(info), document.set))
    changes = [change for change in found if change.action != SAME]
    if prune:
        changes += _removals(document, present)
    return Plan(changes, len(found) - len([each for each in found if each.action != SAME]))


def _is_copy(declared: Declared) -> bool:
    return "mirror" in declared.config or "sources" in declared.config


def _config_of(info: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return dict(info["config"]) if info is not None else None


def _compare(declared: Declared, config: dict[str, Any] | None, mark: str) -> Change:
    wanted = dict(declared.config)
    # Marks of others, and what the server itself notes, stay.
    kept = dict((config or {}).get("metadata") or {})
    wanted["metadata"] = {**kept, **wanted.get("metadata", {}), MARK: mark}
    is_consumer = declared.kind == "consumer"
    stream = declared.stream if is_consumer else declared.stream_name
    change = Change(
        SAME, declared.title, wanted, stream, declared.name if is_consumer else "", declared
    )
    shape = fields.CONSUMER if is_consumer else fields.STREAM
    if config is None:
        change.action = CREATE
        change.config = _with_defaults(wanted, is_consumer)
        change.fields = [
            FieldChange(name, None, value, shape.get(name, fields.ANY))
            for name, value in _each(wanted).items()
            if name not in ("name", "durable_name")
        ]
        return change
    fixed = fields.FIXED_OF_CONSUMER if is_consumer else fields.FIXED_OF_STREAM
    before = _each(config)
    change.fields = [
        FieldChange(name, before.get(name), value, shape.get(name, fields.ANY), name in fixed)
        for name, value in _each(wanted).items()
        if name not in ("name", "durable_name") and not _alike(name, before.get(name), value)
    ]
    if change.fields:
        change.action = CHANGE
        change.config = _merged(config, wanted)
    return change


def _each(config: dict[str, Any]) -> dict[str, Any]:
    """With a field for each key of the metadata."""
    made = {name: value for name, value in config.items() if name != "metadata"}
    metadata = config.get("metadata") or {}
    return made | {f"metadata.{key}": value for key, value in metadata.items()}


def _with_defaults(config: dict[str, Any], is_consumer: bool) -> dict[str, Any]:
    """What clients always send; the bare API takes something else for what is missing."""
    if is_consumer:
        return {"ack_policy": "explicit", "deliver_policy": "all", **config}
    made = {"retention": "limits", "storage": "file", "num_replicas": 1, "discard": "old"}
    if "mirror" not in config and "sources" not in config and "subjects" not in config:
        made["subjects"] = [config["name"]]
    return {**made, **config}


def _merged(config: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    made = {**config, **wanted}
    # Either of the two, never both.
    if "filter_subjects" in wanted:
        made.pop("filter_subject", None)
    elif "filter_subject" in wanted:
        made.pop("filter_subjects", None)
    return made


def _alike(name: str, before: Any, after: Any) -> bool:
    if name in _UNLIMITED:
        return (before or -1) == (after or -1)
    if not before and not after:
        return True  # absent is false, zero, or nothing
    if name in _UNORDERED and isinstance(before, list) and isinstance(after, list):
        return sorted(before) == sorted(after)
    if isinstance(before, dict) and isinstance(after, dict):
        return all(_alike("", before.get(key), after.get(key)) for key in {*before, *after})
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(
            _alike("", one, other) for one, other in zip(before, after, strict=True)
        )
    return bool(before == after)


def _removals(document: Document, present: Present) -> list[Change]:
    streams = {declared.stream_name for declared in document.streams}
    consumers = {(declared.stream, declared.name) for declared in document.consumers}
    gone = {
        name for name, info in present.streams.items()
        if name not in streams and is_marked(info, document.set)
    }  # fmt: skip
    changes = [
        Change(REMOVE, f"consumer {stream} > {name}", {}, stream, name)
        for (stream, name), info in present.consumers.items()
        if (stream, name) not in consumers and stream not in gone and is_marked(info, document.set)
    ]
    for name in sorted(gone):
        messages = int(present.streams[name].get("state", {}).get("messages") or 0)
        changes.append(Change(REMOVE, stream_title(name), {}, name, messages=messages))
    return changes


def stream_title(name: str) -> str:
    """`stream X`, or the bucket whose stream it is."""
    for prefix, kind in _BUCKETS.items():
        if name.startswith(prefix):
            return f"{kind} {name.removeprefix(prefix)}"
    return f"stream {name}"


def is_marked(info: Mapping[str, Any], mark: str) -> bool:
    """Whether an apply of that set has made it, or taken it over."""
    metadata = info["config"].get("metadata") or {}
    return bool(metadata.get(MARK) == mark)
