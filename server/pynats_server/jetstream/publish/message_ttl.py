"""How long a message lives: the value of `Nats-TTL` and of `Nats-Schedule-TTL`.

The notation is that of ADR-43, its edges were asked of the real server: `never` in any case, a Go
duration of at least a second, of which whole seconds count, or a number of seconds.
"""

from __future__ import annotations

import re
from typing import Final

from pynats_common.go.durations import SECOND_NS, parse_duration_ns
from pynats_common.go.text import text_of

from pynats_server.core.protocol import headers as header_blocks
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.publish.header_names import TTL

NEVER: Final = -1
"""The message outlives the stream's max_age."""
TTL_MAX_S: Final = 2**32 - 1
"""Longer TTLs (136 years) count as this, so that expiry times fit 64 bits."""

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
        seconds = parse_duration_ns(text_of(text)) // SECOND_NS
        if seconds < 1:
            raise ValueError(f"less than a second: {text!r}")
    return min(seconds, TTL_MAX_S)


def read_ttl(block: bytes) -> int:
    """What a header block says, see `parse_ttl`. Raises ApiError 10165."""
    try:
        return parse_ttl(header_blocks.get(block, TTL) or b"")
    except ValueError:
        raise api_error(10165) from None


def at_least(block: bytes, ttl_s: int, least_s: int) -> bytes:
    """The block of a message with this TTL, or with `least_s` where that is more: a subject's
    delete marker lives for a time of its own, and its messages live no shorter."""
    if not 0 < ttl_s < least_s:
        return block
    return header_blocks.add(header_blocks.remove(block, TTL), TTL, b"%d" % least_s)


def _whole_number(text: bytes) -> int:
    digits = text.lstrip(b"0")
    if len(digits) > _INT64_DIGITS or int(digits or b"0") > _INT64_MAX:
        raise ValueError(f"too many seconds: {text[:40]!r}")
    return int(digits or b"0")
