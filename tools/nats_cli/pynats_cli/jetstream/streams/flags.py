"""Flags that describe a stream's configuration, and what each means in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import (
    DURATION,
    KEY_VALUE,
    SIZE,
    SUBJECTS,
    UNSIGNED,
    Choice,
)

from pynats_cli.errors import CliError
from pynats_cli.jetstream.streams.numbers import AGE

RETENTION = Choice("limits", "interest", "workqueue", workq="workqueue", work="workqueue")
DISCARD = Choice("new", "old")
STORAGE = Choice("file", "memory", f="file", m="memory")
_PLACE, _REPUBLISH, _LIMITS, _ALLOW = "Placement", "Republishing", "Limits", "What is allowed"


@dataclass(kw_only=True)
class ConfigFlags:
    """What can be set when a stream is made and changed later. None and empty are "not given"."""

    subjects: Annotated[
        list[str], opt("--subjects", help="Subjects that the stream holds", kind=SUBJECTS)
    ] = field(default_factory=list)
    description: Annotated[str | None, opt("--description", help="What the stream is for")] = None
    compression: Annotated[
        str, opt("--compression", help="How files are compressed", kind=Choice("none", "s2"))
    ] = ""
    replicas: Annotated[int | None, opt("--replicas", help="Copies in a cluster", panel=_PLACE)] = (
        None
    )
    tag: Annotated[
        list[str], opt("--tag", "--tags", help="Only on servers with the tag", panel=_PLACE)
    ] = field(default_factory=list)
    cluster: Annotated[str, opt("--cluster", help="Only in this cluster", panel=_PLACE)] = ""
    ack: Annotated[bool | None, opt("--ack/--no-ack", help="Acknowledge what is published")] = None
    retention: Annotated[
        str, opt("--retention", help="What keeps a message", kind=RETENTION, panel=_LIMITS)
    ] = ""
    discard: Annotated[
        str, opt("--discard", help="What a full stream refuses", kind=DISCARD, panel=_LIMITS)
    ] = ""
    discard_per_subject: Annotated[
        bool | None,
        opt("--discard-per-subject/--no-discard-per-subject", panel=_LIMITS,
            help="Refuse new messages of a subject that is full"),
    ] = None  # fmt: skip
    max_age: Annotated[
        int | None, opt("--max-age", help="Age of messages", kind=AGE, panel=_LIMITS)
    ] = None
    max_bytes: Annotated[
        int | None, opt("--max-bytes", help="Size of all messages", kind=SIZE, panel=_LIMITS)
    ] = None
    max_consumers: Annotated[
        int | None, opt("--max-consumers", help="Number of consumers", panel=_LIMITS)
    ] = None
    max_msg_size: Annotated[
        int | None, opt("--max-msg-size", help="Size of one message", kind=SIZE, panel=_LIMITS)
    ] = None
    max_msgs: Annotated[int | None, opt("--max-msgs", help="Number of messages", panel=_LIMITS)] = (
        None
    )
    max_msgs_per_subject: Annotated[
        int | None,
        opt("--max-msgs-per-subject", help="Number of messages of a subject", panel=_LIMITS),
    ] = None
    dupe_window: Annotated[
        int | None, opt("--dupe-window", help="How long duplicates are known", kind=DURATION)
    ] = None
    mirror: Annotated[str, opt("--mirror", help="Copy this stream", placeholder="STREAM")] = ""
    source: Annotated[
        list[str], opt("--source", help="Take the messages of a stream", placeholder="STREAM")
    ] = field(default_factory=list)
    allow_batch: Annotated[
        bool | None,
        opt("--allow-batch/--no-allow-batch", help="Atomic batches", panel=_ALLOW),
    ] = None
    allow_fast: Annotated[
        bool | None, opt("--allow-fast/--no-allow-fast", help="Fast batches", panel=_ALLOW)
    ] = None
    allow_counter: Annotated[bool, opt("--allow-counter", help="Counters", panel=_ALLOW)] = False
    allow_rollup: Annotated[
        bool | None,
        opt("--allow-rollup/--no-allow-rollup", help="Messages that replace those before",
            panel=_ALLOW),
    ] = None  # fmt: skip
    deny_delete: Annotated[
        bool | None,
        opt("--deny-delete/--no-deny-delete", help="No deletion of messages", panel=_ALLOW),
    ] = None
    deny_purge: Annotated[
        bool | None, opt("--deny-purge/--no-deny-purge", help="No purges", panel=_ALLOW)
    ] = None
    allow_direct: Annotated[
        bool | None,
        opt("--allow-direct/--no-allow-direct", help="Direct gets", panel=_ALLOW),
    ] = None
    allow_mirror_direct: Annotated[
        bool | None,
        opt("--allow-mirror-direct/--no-allow-mirror-direct", panel=_ALLOW,
            help="Direct gets answered by mirrors"),
    ] = None  # fmt: skip
    allow_msg_ttl: Annotated[
        bool, opt("--allow-msg-ttl", help="Messages with an age of their own", panel=_ALLOW)
    ] = False
    allow_schedules: Annotated[
        bool | None,
        opt("--allow-schedules/--no-allow-schedules", help="Schedules", panel=_ALLOW),
    ] = None
    subject_del_markers_ttl: Annotated[
        int | None,
        opt("--subject-del-markers-ttl", help="Age of marks of deletion", kind=DURATION),
    ] = None
    transform_source: Annotated[
        str, opt("--transform-source", help="Subjects to rename", placeholder="SUBJECT")
    ] = ""
    transform_destination: Annotated[
        str, opt("--transform-destination", help="Their new name", placeholder="SUBJECT")
    ] = ""
    metadata: Annotated[
        dict[str, str], opt("--metadata", help="A note for programs", kind=KEY_VALUE)
    ] = field(default_factory=dict)
    republish_source: Annotated[
        str,
        opt("--republish-source", help="What is republished", placeholder="SUBJECT",
            panel=_REPUBLISH),
    ] = ""  # fmt: skip
    republish_destination: Annotated[
        str,
        opt("--republish-destination", help="Where to", placeholder="SUBJECT", panel=_REPUBLISH),
    ] = ""
    republish_headers: Annotated[
        bool, opt("--republish-headers", help="Without bodies", panel=_REPUBLISH)
    ] = False


@dataclass(kw_only=True)
class NewFlags(ConfigFlags):
    """What can be set only when a stream is made."""

    storage: Annotated[str, opt("--storage", help="Where messages are kept", kind=STORAGE)] = ""
    first_sequence: Annotated[
        int | None, opt("--first-sequence", help="Number of the first message", kind=UNSIGNED)
    ] = None
    limit_consumer_inactive: Annotated[
        int | None,
        opt("--limit-consumer-inactive", help="Largest inactive threshold of consumers",
            kind=DURATION, panel=_LIMITS),
    ] = None  # fmt: skip
    limit_consumer_max_pending: Annotated[
        int | None,
        opt("--limit-consumer-max-pending", help="Largest number of unacknowledged messages",
            panel=_LIMITS),
    ] = None  # fmt: skip
    persist_mode: Annotated[
        str,
        opt("--persist-mode", help="When messages are on disk", kind=Choice("default", "async")),
    ] = ""


def _same(value: Any) -> Any:
    return value


def _inverted(value: bool) -> bool:
    return not value


def _no_less_than_zero(value: int) -> int:
    return max(value, 0)


def _limit(value: int) -> int:
    return value if value > 0 else -1


# A row: the flag's field, the configuration's field, and what a value means there.
_FIELDS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("subjects", "subjects", _same),
    ("description", "description", _same),
    ("storage", "storage", _same),
    ("compression", "compression", _same),
    ("replicas", "num_replicas", _same),
    ("ack", "no_ack", _inverted),
    ("retention", "retention", _same),
    ("discard", "discard", _same),
    ("discard_per_subject", "discard_new_per_subject", _same),
    ("first_sequence", "first_seq", _same),
    ("max_age", "max_age", _no_less_than_zero),
    ("max_bytes", "max_bytes", _limit),
    ("max_consumers", "max_consumers", _limit),
    ("max_msg_size", "max_msg_size", _limit),
    ("max_msgs", "max_msgs", _limit),
    ("max_msgs_per_subject", "max_msgs_per_subject", _limit),
    ("dupe_window", "duplicate_window", _no_less_than_zero),
    ("allow_batch", "allow_atomic", _same),
    ("allow_fast", "allow_batched", _same),
    ("allow_rollup", "allow_rollup_hdrs", _same),
    ("deny_delete", "deny_delete", _same),
    ("deny_purge", "deny_purge", _same),
    ("allow_direct", "allow_direct", _same),
    ("allow_mirror_direct", "mirror_direct", _same),
    ("allow_schedules", "allow_msg_schedules", _same),
    ("subject_del_markers_ttl", "subject_delete_marker_ttl", _no_less_than_zero),
    ("metadata", "metadata", _same),
    ("persist_mode", "persist_mode", _same),
)
# Switches that can only be turned on.
_SWITCHES = (("allow_counter", "allow_msg_counter"), ("allow_msg_ttl", "allow_msg_ttl"))


def apply(config: dict[str, Any], flags: ConfigFlags) -> None:
    """Changes a configuration to what the flags say, where they say something. Raises CliError."""
    for name, target, meaning in _FIELDS:
        value = getattr(flags, name, None)
        if value is None or (value in ("", [], {}) and name != "description"):
            continue
        config[target] = meaning(value)
    for name, target in _SWITCHES:
        if getattr(flags, name):
            config[target] = True
    if flags.discard_per_subject and not flags.discard:
        config["discard"] = "new"
    _apply_placement(config, flags)
    _apply_subject_changes(config, flags)
    if isinstance(flags, NewFlags):
        _apply_consumer_limits(config, flags)


def _apply_placement(config: dict[str, Any], flags: ConfigFlags) -> None:
    placement = dict(config.get("placement") or {})
    if flags.cluster:
        placement["cluster"] = flags.cluster
    if flags.tag:
        placement["tags"] = [part for tag in flags.tag for part in tag.split(",") if part]
    if placement:
        config["placement"] = placement


def _apply_subject_changes(config: dict[str, Any], flags: ConfigFlags) -> None:
    if flags.transform_source or flags.transform_destination:
        if not flags.transform_destination:
            raise CliError("--transform-source needs --transform-destination")
        config["subject_transform"] = {
            "src": flags.transform_source, "dest": flags.transform_destination
        }  # fmt: skip
    if flags.republish_source or flags.republish_destination:
        if not flags.republish_destination:
            raise CliError("--republish-source needs --republish-destination")
        config["republish"] = {
            "src": flags.republish_source, "dest": flags.republish_destination
        }  # fmt: skip
    if flags.republish_headers:
        if not config.get("republish"):
            raise CliError("--republish-headers needs --republish-destination")
        config["republish"] = {**config["republish"], "headers_only": True}


def _apply_consumer_limits(config: dict[str, Any], flags: NewFlags) -> None:
    limits = dict(config.get("consumer_limits") or {})
    if flags.limit_consumer_inactive:
        limits["inactive_threshold"] = flags.limit_consumer_inactive
    if flags.limit_consumer_max_pending:
        limits["max_ack_pending"] = flags.limit_consumer_max_pending
    if limits:
        config["consumer_limits"] = limits
