"""What the server makes of the fields that a request leaves out, or gives values out of range.

In pedantic mode it refuses (10157) rather than correct what somebody wrote, or take over what the
stream or server prescribes; plain defaults it sets all the same.
"""

from __future__ import annotations

from typing import Final

from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.config.rules import pedantic_error
from pynats_server.jetstream.consumer.config.context import Limits
from pynats_server.jetstream.consumer.config.model import ConsumerConfig

ACK_WAIT_NS: Final = 30_000_000_000
MAX_ACK_PENDING: Final = 1000
MAX_WAITING: Final = 512
INACTIVE_THRESHOLD_NS: Final = 5_000_000_000  # of a consumer that is not durable
PRIORITY_TIMEOUT_NS: Final = 120_000_000_000  # of a pinned client
FLOW_CONTROL_HEARTBEAT_NS: Final = 1_000_000_000  # where flow control acknowledges
UNLIMITED: Final = -1

# Fields in the order in which they are looked at: the least value, and what a pedantic server says
# of a lower one, which becomes the least.
_LEAST: Final = (
    ("max_deliver", UNLIMITED, "max_deliver must be set to -1"),
    ("max_waiting", 0, "max_waiting must not be negative"),
    ("max_ack_pending", UNLIMITED, "max_ack_pending must be set to -1"),
    ("max_batch", 0, "max_batch must not be negative"),
    ("max_expires", 0, "max_expires must not be negative"),
    ("max_bytes", 0, "max_bytes must not be negative"),
    ("idle_heartbeat", 0, "idle_heartbeat must not be negative"),
    ("inactive_threshold", 0, "inactive_threshold must not be negative"),
    ("priority_timeout", 0, "priority_timeout must not be negative"),
)


def set_defaults(
    config: ConsumerConfig, stream: StreamConfig, limits: Limits, pedantic: bool
) -> None:
    """Completes `config`, which is the caller's to change. Raises ApiError 10157 if pedantic."""
    for name, least, complaint in _LEAST:
        if getattr(config, name) < least:
            if pedantic:
                raise pedantic_error(complaint)
            setattr(config, name, least)
    config.max_deliver = config.max_deliver or UNLIMITED
    if not config.is_push:
        config.max_waiting = config.max_waiting or MAX_WAITING
    _set_ack_wait(config, pedantic)
    _take_stream_limits(config, stream, pedantic)
    if config.max_ack_pending == 0 and config.ack_policy != "none":
        config.max_ack_pending = _most_pending(limits)
    if not config.is_push and config.max_batch == 0 and limits.max_request_batch > 0:
        if pedantic:
            raise pedantic_error("max_request_batch must be set if it's JetStream limits are set")
        config.max_batch = limits.max_request_batch
    if config.priority_policy == "pinned_client":
        config.priority_timeout = config.priority_timeout or PRIORITY_TIMEOUT_NS
    if config.ack_policy == "flow_control" and not pedantic:
        config.flow_control = True
        config.idle_heartbeat = FLOW_CONTROL_HEARTBEAT_NS


def _set_ack_wait(config: ConsumerConfig, pedantic: bool) -> None:
    if config.ack_wait == 0 and config.ack_policy in ("explicit", "all"):
        config.ack_wait = ACK_WAIT_NS
    if config.backoff:
        if pedantic and config.ack_wait != config.backoff[0]:
            raise pedantic_error("first backoff value has to equal batch AckWait")
        config.ack_wait = config.backoff[0]


def _take_stream_limits(config: ConsumerConfig, stream: StreamConfig, pedantic: bool) -> None:
    for name in ("max_ack_pending", "inactive_threshold"):
        prescribed = getattr(stream.consumer_limits, name)
        if getattr(config, name) == 0:
            if pedantic and prescribed > 0:
                raise pedantic_error(f"{name} must be set if it's configured in stream limits")
            setattr(config, name, prescribed)


def _most_pending(limits: Limits) -> int:
    bounds = (limits.max_ack_pending, limits.account_max_ack_pending)
    return min([MAX_ACK_PENDING, *(bound for bound in bounds if bound > 0)])
