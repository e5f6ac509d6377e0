"""Times, durations and numbers as Go writes and reads them, which is what monitoring clients
expect (server-inventory section 4)."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

NS = 1_000_000_000
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
UINT64_MAX = 2**64 - 1
_UNITS = ((3600, "h"), (60, "m"))
_TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))
_SIGNED = re.compile(r"[+-]?[0-9]+", re.ASCII)
_UNSIGNED = re.compile(r"[0-9]+", re.ASCII)
_LONGEST_NUMBER = 40  # digits; more is out of range without asking int()


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC from wall clock seconds: microseconds, without trailing zeros."""
    moment = datetime.fromtimestamp(seconds, UTC)
    fraction = f".{moment.microsecond:06d}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def uptime(seconds: float) -> str:
    """Whole seconds in the largest units needed: `7s`, `1h0m5s`, `1d2h3m4s`, `2y0d0h0m1s`."""
    rest = max(0, int(seconds))
    parts: list[str] = []
    for size, unit in ((31_536_000, "y"), (86_400, "d"), *_UNITS, (1, "s")):
        count, rest = divmod(rest, size)
        if count or parts or size == 1:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def duration(nanoseconds: int) -> str:
    """A positive duration, cut to microseconds: `968µs`, `1.234ms`, `2.5s`, `1m0.5s`."""
    micros = nanoseconds // 1000
    if micros == 0:
        return "0s"
    if micros < 1000:
        return f"{micros}µs"
    if micros < 1_000_000:
        return f"{_decimal(micros, 3)}ms"
    minutes, micros = divmod(micros, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{text}{_decimal(micros, 6)}s"


def _decimal(value: int, places: int) -> str:
    whole, part = divmod(value, 10**places)
    return f"{whole}.{part:0{places}d}".rstrip("0").rstrip(".")


def number(value: float) -> int | float:
    """A float as Go's JSON shows it: without a fraction when it is whole."""
    return int(value) if float(value).is_integer() else value


def quoted(text: str) -> str:
    """Text in double quotes, with escapes for what is not printable."""
    out = ['"']
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif char.isprintable():
            out.append(char)
        else:
            out.append(_ESCAPES.get(char) or _code(ord(char)))
    return "".join([*out, '"'])


_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


def _code(point: int) -> str:
    if 0xDC80 <= point <= 0xDCFF:  # a byte that was not UTF-8
        return f"\\x{point - 0xDC00:02x}"
    if point < 0x80:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def parse_bool(text: str) -> bool:
    """Raises ValueError with Go's wording."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"strconv.ParseBool: parsing {quoted(text)}: invalid syntax")


def parse_int(text: str) -> int:
    """A signed 64-bit integer. Raises ValueError with Go's wording."""
    return _integer(text, "Atoi", _SIGNED, INT64_MIN, INT64_MAX)


def parse_uint(text: str) -> int:
    """An unsigned 64-bit integer. Raises ValueError with Go's wording."""
    return _integer(text, "ParseUint", _UNSIGNED, 0, UINT64_MAX)


def _integer(text: str, function: str, form: re.Pattern[str], least: int, most: int) -> int:
    if not form.fullmatch(text):
        raise ValueError(f"strconv.{function}: parsing {quoted(text)}: invalid syntax")
    digits = text.lstrip("+-").lstrip("0")
    value = int(digits or "0") if len(digits) <= _LONGEST_NUMBER else UINT64_MAX + 1
    value = -value if text.startswith("-") else value
    if not least <= value <= most:
        raise ValueError(f"strconv.{function}: parsing {quoted(text)}: value out of range")
    return value


class WallClock:
    """Turns monotonic times into wall clock times. The difference of the two clocks is kept as
    long as it holds, so that the same moment is shown the same way every time."""

    _TOLERANCE = 1_000_000  # ns

    def __init__(self) -> None:
        self._difference = time.time_ns() - time.monotonic_ns()

    def at(self, monotonic_ns: int) -> float:
        """Wall clock seconds of a monotonic time in ns."""
        difference = time.time_ns() - time.monotonic_ns()
        if abs(difference - self._difference) > self._TOLERANCE:
            self._difference = difference
        return (monotonic_ns + self._difference) / NS
