"""Figures as people read them, in the forms of `nats`."""

from __future__ import annotations

from datetime import UTC, datetime

from pynats_common.go.durations import human_duration_ns
from pynats_common.go.numbers import INT64_MAX
from pynats_common.go.times import parse_instant_ns
from pynats_common.sizes import format_size

_MOST = 1e300
_ZERO_TIME = "0001-01-01T00:00:00Z"


# What is no time, and what no calendar has.
_NO_TIME = (ValueError, OverflowError, OSError, TypeError, AttributeError)


def _is_number(value: object) -> bool:
    """Whether it is one that can be written: answers may hold anything where figures should be,
    and a screen shows it as it is."""
    return isinstance(value, (int, float)) and -_MOST < value < _MOST


def thousands(value: int) -> str:
    """An integer with commas."""
    return f"{value:,}" if _is_number(value) else str(value)


def number(value: float) -> str:
    """A number with commas and at most three decimals."""
    if not _is_number(value):
        return str(value)
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def duration(ns: int, never: str = "never") -> str:
    """`1y2d3h4m5s`, `250ms`, `1.5µs`; the largest duration there is, is `never`."""
    if not _is_number(ns):
        return str(ns)
    return never if ns >= INT64_MAX else human_duration_ns(ns)


def truth(value: bool) -> str:
    """`true` or `false`."""
    return "true" if value else "false"


def unlimited(value: int, shown: str | None = None) -> str:
    """A limit: `unlimited` for -1, else `shown` or the number with commas."""
    return "unlimited" if value == -1 else (shown if shown is not None else thousands(value))


def bytes_text(size: int) -> str:
    """`1.0 MiB`."""
    return format_size(size) if _is_number(size) else str(size)


def is_zero_time(text: str | None) -> bool:
    """True for a time that was never set."""
    return not text or str(text).startswith(_ZERO_TIME[:19])


def local_time(text: str | None) -> str:
    """An RFC 3339 time as `2006-01-02 15:04:05` in the local zone; "" for one never set."""
    if text is None or is_zero_time(text):
        return ""
    try:
        moment = datetime.fromtimestamp(parse_instant_ns(text) // 10**9, UTC).astimezone()
    except _NO_TIME:
        return str(text)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def since(text: str | None, now_ns: int, never: str = "never") -> str:
    """How long ago an RFC 3339 time was, to the hundredth of a second."""
    if text is None or is_zero_time(text):
        return never
    try:
        passed = max(now_ns - parse_instant_ns(text), 0)
    except _NO_TIME:
        return str(text)
    step = 10_000_000 if passed >= 10**9 else 1
    return duration(passed // step * step)
