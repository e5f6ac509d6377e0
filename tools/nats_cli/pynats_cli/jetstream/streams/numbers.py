"""Kinds of numbers that only streams have."""

from __future__ import annotations

from pynats_common.commandline.kinds import DURATION, Kind
from pynats_common.go.durations import SECOND_NS
from pynats_common.go.quoting import quote_excerpt


def _message_id(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise ValueError(f"message id must be a number, got {quote_excerpt(text)}") from None
    if number < -1:
        raise ValueError(f"message id must be a number of 0 or more, got {quote_excerpt(text)}")
    return number


MESSAGE_ID = Kind("SEQUENCE", _message_id)
"""The sequence of a message; -1 is "ask"."""


def _age(text: str) -> int:
    return 0 if text.strip() in ("-1", "") else max(int(DURATION.parse(text)), 0)


AGE = Kind("DURATION", _age, spell=DURATION.spell)
"""Nanoseconds; 0 and -1 are no limit."""
DUPLICATE_WINDOW_NS = 120 * SECOND_NS


def default_window_ns(max_age_ns: int) -> int:
    """Duplicates are not known longer than messages are kept."""
    return min(max_age_ns, DUPLICATE_WINDOW_NS) if max_age_ns > 0 else DUPLICATE_WINDOW_NS
