"""Kinds of values that only benchmarks have, with the original's words for bad ones."""

from __future__ import annotations

from pynats_common.commandline.kinds import DURATION, SIZE, TEXT, UNSIGNED, Kind, in_range
from pynats_common.go.quoting import quote_excerpt

STREAM, CONSUMER, BUCKET = "benchstream", "nats-bench", "benchbucket"
"""The usual names: what has one of them was made by benchmarks, and is nobody's."""
CLIENTS_MAX = 100_000
MESSAGES_MAX = 2**63 - 1
FAST_BATCH_MAX = 65_535


_THOUSANDS = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}


def _messages(text: str) -> int:
    digits, unit = text[:-1], text[-1:].lower()
    if unit in _THOUSANDS and digits.isdecimal():  # 500k, 10M
        number = int(UNSIGNED.parse(digits)) * _THOUSANDS[unit]
    else:
        number = UNSIGNED.parse(text)
    if not number:
        raise ValueError("number of messages should be greater than 0")
    if number > MESSAGES_MAX:
        raise ValueError(f"number of messages should be at most {MESSAGES_MAX:,}")
    return number


def _size_of(what: str) -> Kind:
    def size(text: str) -> int:
        try:
            number: int = SIZE.parse(text)
        except ValueError:
            number = 0
        if number <= 0:
            raise ValueError(f"can not parse or invalid the value specified for the {what}: {text}")
        return number

    return Kind(SIZE.placeholder, size, spell=SIZE.spell)


def _time(text: str) -> int:
    number: int = DURATION.parse(text)
    if number < 0:
        raise ValueError(f"must not be negative, got {text}")
    return number


def _name_of(what: str) -> Kind:
    """A token of a subject, and a folder's name."""

    def name(text: str) -> str:
        if not text or any(char.isspace() or char in ".*>/\\\0" for char in text):
            raise ValueError(f"{quote_excerpt(text)} is not a valid {what} name")
        return text

    return Kind(TEXT.placeholder, name)


STREAM_NAME = _name_of("stream")
CONSUMER_NAME = _name_of("consumer")
MESSAGES = Kind("N", _messages)
CLIENTS = in_range(UNSIGNED, 1, CLIENTS_MAX)
MESSAGE_SIZE = _size_of("message size")
STORE_SIZE = _size_of("max stream/bucket size")
TIME = Kind(DURATION.placeholder, _time, spell=DURATION.spell)
"""Nanoseconds, not negative."""
BATCH = in_range(UNSIGNED, 1, 10_000_000)
FAST_BATCH = in_range(UNSIGNED, 1, FAST_BATCH_MAX)
