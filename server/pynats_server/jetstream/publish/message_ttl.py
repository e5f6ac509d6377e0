"""How long a message lives: the value of `Nats-TTL` and of `Nats-Schedule-TTL`.

The notation was asked of the real server (server-inventory 6.5): `never` in any case, a Go
duration of at least a second, of which whole seconds count, or a number of seconds.
"""

from __future__ import annotations

import re
from typing import Final

from pynats_server.jetstream.times import SECOND
from pynats_server.settings.durations import parse_nanoseconds

NEVER: Final = -1
"""The message outlives the stream's max_age."""
TTL_MAX_S: Final = 2**32 - 1
"""Longer lives (136 years) count as this, so that the time of death fits 64 bits."""

_DIGITS = re.compile(rb"[0-9]+")
_INT64_MAX = 2**63 - 1
_INT64_DIGITS = 19


def parse_ttl(text: bytes) -> int:
    """Seconds to live, NEVER, or 0 for a message without limit of its own.

    0 is what an empty value and `00` mean; `0` and `0s` are refused. Raises ValueError (API errors
    10165 and 10191).
    """
    if not text:
        return 0
    if _DIGITS.fullmatch(text) and text != b"0":
        seconds = _whole_number(text)
    elif text.lower() == b"never":
        return NEVER
    else:
        seconds = parse_nanoseconds(text.decode(errors="replace")) // SECOND
        if seconds < 1:
            raise ValueError(f"less than a second: {text!r}")
    return min(seconds, TTL_MAX_S)


def _whole_number(text: bytes) -> int:
    digits = text.lstrip(b"0")
    if len(digits) > _INT64_DIGITS or int(digits or b"0") > _INT64_MAX:
        raise ValueError(f"too many seconds: {text[:40]!r}")
    return int(digits or b"0")
