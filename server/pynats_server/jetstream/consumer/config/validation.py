"""The rules for any consumer, new or not, once its defaults are set.

Order matters to clients: of several things wrong the first is reported, so the rules run in the
real server's order.
"""

from __future__ import annotations

import re
from typing import Final

from pynats_common.go.durations import format_duration_ns
from pynats_common.go.numbers import parse_int

from pynats_server.jetstream.config import metadata
from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.config.rules import (
    DESCRIPTION_MAX,
    invalid_config,
    is_asset_name,
    is_subject,
)
from pynats_server.jetstream.consumer.config.context import Limits
from pynats_server.jetstream.consumer.config.defaults import FLOW_CONTROL_HEARTBEAT_NS, UNLIMITED
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.subjects.collisions import any_overlap, some_nested
from pynats_server.work import Work

SHORTEST_HEARTBEAT_NS: Final = 100_000_000
SHORTEST_EXPIRES_NS: Final = 1_000_000
# How many are looked at before a rest; each is about 0.2 ms.
FILTERS: Final = 256
WAITS: Final = 4096
GROUPS: Final = 256

_GROUP: Final = re.compile(r"[a-zA-Z0-9/_=-]{1,16}")
# How complaints about start positions call the deliver policies; what each policy needs.
_POLICIES: Final = {
    "all": "all",
    "last": "last",
    "last_per_subject": "last per subject",
    "new": "new",
    "by_start_sequence": "by start sequence",
    "by_start_time": "by start time",
}


def check(config: ConsumerConfig, stream: StreamConfig, limits: Limits) -> Work[None]:
    """Raises ApiError for a configuration that no consumer of the stream may have."""
    _check_names(config)
    _check_replicas(config, stream)
    yield from _check_waits(config)
    if config.ack_policy == "flow_control":
        _check_flow_acks(config)
    check_backoff(config)
    if len(config.description.encode()) > DESCRIPTION_MAX:
        raise api_error(10107, max=DESCRIPTION_MAX)
    if config.is_push:
        yield from _check_push(config, stream)
    else:
        _check_pull(config, stream, limits)
    _check_limits(config, stream, limits)
    if config.direct and not config.is_push:
        raise api_error(10090)
    if config.direct and config.durable_name:
        raise api_error(10091)
    yield from _check_filters(config)
    _check_start(config)
    _check_sampling(config)
    if config.flow_control and config.idle_heartbeat == 0:
        raise api_error(10108)
    if config.durable_name and config.name and config.name != config.durable_name:
        raise api_error(10132)
    if metadata.size(config.metadata) > metadata.METADATA_MAX:
        raise api_error(10135, limit=f"{metadata.METADATA_MAX // 1024}KB")
    yield from _check_priority(config)


def check_backoff(config: ConsumerConfig) -> None:
    """More steps than deliveries make no sense."""
    if config.max_deliver != UNLIMITED and len(config.backoff) > config.max_deliver:
        raise api_error(10116)


def is_group_name(text: str) -> bool:
    """Whether this can be a priority group."""
    return _GROUP.fullmatch(text) is not None


def _check_names(config: ConsumerConfig) -> None:
    for name, what in ((config.name, "name"), (config.durable_name, "durable name")):
        if name and not is_asset_name(name):
            raise invalid_config(f"consumer {what} can not contain '.', '*', '>', '\\', '/'")


def _check_replicas(config: ConsumerConfig, stream: StreamConfig) -> None:
    if config.num_replicas > stream.num_replicas:
        raise api_error(10126)
    if config.num_replicas < 0:
        raise api_error(10133)
    if stream.retention != "limits" and config.num_replicas not in (0, stream.num_replicas):
        raise api_error(10134)


def _check_waits(config: ConsumerConfig) -> Work[None]:
    for at in range(0, len(config.backoff), WAITS):
        if at:
            yield
        if min(config.backoff[at : at + WAITS]) < 0:
            raise api_error(10184)
    if config.ack_wait < 0:
        raise api_error(10183)


def _check_flow_acks(config: ConsumerConfig) -> None:
    """Flow control can acknowledge only where it runs, and nothing else does."""
    if not config.is_push:
        raise api_error(10218)
    if not config.flow_control:
        raise api_error(10219)
    if config.idle_heartbeat != FLOW_CONTROL_HEARTBEAT_NS:
        raise invalid_config("flow control ack policy heartbeat needs to be 1s")
    if config.max_ack_pending <= 0:
        raise api_error(10220)
    if config.ack_wait or config.backoff:
        raise api_error(10221)
    if config.max_deliver > 0:
        raise api_error(10222)


def _check_push(config: ConsumerConfig, stream: StreamConfig) -> Work[None]:
    subject = config.deliver_subject
    whole = f".{subject}."
    if ".*." in whole or ".>." in whole:
        raise api_error(10079)
    if not is_subject(subject):
        raise api_error(10112)
    if (yield from any_overlap([subject.encode()], stream.subjects)):
        raise api_error(10081)
    if config.max_waiting != 0:
        raise api_error(10080)
    if config.max_ack_pending > 0 and config.ack_policy == "none":
        raise api_error(10082)
    if 0 < config.idle_heartbeat < SHORTEST_HEARTBEAT_NS:
        raise api_error(10083)


def _check_pull(config: ConsumerConfig, stream: StreamConfig, limits: Limits) -> None:
    if config.ack_policy == "none" and stream.retention == "workqueue":
        raise api_error(10084)
    if config.rate_limit_bps:
        raise api_error(10086)
    if config.idle_heartbeat:
        raise api_error(10088)
    if config.flow_control:
        raise api_error(10089)
    if 0 < config.max_expires < SHORTEST_EXPIRES_NS:
        raise api_error(10115)
    if 0 < limits.max_request_batch < config.max_batch:
        raise api_error(10125, limit=limits.max_request_batch)


def _check_limits(config: ConsumerConfig, stream: StreamConfig, limits: Limits) -> None:
    bounds = stream.consumer_limits
    for most in (limits.max_ack_pending, limits.account_max_ack_pending, bounds.max_ack_pending):
        if 0 < most < config.max_ack_pending:
            raise api_error(10121, limit=most)
    if 0 < bounds.inactive_threshold < config.inactive_threshold:
        raise api_error(10153, limit=format_duration_ns(bounds.inactive_threshold))


def _check_filters(config: ConsumerConfig) -> Work[None]:
    if config.filter_subject and config.filter_subjects:
        raise api_error(10136)
    if "" in config.filter_subjects:
        raise api_error(10139)
    # Of an invalid one and an overlap, the one that comes first counts.
    filters: list[bytes] = []
    valid = True
    for step, subject in enumerate(config.filters):
        if step % FILTERS == FILTERS - 1:
            yield
        valid = is_subject(subject)
        if not valid:
            break
        filters.append(subject.encode())
    if len(filters) > 1 and (yield from some_nested(filters)):
        raise api_error(10138)
    if not valid:
        raise invalid_config("invalid subject")


def _check_start(config: ConsumerConfig) -> None:
    """Sequence and time go with the policies that are named after them."""
    policy = config.deliver_policy
    by_sequence, by_time = policy == "by_start_sequence", policy == "by_start_time"
    has_sequence, has_time = config.opt_start_seq > 0, config.opt_start_time is not None
    if by_sequence and not has_sequence:
        raise _not_set(policy, "start sequence")
    if by_time and not has_time:
        raise _not_set(policy, "start time")
    if has_sequence and not by_sequence:
        # The real server says "start" twice where the policy is by time.
        raise _also_set(policy, "start sequence" if by_time else "sequence")
    if has_time and not by_time:
        raise _also_set(policy, "time")
    if policy == "last_per_subject" and not config.filters:
        raise _not_set(policy, "filter subject")


def _also_set(policy: str, what: str) -> ApiError:
    return _bad_start(policy, f"start {what} is also set")


def _not_set(policy: str, what: str) -> ApiError:
    return _bad_start(policy, f"{what} is not set")


def _bad_start(policy: str, what: str) -> ApiError:
    named = _POLICIES[policy]
    return api_error(10094, err=f"consumer delivery policy is deliver {named}, but optional {what}")


def _check_sampling(config: ConsumerConfig) -> None:
    if sample_percent(config) < 0:
        raise api_error(10095, err="<nil>")


def sample_percent(config: ConsumerConfig) -> int:
    """How many of a hundred acknowledgements are reported. Raises ApiError 10095."""
    if not config.sample_freq:
        return 0
    try:
        return parse_int(config.sample_freq.removesuffix("%"))
    except ValueError as error:
        raise api_error(10095, err=error) from None


def _check_priority(config: ConsumerConfig) -> Work[None]:
    if not config.priority_policy:
        if config.priority_groups:
            raise api_error(10196)
        if config.priority_timeout > 0:
            raise api_error(10197)
        return
    if config.is_push:
        raise api_error(10178)
    if not config.priority_groups:
        raise api_error(10159)
    for step, group in enumerate(config.priority_groups):
        if step % GROUPS == GROUPS - 1:
            yield
        if not group:
            raise api_error(10161)
        if not is_group_name(group):
            raise api_error(10162)
