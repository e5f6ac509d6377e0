"""From what a request asks for to the configuration that a consumer gets, or the refusal.

What the API does with a request: `requests.addressed`; the stream; `prepare`; then `create` or
`update` the consumer of the name in the result. The steps of `prepare` run in the real server's
order. It leaves what it is given alone and raises nothing but ApiError. As it is work in slices,
the consumers of the stream must not change between two of them: the caller sees to that.
"""

from __future__ import annotations

import secrets
import string
from typing import Final

from pynats_common.go.times import ZERO_TIME, in_utc

from pynats_server.jetstream.config import metadata
from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.config.rules import NAME_MAX
from pynats_server.jetstream.consumer.config.context import Limits, Surroundings
from pynats_server.jetstream.consumer.config.defaults import (
    INACTIVE_THRESHOLD_NS,
    set_defaults,
)
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.consumer.config.updates import check_update, same_config
from pynats_server.jetstream.consumer.config.validation import check
from pynats_server.jetstream.errors import api_error
from pynats_server.work import Work

CREATE: Final = "create"
UPDATE: Final = "update"
EITHER: Final = ""

_NAME_LETTERS: Final = string.ascii_letters + string.digits
_NAME_LENGTH: Final = 8


def prepare(
    asked: ConsumerConfig, action: str, around: Surroundings, pedantic: bool = False
) -> Work[ConsumerConfig]:
    """The configuration for a new consumer, or the new one of an existing consumer of its name.

    `action` is `CREATE`, `UPDATE` or `EITHER`. To create what is there already, and the same, is
    no error: the result then equals what the consumer has.
    """
    stream = around.stream
    config = asked.copy()
    _serve_origins(config, stream)
    existing = around.existing(config.durable_name or config.name)
    if existing is not None:
        _keep(config, existing)
    config.metadata = metadata.stored(config.metadata, _required_level(config))
    limits = around.limits(_replicas(config, stream))
    set_defaults(config, stream, limits, pedantic)
    yield from check(config, stream, limits)
    if existing is not None:
        if action == CREATE and not same_config(config, existing):
            raise api_error(10148)
        yield from _check_queue_update(config, around)
        check_update(existing, config, around)
        if config.pause_until is not None:
            config.pause_until = in_utc(config.pause_until)
        _set_threshold(config, existing)
        return config
    if action == UPDATE:
        raise api_error(10149)
    if config.is_counted:
        _check_count(stream, limits, around)
        yield from _check_queue(config, around)
    _give_name(config, around)
    _set_threshold(config, None)
    return config


def recovered(saved: ConsumerConfig, stream: StreamConfig, limits: Limits) -> ConsumerConfig:
    """The configuration of a consumer that was saved, perhaps by another version or server: with
    its defaults, and no questions asked."""
    config = saved.copy()
    config.name = config.durable_name or config.name
    set_defaults(config, stream, limits, pedantic=False)
    _set_threshold(config, None)
    return config


def paused(config: ConsumerConfig, until: str) -> ConsumerConfig:
    """The configuration of a consumer that is to deliver nothing until that time, in UTC; the zero
    time ends a pause."""
    made = config.copy()
    made.pause_until = until if until != ZERO_TIME else None
    made.metadata = metadata.stored(made.metadata, _required_level(made))
    return made


def _serve_origins(config: ConsumerConfig, stream: StreamConfig) -> None:
    """What a mirror or source of another stream asks for to read. Where messages go once they are
    consumed, it must be a consumer that lasts and acknowledges; elsewhere a fleeting one does,
    whose name must not be that of the one before, which may still be there."""
    if not (config.direct and config.sourcing and config.name):
        return
    if stream.retention == "limits":
        config.name = f"{config.name}-{_random_name()}"
        return
    config.direct = False
    config.durable_name = config.name
    config.ack_policy = "flow_control"
    config.ack_wait = config.max_deliver = config.inactive_threshold = 0


def _keep(config: ConsumerConfig, existing: ConsumerConfig) -> None:
    """What a request cannot change and need not repeat."""
    config.pause_until = existing.pause_until
    if config.sourcing and config.durable_name:
        config.deliver_policy = existing.deliver_policy
        config.opt_start_seq = existing.opt_start_seq
        config.opt_start_time = existing.opt_start_time


def _required_level(config: ConsumerConfig) -> int:
    """The API level that a server needs to run the consumer."""
    if config.ack_policy == "flow_control":
        return 4
    prioritised = config.priority_policy or config.priority_groups or config.priority_timeout
    until = config.pause_until
    return 1 if prioritised or (until is not None and in_utc(until) != ZERO_TIME) else 0


def _replicas(config: ConsumerConfig, stream: StreamConfig) -> int:
    """Copies that count against the account's limits."""
    if 0 != config.num_replicas <= stream.num_replicas:
        return config.num_replicas
    fleeting = not config.durable_name and stream.retention == "limits" and not config.num_replicas
    return 1 if fleeting else stream.num_replicas


def _check_count(stream: StreamConfig, limits: Limits, around: Surroundings) -> None:
    most = stream.max_consumers
    if most <= 0 or 0 < limits.account_max_consumers < most:
        most = limits.account_max_consumers
    if most <= 0:
        most = limits.default_max_consumers
    if 0 < most <= around.counted():
        raise api_error(10026)


def _check_queue(config: ConsumerConfig, around: Surroundings) -> Work[None]:
    """The rules for a new consumer of a work queue."""
    if around.stream.retention != "workqueue":
        return
    if config.ack_policy not in ("explicit", "flow_control"):
        raise api_error(10098)
    if config.deliver_policy != "all":
        raise api_error(10101)
    if around.counted() > 0:
        if not config.filters:
            raise api_error(10099)
        if (yield from _is_claimed(config, around)):
            raise api_error(10100)


def _check_queue_update(config: ConsumerConfig, around: Surroundings) -> Work[None]:
    """The rules for a consumer that a work queue has already."""
    if around.stream.retention != "workqueue" or not config.is_counted:
        return
    if (yield from _is_claimed(config, around)):
        raise api_error(10100 if config.filters else 10099)


def _is_claimed(config: ConsumerConfig, around: Surroundings) -> Work[bool]:
    filters = [subject.encode() for subject in config.filters or [">"]]
    return around.claimed(filters, config.name)


def _give_name(config: ConsumerConfig, around: Surroundings) -> None:
    """A durable consumer is called so; one without a name gets a random one."""
    name = config.durable_name or config.name
    if len(name.encode()) > NAME_MAX:
        raise api_error(10102, max=NAME_MAX)
    if "\0" in name:  # no folder can be called so, and no subject can hold it
        raise api_error(10012, err="error creating store for consumer")
    while not name:
        name = _random_name()
        if around.existing(name) is not None:
            name = ""
    config.name = name


def _set_threshold(config: ConsumerConfig, existing: ConsumerConfig | None) -> None:
    """Without a durable name consumers do not stay for ever, but those that had one, or were
    changed to stay, do so until a request says a time."""
    if config.durable_name or config.inactive_threshold > 0:
        return
    if existing is None or (not existing.durable_name and existing.inactive_threshold > 0):
        config.inactive_threshold = INACTIVE_THRESHOLD_NS


def _random_name() -> str:
    return "".join(secrets.choice(_NAME_LETTERS) for _ in range(_NAME_LENGTH))
