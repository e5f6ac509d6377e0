"""What an update of a consumer may change."""

from __future__ import annotations

from typing import Final

from pynats_common.go.times import parse_instant_ns

from pynats_server.jetstream.config import metadata
from pynats_server.jetstream.consumer.config.context import Surroundings
from pynats_server.jetstream.consumer.config.defaults import INACTIVE_THRESHOLD_NS
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.consumer.config.validation import check_backoff
from pynats_server.jetstream.errors import ApiError, api_error

# Fields that stay as they are, in the order in which they are looked at. A deliver subject may be
# changed to another one, so it has rules of its own.
_FIXED_BEFORE_START_TIME: Final = (
    ("deliver_policy", "deliver policy"),
    ("mem_storage", "storage type"),
    ("direct", "direct"),
    ("sourcing", "sourcing"),
    ("opt_start_seq", "start sequence"),
)
_FIXED_AFTER_START_TIME: Final = (
    ("ack_policy", "ack policy"),
    ("replay_policy", "replay policy"),
    ("idle_heartbeat", "heart beats"),
    ("flow_control", "flow control"),
)


def check_update(old: ConsumerConfig, new: ConsumerConfig, around: Surroundings) -> None:
    """Whether consumer `old` may become `new`, both prepared. Raises ApiError 10012, 10013."""
    _check_fixed(old, new, _FIXED_BEFORE_START_TIME)
    if _instant_ns(old.opt_start_time) != _instant_ns(new.opt_start_time):
        raise _refused("start time can not be updated")
    _check_fixed(old, new, _FIXED_AFTER_START_TIME)
    if old.deliver_subject != new.deliver_subject:
        if not old.is_push:
            raise _refused("can not update pull consumer to push based")
        if not new.is_push:
            raise _refused("can not update push consumer to pull based")
        if around.is_heard(old.deliver_subject):
            raise api_error(10013)
    if old.max_waiting != new.max_waiting:
        raise _refused("max waiting can not be updated")
    check_backoff(new)


def same_config(asked: ConsumerConfig, existing: ConsumerConfig) -> bool:
    """Whether a request to create `asked` (prepared) is satisfied by the existing consumer."""
    return _comparable(asked) == _comparable(existing)


def _check_fixed(
    old: ConsumerConfig, new: ConsumerConfig, fields: tuple[tuple[str, str], ...]
) -> None:
    for name, words in fields:
        if getattr(old, name) != getattr(new, name):
            raise _refused(f"{words} can not be updated")


def _refused(reason: str) -> ApiError:
    return api_error(10012, err=reason)


def _instant_ns(text: str | None) -> int | None:
    return None if text is None else parse_instant_ns(text)


def _comparable(config: ConsumerConfig) -> ConsumerConfig:
    plain = config.copy()
    plain.metadata = metadata.own(config.metadata)
    if not plain.durable_name:
        plain.inactive_threshold = plain.inactive_threshold or INACTIVE_THRESHOLD_NS
    return plain
