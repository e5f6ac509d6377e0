"""Flags that describe a consumer, for the commands that create, copy and change one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import (
    DURATION,
    INTEGER,
    KEY_VALUE,
    SUBJECTS,
    TEXT,
    UNSIGNED,
    Choice,
)  # fmt: skip

ACK_POLICIES = ("none", "all", "explicit", "flow_control")
REPLAY_POLICIES = ("instant", "original")
BACKOFF_MODES = ("linear", "none")


@dataclass(kw_only=True)
class EditFlags:
    """What can be changed on a consumer that exists; None and empty are not given."""

    description: Annotated[str | None, opt("--description", help="What the consumer is for")] = None
    filters: Annotated[
        list[str] | None,
        opt("--filter", help="Deliver only these subjects", kind=SUBJECTS),
    ] = None
    headers_only: Annotated[
        bool | None,
        opt("--headers-only/--no-headers-only", help="Deliver headers without bodies"),
    ] = None
    max_deliver: Annotated[
        int | None,
        opt(
            "--max-deliver", help="How often a message is tried", kind=INTEGER, placeholder="TRIES"
        ),
    ] = None
    max_outstanding: Annotated[
        int | None, opt("--max-outstanding", help="As --max-pending", kind=INTEGER, hidden=True)
    ] = None
    max_pending: Annotated[
        int | None,
        opt("--max-pending", help="Unacknowledged messages before it pauses", kind=INTEGER),
    ] = None
    max_pull_batch: Annotated[
        int | None, opt("--max-pull-batch", help="Most messages of one pull", kind=INTEGER)
    ] = None
    max_pull_expire: Annotated[
        int | None, opt("--max-pull-expire", help="Longest life of one pull", kind=DURATION)
    ] = None
    max_pull_bytes: Annotated[
        int | None, opt("--max-pull-bytes", help="Most bytes of one pull", kind=INTEGER)
    ] = None
    sample: Annotated[
        int | None,
        opt("--sample", help="Percentage of acknowledgements to sample", kind=INTEGER),
    ] = None
    target: Annotated[
        str | None,
        opt("--target", help="Subject a push consumer delivers to", placeholder="SUBJECT"),
    ] = None
    wait: Annotated[
        int | None, opt("--wait", help="How long an acknowledgement may take", kind=DURATION)
    ] = None
    inactive_threshold: Annotated[
        int | None,
        opt("--inactive-threshold", help="Remove it when idle this long", kind=DURATION),
    ] = None
    replicas: Annotated[
        int | None,
        opt("--replicas", help="Replicas of its state, instead of the stream's", kind=INTEGER),
    ] = None
    metadata: Annotated[
        dict[str, str], opt("--metadata", help="Metadata of the consumer", kind=KEY_VALUE)
    ] = field(default_factory=dict)
    backoff: Annotated[
        str,
        opt("--backoff", help="How times between retries grow", kind=Choice(*BACKOFF_MODES)),
    ] = ""
    backoff_steps: Annotated[
        int, opt("--backoff-steps", help="Steps of the backoff", kind=UNSIGNED)
    ] = 10
    backoff_min: Annotated[
        int, opt("--backoff-min", help="Shortest time of the backoff", kind=DURATION)
    ] = 60_000_000_000
    backoff_max: Annotated[
        int, opt("--backoff-max", help="Longest time of the backoff", kind=DURATION)
    ] = 1_200_000_000_000


@dataclass(kw_only=True)
class CreateFlags(EditFlags):
    """What can be said of a new consumer."""

    ack: Annotated[
        str, opt("--ack", help="How messages are acknowledged", kind=Choice(*ACK_POLICIES))
    ] = ""
    bps: Annotated[int, opt("--bps", help="Most bits per second (push)", kind=UNSIGNED)] = 0
    deliver: Annotated[
        str,
        opt(
            "--deliver",
            help="Where it starts: all, new, last, subject, 1h, a sequence or a time",
            placeholder="POLICY",
        ),
    ] = ""
    deliver_group: Annotated[
        str | None, opt("--deliver-group", help="Queue group of push deliveries", kind=TEXT)
    ] = None
    ephemeral: Annotated[bool, opt("--ephemeral", help="Create an ephemeral consumer")] = False
    flow_control: Annotated[bool, opt("--flow-control", help="Flow control (push)")] = False
    heartbeat: Annotated[
        int | None,
        opt("--heartbeat", help="Idle heartbeats (push), -1 for none", kind=DURATION),
    ] = None
    max_waiting: Annotated[
        int | None,
        opt("--max-waiting", help="Most pulls that wait", kind=INTEGER, placeholder="PULLS"),
    ] = None
    pull: Annotated[bool, opt("--pull", help="Deliver messages when they are pulled")] = False
    replay: Annotated[
        str,
        opt("--replay", help="Speed of delivery: at once, or as received",
            kind=Choice(*REPLAY_POLICIES)),
    ] = ""  # fmt: skip
    memory: Annotated[bool, opt("--memory", help="Keep its state in memory")] = False
    pause: Annotated[
        str, opt("--pause", help="Pause it for a duration or until a time", placeholder="UNTIL")
    ] = ""
    pinned_groups: Annotated[
        list[str],
        opt("--pinned-groups", help="Pinned client priority groups", kind=SUBJECTS,
            placeholder="GROUPS"),
    ] = field(default_factory=list)  # fmt: skip
    pinned_ttl: Annotated[
        int | None,
        opt("--pinned-ttl", help="How long a client stays pinned without a pull", kind=DURATION),
    ] = None
    overflow_groups: Annotated[
        list[str],
        opt("--overflow-groups", help="Overflow priority groups", kind=SUBJECTS,
            placeholder="GROUPS"),
    ] = field(default_factory=list)  # fmt: skip
    prioritized_groups: Annotated[
        list[str],
        opt("--prioritized-groups", help="Prioritized priority groups", kind=SUBJECTS,
            placeholder="GROUPS"),
    ] = field(default_factory=list)  # fmt: skip
