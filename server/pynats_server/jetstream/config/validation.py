"""Whether a stream configuration is allowed, and what the server makes of it.

Order matters to clients: of several things wrong the first is reported, so the rules run in the
real server's order. What the API does with a request:

create: `decode`; name against subject (10056); `prepare_create`; then, where a stream of that
name exists, `same_config` with it or 10058.
update: `decode`; `check_config`; name against subject (10056); stream exists (10059);
`prepare_update`.

All functions leave what they are given alone and raise nothing but ApiError. What may be long is
work in slices (`Work`): between two of them the account must not change.
"""

from __future__ import annotations

from typing import Final

import msgspec
from pynats_common.go.durations import format_duration_ns
from pynats_common.go.quoting import quote

from pynats_server.jetstream.config import metadata, source_rules
from pynats_server.jetstream.config.context import Limits, Surroundings
from pynats_server.jetstream.config.model import Placement, StreamConfig
from pynats_server.jetstream.config.rules import (
    DESCRIPTION_MAX,
    NAME_MAX,
    check_transform,
    covers,
    invalid_config,
    is_asset_name,
    is_subject,
    pedantic_error,
    subjects_collide,
)
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.store import SEQ_MAX
from pynats_server.subjects.collisions import any_overlap, first_overlap
from pynats_server.subjects.transform import SubjectTransform, TransformError
from pynats_server.work import Work

REPLICAS_MAX: Final = 5
DUPLICATE_WINDOW_DEFAULT_NS: Final = 120_000_000_000
SHORTEST_AGE_NS: Final = 100_000_000  # of max_age and of duplicate_window
SHORTEST_MARKER_TTL_NS: Final = 1_000_000_000
FULL_WILDCARD: Final = ">"

_ENUMS: Final = (
    ("retention", ("limits", "interest", "workqueue"), "invalid retention"),
    ("discard", ("old", "new"), "invalid discard policy"),
    ("compression", ("none", "s2"), "invalid compression"),
    ("storage", ("file", "memory"), "invalid storage type"),
)
# In the order in which they are looked at.
_UNLIMITED_AT_ZERO: Final = (
    "max_msgs",
    "max_msgs_per_subject",
    "max_bytes",
    "max_msg_size",
    "max_consumers",
)
# Subjects of the server's own that a stream may capture only without acknowledging, each with
# the part of it that is free for all.
_RESERVED: Final = (
    ("$JS.>", "$JS.EVENT.>", "jetstream"),
    ("$JSC.>", "$JS.EVENT.>", "jetstream"),
    ("$NRG.>", "$JS.EVENT.>", "jetstream"),
    ("$SYS.>", "$SYS.ACCOUNT.>", "system"),
)
_MAY_BE_RESERVED: Final = "$*>"  # a subject that overlaps with one of these begins so
SUBJECTS: Final = 256  # looked at before a rest, about 0.2 ms


def prepare_create(
    config: StreamConfig, around: Surroundings, pedantic: bool = False
) -> Work[StreamConfig]:
    """The configuration that a new stream gets.

    Where the account has a stream of that name, its subjects are not compared with the others':
    the caller decides by `same_config`.
    """
    made = _with_required_level(_plain(config))
    if "/" in made.name or "\\" in made.name:
        raise api_error(10128)
    if made.sealed:
        raise invalid_config("stream configuration for create can not be sealed")
    if made.mirror_direct and made.mirror is None:
        raise invalid_config("stream has no mirror but does have mirror direct")
    if made.first_seq > SEQ_MAX:
        raise invalid_config(f"first sequence can not be beyond {SEQ_MAX}")
    limits = around.limits(made.num_replicas, made.name)
    if 0 < limits.max_streams <= around.others(made.name):
        raise api_error(10027)
    exists = around.stream(made.name) is not None
    _check_consumers(made, limits)
    # It claims nothing anew where it exists, but clients are told first that memory does not do.
    if not exists or made.storage == "memory":
        _check_claim(made, made.max_bytes, limits, around)
    made = yield from _checked(made, around, pedantic)
    if made.num_replicas > 1:
        raise api_error(10074)
    if exists:
        return made
    _check_claim(made, made.max_bytes, limits, around)
    yield from source_rules.check_filters(made)
    yield from _check_overlap(made, around)
    if made.storage == "file" and "\0" in made.name:  # no folder can be called so
        raise api_error(10049, err="error creating store for stream")
    return made


def check_config(
    config: StreamConfig, around: Surroundings, pedantic: bool = False
) -> Work[StreamConfig]:
    """The configuration with defaults set, after the rules that hold for any stream."""
    return _checked(_plain(config), around, pedantic)


def prepare_update(
    old: StreamConfig, new: StreamConfig, around: Surroundings, pedantic: bool = False
) -> Work[StreamConfig]:
    """The configuration that stream `old` gets by an update to `new`."""
    made = _with_required_level((yield from _checked(_plain(new), around, pedantic)))
    if made.name != old.name:
        raise invalid_config("stream configuration name must match original")
    if made.num_replicas > 1:
        raise api_error(10074)
    _check_changes(old, made)
    if made.sealed:
        made.max_age = 0
        made.discard = "new"
        made.deny_delete = made.deny_purge = True
        made.allow_rollup_hdrs = False
    # Of the new size only what the stream does not have yet must still be free.
    held = min(max(made.max_bytes, 0), max(old.max_bytes, 0))
    more = max(made.max_bytes, 0) - held
    limits = around.limits(made.num_replicas, made.name)
    _check_consumers(made, limits)
    _check_claim(made, more, limits, around, held)
    yield from _check_consumer_limits(old, made, around)
    yield from _check_overlap(made, around)
    return made


def same_config(asked: StreamConfig, existing: StreamConfig) -> bool:
    """Whether a request to create `asked` (prepared) is satisfied by the existing stream."""
    return _comparable(asked) == _comparable(existing)


def public_config(config: StreamConfig) -> StreamConfig:
    """The configuration as the answers to create, update and info show it."""
    shown = config.copy()
    shown.metadata = metadata.shown(config.metadata)
    return shown


def _plain(config: StreamConfig) -> StreamConfig:
    """An independent copy without what belongs to the request alone."""
    fields = {name: getattr(config, name) for name in StreamConfig.__struct_fields__}
    return msgspec.convert(msgspec.to_builtins(fields), StreamConfig)


def _with_required_level(config: StreamConfig) -> StreamConfig:
    """Notes the API level that a server needs to run the stream."""
    level = 0
    if config.allow_msg_ttl or config.subject_delete_marker_ttl > 0:
        level = 1
    if (
        config.allow_msg_counter
        or config.allow_atomic
        or config.allow_msg_schedules
        or config.persist_mode == "async"
    ):
        level = 2
    if config.allow_batched:
        level = 4
    config.metadata = metadata.stored(config.metadata, level)
    return config


def _comparable(config: StreamConfig) -> StreamConfig:
    plain = _plain(config)
    plain.metadata = metadata.own(plain.metadata)
    return plain


def _checked(config: StreamConfig, around: Surroundings, pedantic: bool) -> Work[StreamConfig]:
    """Sets defaults in `config`, which is the caller's to change, and runs the common rules."""
    _check_labels(config)
    _check_enums(config)
    _set_replicas(config)
    _set_unlimited(config, pedantic)
    _set_duplicate_window(config, around.limits(config.num_replicas, config.name), pedantic)
    if config.deny_purge and config.allow_rollup_hdrs:
        raise invalid_config("roll-ups require the purge permission")
    _check_counter(config)
    _check_discard(config)
    _set_markers(config, pedantic)
    _set_schedules(config, pedantic)
    _check_persist_mode(config)
    yield from source_rules.check_mirror(config, around, pedantic)
    yield from source_rules.check_sources(config, around)
    yield from source_rules.check_external_prefixes(config, around)
    yield from source_rules.check_cycles(config, around)
    yield from _set_subjects(config)
    _check_stream_bytes(config, around.limits(config.num_replicas, config.name))
    if config.subject_transform is not None:
        transform = config.subject_transform
        check_transform(transform.src, transform.dest, 10155, 10156)
    yield from _set_republish(config, pedantic)
    _set_placement(config)
    return config


def _check_labels(config: StreamConfig) -> None:
    if not is_asset_name(config.name):
        raise invalid_config("stream name is required and can not contain '.', '*', '>', '\\', '/'")
    if len(config.name.encode()) > NAME_MAX:
        raise invalid_config(f"stream name is too long, maximum allowed is {NAME_MAX}")
    if len(config.description.encode()) > DESCRIPTION_MAX:
        raise invalid_config(
            f"stream description is too long, maximum allowed is {DESCRIPTION_MAX}"
        )
    if metadata.size(config.metadata) > metadata.METADATA_MAX:
        most = metadata.METADATA_MAX
        raise invalid_config(f"stream metadata exceeds maximum size of {most} bytes")


def _check_enums(config: StreamConfig) -> None:
    for name, words, complaint in _ENUMS:
        if getattr(config, name) not in words:
            raise invalid_config(complaint)


def _set_replicas(config: StreamConfig) -> None:
    config.num_replicas = config.num_replicas or 1
    if config.num_replicas > REPLICAS_MAX:
        raise invalid_config(f"maximum replicas is {REPLICAS_MAX}")
    if config.num_replicas < 0:
        raise api_error(10133)


def _set_unlimited(config: StreamConfig, pedantic: bool) -> None:
    for name in _UNLIMITED_AT_ZERO:
        if getattr(config, name) < -1 and pedantic:
            raise pedantic_error(f"{name} must be set to -1")
        if getattr(config, name) < 1:
            setattr(config, name, -1)


def _set_duplicate_window(config: StreamConfig, limits: Limits, pedantic: bool) -> None:
    if config.max_age < 0:
        raise invalid_config("max age can not be negative")
    if 0 < config.max_age < SHORTEST_AGE_NS:
        raise invalid_config("max age needs to be >= 100ms")
    if config.duplicate_window == 0 and config.mirror is None and not config.sources:
        window_ns = DUPLICATE_WINDOW_DEFAULT_NS
        if 0 < limits.duplicate_window_ns < window_ns:
            if pedantic:
                raise pedantic_error("duplicate window limits are higher than current limits")
            window_ns = limits.duplicate_window_ns
        if 0 < config.max_age < window_ns:
            if pedantic:
                raise pedantic_error("duplicate window cannot be bigger than max age")
            window_ns = config.max_age
        config.duplicate_window = window_ns
    window_ns = config.duplicate_window
    if window_ns < 0:
        raise invalid_config("duplicates window can not be negative")
    if 0 < config.max_age < window_ns:
        raise invalid_config("duplicates window can not be larger then max age")
    if 0 < limits.duplicate_window_ns < window_ns:
        most = format_duration_ns(limits.duplicate_window_ns)
        raise invalid_config(f"duplicates window can not be larger then server limit of {most}")
    if 0 < window_ns < SHORTEST_AGE_NS:
        raise invalid_config("duplicates window needs to be >= 100ms")


def _check_counter(config: StreamConfig) -> None:
    if not config.allow_msg_counter:
        return
    if config.discard == "new":
        raise invalid_config("counter stream cannot use discard new")
    if config.allow_msg_ttl:
        raise invalid_config("counter stream cannot use message TTLs")
    if config.allow_msg_schedules:
        raise invalid_config("counter stream cannot use message schedules")
    if config.retention != "limits":
        raise invalid_config("counter stream can only use limits retention")


def _check_discard(config: StreamConfig) -> None:
    if not config.discard_new_per_subject:
        return
    if config.discard != "new":
        raise invalid_config("discard new per subject requires discard new policy to be set")
    if config.max_msgs_per_subject <= 0:
        raise invalid_config("discard new per subject requires max msgs per subject > 0")


def _set_markers(config: StreamConfig, pedantic: bool) -> None:
    ttl_ns = config.subject_delete_marker_ttl
    if ttl_ns < 0:
        raise invalid_config("subject delete marker TTL must not be negative")
    if ttl_ns == 0:
        return
    if ttl_ns < SHORTEST_MARKER_TTL_NS:
        raise invalid_config("subject delete marker TTL must be at least 1 second")
    if not config.allow_msg_ttl:
        if pedantic:
            raise invalid_config("subject delete marker cannot be set if message TTLs are disabled")
        config.allow_msg_ttl = True
    _set_rollup(config, pedantic, "subject delete marker cannot be set if roll-ups are disabled")


def _set_schedules(config: StreamConfig, pedantic: bool) -> None:
    if not config.allow_msg_schedules:
        return
    if config.discard == "new":
        raise invalid_config("message scheduling cannot use discard new")
    _set_rollup(config, pedantic, "message scheduling cannot be set if roll-ups are disabled")


def _set_rollup(config: StreamConfig, pedantic: bool, complaint: str) -> None:
    if config.allow_rollup_hdrs:
        return
    if pedantic:
        raise invalid_config(complaint)
    config.allow_rollup_hdrs, config.deny_purge = True, False


def _check_persist_mode(config: StreamConfig) -> None:
    if config.persist_mode != "async":
        return
    if config.storage != "file":
        raise invalid_config("async persist mode is only supported on file storage")
    if config.num_replicas > 1:
        raise invalid_config("async persist mode is not supported on replicated streams")
    if config.allow_atomic:
        raise invalid_config("async persist mode is not supported with atomic batch publish")


def _set_subjects(config: StreamConfig) -> Work[None]:
    if not config.subjects and config.mirror is None and not config.sources:
        config.subjects = [config.name]
        return
    pair = yield from first_overlap([subject.encode() for subject in config.subjects])
    for place, subject in enumerate(config.subjects):
        if place % SUBJECTS == SUBJECTS - 1:
            yield
        if not is_subject(subject):
            raise invalid_config("invalid subject")
        if subject == FULL_WILDCARD:
            if not config.no_ack:
                raise invalid_config("capturing all subjects requires no-ack to be true")
            if config.num_replicas != 1:
                raise invalid_config("capturing all subjects requires replicas of 1")
        if not config.no_ack and subject[0] in _MAY_BE_RESERVED:
            _check_reserved(subject)
        if pair is not None and place == pair[0]:
            other = config.subjects[pair[1]]
            shown = f"{quote(subject.encode())} overlaps with {quote(other.encode())}"
            raise invalid_config(f"subject {shown}")


def _check_reserved(subject: str) -> None:
    for space, free, owner in _RESERVED:
        if subjects_collide(subject, space) and not covers(free, subject):
            raise invalid_config(
                f"subjects that overlap with {owner} api require no-ack to be true"
            )


def _check_stream_bytes(config: StreamConfig, limits: Limits) -> None:
    if limits.max_bytes_required and config.max_bytes <= 0:
        raise api_error(10113)
    in_memory = config.storage == "memory"
    most = limits.memory_max_stream_bytes if in_memory else limits.storage_max_stream_bytes
    if 0 < most < config.max_bytes:
        raise api_error(10122)


def _set_republish(config: StreamConfig, pedantic: bool) -> Work[None]:
    republish, transform = config.republish, config.subject_transform
    if republish is None:
        return
    if not republish.src:
        if pedantic:
            raise pedantic_error("republish source can not be empty")
        republish.src = FULL_WILDCARD
    # Everything to everything would loop, unless a transform moves all that the stream gets.
    if (
        republish.src == republish.dest == FULL_WILDCARD
        and transform is not None
        and config.subjects == [transform.src]
    ):
        if pedantic:
            raise pedantic_error("implicit republish based on subject transform")
        republish.src = republish.dest = transform.dest
    if (yield from any_overlap([republish.dest.encode()], config.subjects)):
        raise invalid_config("stream configuration for republish destination forms a cycle")
    try:
        SubjectTransform.compile(republish.src, republish.dest)
    except TransformError:
        raise invalid_config(
            f"stream configuration for republish with transform from '{republish.src}'"
            f" to '{republish.dest}' not valid"
        ) from None


def _set_placement(config: StreamConfig) -> None:
    if config.placement == Placement():
        config.placement = None
    if config.placement is not None and config.placement.preferred:
        raise invalid_config("preferred server not permitted in placement")


def _check_changes(old: StreamConfig, new: StreamConfig) -> None:
    """What an update may not change."""
    update = "stream configuration update can not"
    workqueue = "workqueue" in (old.retention, new.retention)
    if new.storage != old.storage:
        raise invalid_config(f"{update} change storage type")
    if new.retention != old.retention and workqueue:
        raise invalid_config(f"{update} change retention policy to/from workqueue")
    if old.sealed and not new.sealed:
        raise invalid_config(f"{update} unseal a sealed stream")
    if old.deny_delete and not new.deny_delete:
        raise invalid_config(f"{update} cancel deny message deletes")
    if old.deny_purge and not new.deny_purge:
        raise invalid_config(f"{update} cancel deny purge")
    # Without its mirror it becomes an ordinary stream.
    if new.mirror is not None and new.mirror != old.mirror:
        raise api_error(10055)
    if old.allow_msg_ttl and not new.allow_msg_ttl:
        raise invalid_config("message TTL status can not be disabled")
    if old.allow_msg_counter != new.allow_msg_counter:
        raise invalid_config(f"{update} change message counter setting")
    if old.allow_msg_schedules and not new.allow_msg_schedules:
        raise invalid_config("message schedules can not be disabled")
    if old.persist_mode != new.persist_mode:
        raise invalid_config(f"{update} change persist mode")


def _check_consumers(config: StreamConfig, limits: Limits) -> None:
    if 0 < limits.max_consumers < config.max_consumers:
        raise api_error(10026)


def _check_consumer_limits(
    old: StreamConfig, new: StreamConfig, around: Surroundings
) -> Work[None]:
    """Its consumers must be within limits that are new."""
    before, limits = old.consumer_limits, new.consumer_limits
    if any(
        getattr(limits, name) > 0 and getattr(limits, name) != getattr(before, name)
        for name in limits.__struct_fields__
    ):
        names = yield from around.beyond(limits, old.name)
        if names:
            raise api_error(10069, err=f"change to limits violates consumers: {', '.join(names)}")


def _check_claim(
    config: StreamConfig, size: int, limits: Limits, around: Surroundings, held: int = 0
) -> None:
    """Whether account and server can promise `size` bytes besides the `held` ones.

    Every replica counts for the account.
    """
    in_memory = config.storage == "memory"
    most = limits.max_memory if in_memory else limits.max_storage
    left = limits.memory_left if in_memory else limits.storage_left
    size = 1 if size < 0 else size
    asked = size * max(config.num_replicas, 1)
    promised = held + around.promised(config.storage, config.name)
    if (most >= 0 and promised + asked > most) or (size > 0 and 0 <= left < held + size):
        raise api_error(10028 if in_memory else 10047)


def _check_overlap(config: StreamConfig, around: Surroundings) -> Work[None]:
    if (yield from around.captured([each.encode() for each in config.subjects], config.name)):
        raise api_error(10065)
