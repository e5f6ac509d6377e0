"""A consumer's configuration, typed.

Field names, their order and what is left out when empty follow the real server; the fields are
explained in https://docs.nats.io/nats-concepts/jetstream/consumers.
Durations are nanoseconds, times RFC 3339 text (see `pynats_common.go.times`).
"""

from __future__ import annotations

from typing import ClassVar, Self

import msgspec

from pynats_server.jetstream.config import metadata
from pynats_server.jetstream.config.model import ConsumerLimits, JsonObject
from pynats_server.jetstream.requests.field_types import (
    AckPolicy,
    DeliverPolicy,
    Duration,
    Int,
    PriorityPolicy,
    ReplayPolicy,
    Time,
    Uint64,
)


class ConsumerConfig(JsonObject):
    """A consumer's configuration. Zero limits are given their defaults by `defaults`."""

    always: ClassVar = frozenset(("deliver_policy", "ack_policy", "replay_policy", "num_replicas"))

    durable_name: str = ""
    name: str = ""  # a durable one's, too
    description: str = ""
    deliver_policy: DeliverPolicy = "all"
    opt_start_seq: Uint64 = 0
    opt_start_time: Time | None = None
    ack_policy: AckPolicy = "none"  # none | all | explicit | flow_control
    ack_wait: Duration = 0
    max_deliver: Int = 0
    backoff: list[Duration] = msgspec.field(default_factory=list)
    filter_subject: str = ""
    filter_subjects: list[str] = msgspec.field(default_factory=list)
    replay_policy: ReplayPolicy = "instant"  # instant | original
    rate_limit_bps: Uint64 = 0  # bits
    sample_freq: str = ""  # percent, with or without the sign
    max_waiting: Int = 0
    max_ack_pending: Int = 0
    flow_control: bool = False
    headers_only: bool = False
    max_batch: Int = 0
    max_expires: Duration = 0
    max_bytes: Int = 0
    deliver_subject: str = ""  # of a push consumer; others are pull consumers
    deliver_group: str = ""
    idle_heartbeat: Duration = 0
    inactive_threshold: Duration = 0
    num_replicas: Int = 0  # 0 = as the stream
    mem_storage: bool = False
    direct: bool = False  # reads for a mirror or source, and leaves no trace
    sourcing: bool = False  # reads for a mirror or source
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    pause_until: Time | None = None
    priority_groups: list[str] = msgspec.field(default_factory=list)
    priority_policy: PriorityPolicy = ""  # "" = none | overflow | pinned_client | prioritized
    priority_timeout: Duration = 0

    def copy(self) -> Self:
        """An independent copy."""
        made = msgspec.structs.replace(self)
        made.backoff = list(self.backoff)
        made.filter_subjects = list(self.filter_subjects)
        made.priority_groups = list(self.priority_groups)
        made.metadata = dict(self.metadata)
        return made

    @property
    def is_push(self) -> bool:
        """Whether the server sends on its own."""
        return bool(self.deliver_subject)

    @property
    def filters(self) -> list[str]:
        """The subjects that it wants; none means all."""
        return [self.filter_subject] if self.filter_subject else self.filter_subjects

    @property
    def is_counted(self) -> bool:
        """Whether it belongs to a user: what reads for mirrors and sources is bound by no limit."""
        return not (self.direct or self.sourcing)

    def exceeds(self, limits: ConsumerLimits) -> bool:
        """Whether it has more than a stream allows."""
        return (
            0 < limits.inactive_threshold < self.inactive_threshold
            or 0 < limits.max_ack_pending < self.max_ack_pending
        )

    def public(self) -> Self:
        """The configuration as answers show it."""
        shown = self.copy()
        shown.metadata = metadata.shown(self.metadata)
        return shown
