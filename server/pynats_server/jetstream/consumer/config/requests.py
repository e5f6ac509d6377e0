"""The requests about consumers, typed, and what their subjects say."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from pynats_common.go.times import ZERO_TIME

from pynats_server.jetstream.config.model import JsonObject
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.consumer.config.validation import is_group_name
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.requests.decode import INVALID_JSON, decode_plainly
from pynats_server.jetstream.requests.field_types import Action, Int, Time, Uint64


class CreateRequest(JsonObject):
    """CONSUMER.CREATE and CONSUMER.DURABLE.CREATE."""

    go_name: ClassVar = "CreateConsumerRequest"
    stream_name: str = ""
    config: ConsumerConfig = msgspec.field(default_factory=ConsumerConfig)
    action: Action = ""  # "" = create or update
    pedantic: bool = False  # refuse to change what was asked for, even to set defaults


class PageRequest(JsonObject):
    """CONSUMER.NAMES and CONSUMER.LIST."""

    go_name: ClassVar = "JSApiConsumersRequest"
    offset: Int = 0


class PauseRequest(JsonObject):
    """CONSUMER.PAUSE; the zero time means to go on."""

    go_name: ClassVar = "JSApiConsumerPauseRequest"
    pause_until: Time = ZERO_TIME


class UnpinRequest(JsonObject):
    """CONSUMER.UNPIN."""

    go_name: ClassVar = "JSApiConsumerUnpinRequest"
    group: str = ""


class ResetRequest(JsonObject):
    """CONSUMER.RESET; 0 means the first that is not acknowledged."""

    go_name: ClassVar = "JSApiConsumerResetRequest"
    seq: Uint64 = 0


def addressed(request: CreateRequest, names: list[str], durable: bool = False) -> ConsumerConfig:
    """The configuration with the consumer's name as the subject has it, where it has one.

    `names` are the subject's: the stream, then perhaps the consumer, then perhaps a filter;
    `durable` says that it is a CONSUMER.DURABLE.CREATE. Raises ApiError for a body that says
    something else.
    """
    config = request.config
    stream, name, subject = (*names, "", "")[:3]
    if stream != request.stream_name:
        raise api_error(10056)
    if "/" in (name or config.name) or "\\" in (name or config.name):
        raise api_error(10127)
    if durable and not config.durable_name:
        raise api_error(10018)
    if name:
        if config.durable_name not in ("", name):
            raise api_error(10017)
        config.name = name
    elif config.durable_name:
        raise api_error(10020)
    if subject and config.filter_subjects:
        raise api_error(10137)
    if subject and subject != config.filter_subject:
        raise api_error(10131)
    if config.num_replicas > 1:
        raise api_error(10074)
    return config


def unpinned_group(body: bytes) -> str:
    """The group that CONSUMER.UNPIN names. Raises ApiError 10025, 10162."""
    group = decode_plainly(body, UnpinRequest).group
    if not group:
        raise api_error(INVALID_JSON, err="consumer group not specified")
    if not is_group_name(group):
        raise api_error(10162)
    return group


def reset_seq(body: bytes) -> int:
    """The sequence that CONSUMER.RESET names, 0 for none. Raises ApiError 10025."""
    return decode_plainly(body, ResetRequest).seq if body else 0
