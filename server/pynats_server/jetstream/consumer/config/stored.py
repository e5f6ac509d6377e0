"""Configurations as files and backups have them: whoever wrote them, nothing else gets to run."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from pynats_server.jetstream.config.rules import is_asset_name, is_literal_subject, is_subject
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.consumer.config.validation import sample_percent
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.requests.decode import decode

NO_NAME: Final = "no consumer can be called so"


def read_stored(name: str, saved: dict[str, Any]) -> ConsumerConfig:
    """The configuration that was stored for consumer `name`. It need not be one that a request may
    ask for, but one that can run. Raises ValueError."""
    try:
        config = decode(msgspec.json.encode(saved), ConsumerConfig, strict=True)
        sample_percent(config)
    except ApiError as error:
        raise ValueError(f"unsupported configuration: {error.description}") from None
    if not is_asset_name(name) or "\0" in name:
        raise ValueError(NO_NAME)
    if (config.durable_name or config.name or name) != name:
        raise ValueError("it is the configuration of another consumer")
    config.name = name
    if config.deliver_subject and not is_literal_subject(config.deliver_subject):
        raise ValueError("it delivers to what is no subject")
    if not all(is_subject(subject) for subject in config.filters):
        raise ValueError("a filter is no subject")
    return config


__all__ = ["read_stored"]
