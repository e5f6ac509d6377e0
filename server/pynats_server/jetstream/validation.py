"""Defaults and rules of stream configurations (server-inventory 6.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from pynats_common.subjects import is_valid_subject, subjects_overlap

from pynats_server.version import VERSION

from .errors import ApiError, api_error
from .model import (
    API_LEVEL,
    REQUIRED_LEVEL_KEY,
    SERVER_LEVEL_KEY,
    SERVER_VERSION_KEY,
    StreamConfig,
)

DUPLICATE_WINDOW = 120_000_000_000  # ns
_NAME = re.compile(r"[^\s.*>/\\\x00]{1,255}")


class Surroundings(Protocol):
    """What a configuration has to get along with."""

    def streams(self) -> Iterable[StreamConfig]:
        """The account's streams."""


def _invalid(text: str) -> ApiError:
    return api_error(10052, err=text)


def prepare_create(
    config: StreamConfig, surroundings: Surroundings, pedantic: bool = False
) -> StreamConfig:
    """The configuration with defaults. Raises ApiError."""
    made = config.copy()
    if not _NAME.fullmatch(made.name):
        raise _invalid("stream name is required and can not contain '.', '*', '>'")
    for field in (
        "max_consumers", "max_msgs", "max_bytes", "max_msgs_per_subject", "max_msg_size",
    ):  # fmt: skip
        if getattr(made, field) <= 0:
            setattr(made, field, -1)
    made.num_replicas = made.num_replicas or 1
    if made.num_replicas > 1:
        raise api_error(10074)
    if not made.subjects and not made.mirror and not made.sources:
        made.subjects = [made.name]
    for subject in made.subjects:
        if not is_valid_subject(subject):
            raise _invalid("invalid subject")
    for other in surroundings.streams():
        if other.name != made.name and any(
            subjects_overlap(a, b) for a in made.subjects for b in other.subjects
        ):
            raise api_error(10065)
    if not made.duplicate_window and not made.mirror:
        made.duplicate_window = min(DUPLICATE_WINDOW, made.max_age or DUPLICATE_WINDOW)
    made.metadata = {**made.metadata, REQUIRED_LEVEL_KEY: "0"}
    return made


def prepare_update(
    old: StreamConfig, new: StreamConfig, surroundings: Surroundings, pedantic: bool = False
) -> StreamConfig:
    """The new configuration with defaults. Raises ApiError."""
    made = prepare_create(new, surroundings, pedantic)
    if made.storage != old.storage:
        raise _invalid("stream configuration update can not change storage type")
    return made


def same_config(there: StreamConfig, asked: StreamConfig) -> bool:
    """Whether a create request asks for what is there already."""
    return there.as_dict() == asked.as_dict()


def public_config(config: StreamConfig) -> StreamConfig:
    """The configuration as create, update and info show it."""
    made = config.copy()
    made.metadata = {
        **made.metadata, SERVER_LEVEL_KEY: str(API_LEVEL), SERVER_VERSION_KEY: VERSION,
    }  # fmt: skip
    return made
