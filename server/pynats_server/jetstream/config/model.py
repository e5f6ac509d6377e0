"""The JSON objects of the JetStream API, typed.

Field names and what is left out when empty follow the real server; the fields are explained in
https://docs.nats.io/nats-concepts/jetstream/streams and their JSON schemas are in
https://github.com/nats-io/jsm.go/tree/main/schemas/jetstream/api/v1.
Durations are nanoseconds, sizes bytes, times RFC 3339 text (see `pynats_common.go.times`).
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import msgspec

from pynats_server.jetstream.requests.field_types import (
    Compression,
    Discard,
    Duration,
    Int,
    Int32,
    Int64,
    PersistMode,
    Retention,
    Storage,
    Time,
    Uint64,
)
from pynats_server.work import Work, finish

ELEMENTS = 64  # of a list, made plain before a rest: 0.2 ms


class JsonObject(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Leaves out empty fields in JSON, but for those named in `always`."""

    always: ClassVar[frozenset[str]] = frozenset()
    go_name: ClassVar[str] = ""  # the real server's name of the type, where it is not the class's
    by_pointer: ClassVar[bool] = False  # lists of it are lists of pointers there

    @classmethod
    def go_type(cls) -> str:
        """What complaints about wrong JSON call the type."""
        return f"server.{cls.__dict__.get('go_name', cls.__name__)}"

    def as_dict(self) -> dict[str, Any]:
        """What the JSON shows."""
        found: dict[str, Any] = finish(in_slices(self))
        return found


def plain(value: Any) -> Any:
    """A value as JSON types."""
    return finish(in_slices(value))


def in_slices(value: Any) -> Work[Any]:
    """`plain` for what may be large."""
    if isinstance(value, JsonObject):
        found: dict[str, Any] = {}
        for name in value.__struct_fields__:
            field = getattr(value, name)
            if name in value.always or not is_empty(field):
                if isinstance(field, JsonObject | list):
                    field = yield from in_slices(field)
                found[name] = field
        return found
    if isinstance(value, list):
        if not value or isinstance(value[0], str | int):
            return list(value)
        made: list[Any] = []
        for step, item in enumerate(value):
            if step % ELEMENTS == ELEMENTS - 1:
                yield
            made.append((yield from in_slices(item)))
        return made
    return value


def is_empty(value: Any) -> bool:
    """Whether `omitempty` would leave it out."""
    return value is None or value is False or value in (0, "", [], {})


class SubjectTransform(JsonObject):
    """Rewrites subjects that match `src`."""

    go_name: ClassVar = "SubjectTransformConfig"
    always: ClassVar = frozenset(("src", "dest"))
    src: str = ""
    dest: str = ""


class Placement(JsonObject):
    cluster: str = ""
    tags: list[str] = []
    preferred: str = ""


class ExternalStream(JsonObject):
    """Where a stream of another account or domain answers."""

    always: ClassVar = frozenset(("api", "deliver"))
    api: str = ""
    deliver: str = ""


class SourceConsumer(JsonObject):
    """The durable consumer that a mirror or source reads through."""

    go_name: ClassVar = "StreamConsumerSource"
    name: str = ""
    deliver_subject: str = ""


class StreamSource(JsonObject):
    """A mirror's origin, or one source."""

    by_pointer: ClassVar = True
    always: ClassVar = frozenset(("name",))
    name: str = ""
    opt_start_seq: Uint64 = 0
    opt_start_time: Time | None = None
    filter_subject: str = ""
    subject_transforms: list[SubjectTransform] = []
    external: ExternalStream | None = None
    consumer: SourceConsumer | None = None


class Republish(JsonObject):
    go_name: ClassVar = "RePublish"
    always: ClassVar = frozenset(("dest",))
    src: str = ""
    dest: str = ""
    headers_only: bool = False


class ConsumerLimits(JsonObject):
    go_name: ClassVar = "StreamConsumerLimits"
    inactive_threshold: Duration = 0
    max_ack_pending: Int = 0


class StreamConfig(JsonObject):
    """A stream's configuration. Zero limits are made -1 (unlimited) by `validation`."""

    always: ClassVar = frozenset(
        (
            "name", "retention", "max_consumers", "max_msgs", "max_bytes", "max_age",
            "max_msgs_per_subject", "max_msg_size", "discard", "storage", "num_replicas",
            "compression", "allow_direct", "mirror_direct", "sealed", "deny_delete", "deny_purge",
            "allow_rollup_hdrs", "consumer_limits", "allow_msg_ttl",
        )
    )  # fmt: skip

    name: str = ""
    description: str = ""
    subjects: list[str] = []
    retention: Retention = "limits"  # limits | interest | workqueue
    max_consumers: Int = 0
    max_msgs: Int64 = 0
    max_bytes: Int64 = 0
    max_age: Duration = 0
    max_msgs_per_subject: Int64 = 0
    max_msg_size: Int32 = 0
    discard: Discard = "old"  # old | new
    storage: Storage = "file"  # file | memory
    num_replicas: Int = 0
    no_ack: bool = False
    duplicate_window: Duration = 0
    placement: Placement | None = None
    mirror: StreamSource | None = None
    sources: list[StreamSource] = []
    compression: Compression = "none"  # none | s2
    first_seq: Uint64 = 0
    subject_transform: SubjectTransform | None = None
    republish: Republish | None = None
    allow_direct: bool = False
    mirror_direct: bool = False
    discard_new_per_subject: bool = False
    sealed: bool = False
    deny_delete: bool = False
    deny_purge: bool = False
    allow_rollup_hdrs: bool = False
    consumer_limits: ConsumerLimits = msgspec.field(default_factory=ConsumerLimits)
    allow_msg_ttl: bool = False
    subject_delete_marker_ttl: Duration = 0
    allow_msg_counter: bool = False
    allow_atomic: bool = False
    allow_msg_schedules: bool = False
    allow_batched: bool = False
    persist_mode: PersistMode = ""  # "" = default | async
    metadata: dict[str, str] = {}

    def copy(self) -> Self:
        """An independent copy."""
        return msgspec.convert(msgspec.to_builtins(self), type(self))


class StreamConfigRequest(StreamConfig):
    """The body of STREAM.CREATE and STREAM.UPDATE."""

    pedantic: bool = False  # refuse to change what was asked for, even to set defaults


class StreamState(JsonObject):
    """Figures of a stream. Times are RFC 3339."""

    always: ClassVar = frozenset(
        ("messages", "bytes", "first_seq", "first_ts", "last_seq", "last_ts", "consumer_count")
    )
    messages: int = 0
    bytes: int = 0
    first_seq: int = 0
    first_ts: str = ""
    last_seq: int = 0
    last_ts: str = ""
    num_subjects: int = 0
    subjects: dict[str, int] = {}
    num_deleted: int = 0
    deleted: list[int] = []
    lost: dict[str, Any] | None = None  # {"msgs": [seq…], "bytes": n}
    consumer_count: int = 0


class SourceInfo(JsonObject):
    """How far a mirror or source has come."""

    always: ClassVar = frozenset(("name", "lag", "active"))
    name: str = ""
    external: ExternalStream | None = None
    lag: int = 0
    seq: int = 0  # the last one taken over by a source
    active: int = -1  # ns since the origin was last heard from; -1 = never
    error: dict[str, Any] | None = None
    filter_subject: str = ""
    subject_transforms: list[SubjectTransform] = []
