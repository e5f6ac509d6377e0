"""Thresholds kept with a stream or consumer, in its metadata under `io.nats.monitor.`.

An option class names its keys in `KEYS`: field, key and how its text is read. What the caller has
set already (not None) wins over the metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pynats_common.go.durations import parse_long_duration_ns
from pynats_common.go.quoting import quote_excerpt

PREFIX = "io.nats.monitor."
ENABLED = "enabled"

Reader = Callable[[str], object]
Key = tuple[str, str, Reader]
"""Name of the field, key without the prefix, reader of the text."""


class MetadataError(ValueError):
    """A value in the metadata cannot be read."""


def whole(text: str) -> int:
    """A number without sign."""
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"invalid number {quote_excerpt(text)}")
    return int(text)


def signed(text: str) -> int | None:
    """A whole number; a negative one means `not set`."""
    number = whole(text.removeprefix("-"))
    return None if text.startswith("-") else number


def duration(text: str) -> int:
    return parse_long_duration_ns(text)


def truth(text: str) -> bool:
    """A truth value as Go reads it."""
    if text in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if text in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    raise ValueError(f"invalid truth value {quote_excerpt(text)}")


def enabled(metadata: Mapping[str, str] | None) -> bool:
    """Whether the owner asked for monitoring. Raises MetadataError."""
    text = (metadata or {}).get(PREFIX + ENABLED, "")
    return _read((ENABLED, ENABLED, truth), text) is True if text else False


def fill(options: Any, keys: tuple[Key, ...], metadata: Mapping[str, str] | None) -> None:
    """Fills fields that are None from the metadata. Raises MetadataError."""
    for key in keys:
        text = (metadata or {}).get(PREFIX + key[1])
        if text is not None and getattr(options, key[0]) is None:
            setattr(options, key[0], _read(key, text))


def _read(key: Key, text: str) -> object:
    try:
        return key[2](text)
    except ValueError as error:
        raise MetadataError(f"{PREFIX}{key[1]}: {error}") from None
