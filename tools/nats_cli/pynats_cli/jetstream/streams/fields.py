"""The fields of a stream's configuration, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Metadata that servers add; it says nothing about what the user wants.
SERVER_METADATA = "_nats."


@dataclass(frozen=True)
class Field:
    """`always` is shown also when it is empty; `default` is what a file without it means."""

    name: str
    kind: str
    default: Any = None
    always: bool = False
    choices: tuple[str, ...] = ()


def _always(name: str, kind: str, default: Any, *choices: str) -> Field:
    return Field(name, kind, default, always=True, choices=choices)


FIELDS = (
    _always("name", "text", ""),
    Field("description", "text"),
    Field("subjects", "texts"),
    _always("retention", "text", "limits", "limits", "interest", "workqueue"),
    _always("max_consumers", "number", -1),
    _always("max_msgs_per_subject", "number", -1),
    _always("max_msgs", "number", -1),
    _always("max_bytes", "number", -1),
    _always("max_age", "duration", 0),
    _always("max_msg_size", "number", -1),
    _always("storage", "text", "file", "file", "memory"),
    _always("discard", "text", "old", "old", "new"),
    _always("num_replicas", "number", 1),
    Field("no_ack", "switch"),
    Field("duplicate_window", "duration"),
    Field("placement", "object"),
    Field("mirror", "object"),
    Field("sources", "objects"),
    Field("compression", "text", choices=("none", "s2")),
    Field("subject_transform", "object"),
    Field("republish", "object"),
    _always("sealed", "switch", False),
    _always("deny_delete", "switch", False),
    _always("deny_purge", "switch", False),
    _always("allow_rollup_hdrs", "switch", False),
    _always("allow_direct", "switch", False),
    _always("mirror_direct", "switch", False),
    Field("discard_new_per_subject", "switch"),
    Field("first_seq", "number"),
    Field("metadata", "object"),
    Field("allow_msg_ttl", "switch"),
    Field("subject_delete_marker_ttl", "duration"),
    _always("consumer_limits", "object", {}),
    Field("allow_msg_counter", "switch"),
    Field("allow_atomic", "switch"),
    Field("allow_msg_schedules", "switch"),
    Field("persist_mode", "text", choices=("default", "async")),
    Field("allow_batched", "switch"),
    # Known to servers, without a flag here.
    Field("template_owner", "text"),
)
BY_NAME = {field.name: field for field in FIELDS}
_EMPTY = {"compression": "none", "persist_mode": "default"}
_ANSWER_ONLY = ("type", "total", "offset", "limit", "did_create", "error", "api")


def is_empty(name: str, value: Any) -> bool:
    """Whether a value is the same as none."""
    return not value or value == _EMPTY.get(name)


def shown_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with its fields in order, without those that are empty."""
    shown = {
        field.name: field.default if config.get(field.name) is None else config[field.name]
        for field in FIELDS
        if field.always or not is_empty(field.name, config.get(field.name))
    }
    return shown | {name: value for name, value in config.items() if name not in BY_NAME}


def shown_info(answer: Mapping[str, Any]) -> dict[str, Any]:
    """A stream's configuration and state as `--json` shows them."""
    shown = {name: value for name, value in answer.items() if name not in _ANSWER_ONLY}
    return {"config": shown_config(shown.pop("config", {})), **shown}


def own_metadata(config: Mapping[str, Any]) -> dict[str, str]:
    """The metadata that users gave."""
    found = config.get("metadata") or {}
    return {key: value for key, value in found.items() if not key.startswith(SERVER_METADATA)}


def without_server_metadata(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration as its user wrote it."""
    found = dict(config)
    metadata = own_metadata(config)
    found.pop("metadata", None)
    if metadata:
        found["metadata"] = metadata
    return found
