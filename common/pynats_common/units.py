"""Durations and sizes, read and written the way the NATS tools do.

A duration is an integer count of nanoseconds everywhere, so that "1.5h" or "100us" survive a
round trip exactly. Sizes are integer bytes with 1024-based units.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

NANOSECOND = 1
MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
MONTH = 30 * DAY
YEAR = 365 * DAY

DURATION_MAX = 2**63 - 1
"""Longest duration a peer written in Go can hold, in nanoseconds (292 years); shown as `never`."""

_DURATION_UNITS = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "µs": MICROSECOND,  # micro sign
    "μs": MICROSECOND,  # Greek mu
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
    "d": DAY,
    "D": DAY,
    "w": WEEK,
    "W": WEEK,
    "M": MONTH,
    "y": YEAR,
    "Y": YEAR,
}
_DURATION_TERM = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|[smhdDwWMyY])")

_SIZE_POWERS = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgtpe]?)(i?b)?", re.IGNORECASE)
_SIZE_NAMES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def parse_duration(text: str) -> int:
    """Nanoseconds of a duration such as `1h2m3.5s`, `250ms`, `1d3h`, `-5s` or `0`.

    Units: ns us ms s m h, and d w M (30 days) y (365 days) as in the command line of `nats`.
    Raises ValueError, with the text in the message.
    """
    sign, body = 1, text.strip()
    if body[:1] in ("-", "+"):
        sign, body = (-1 if body[0] == "-" else 1), body[1:]
    if body == "0":
        return 0
    total, position = Fraction(0), 0
    while position < len(body):
        match = _DURATION_TERM.match(body, position)
        if match is None:
            raise ValueError(f"invalid duration {_shown(text)}")
        number = match[1].removesuffix(".")
        total += Fraction(number if number[0] != "." else "0" + number) * _DURATION_UNITS[match[2]]
        position = match.end()
    if not body:
        raise ValueError(f"invalid duration {_shown(text)}")
    nanoseconds = int(total)
    if nanoseconds > DURATION_MAX:
        raise ValueError(f"duration {_shown(text)} is out of range")
    return sign * nanoseconds


def format_duration(nanoseconds: int) -> str:
    """Exact text in Go's form: `1h2m3.5s`, `2m0s`, `1.5ms`, `0s`."""
    if nanoseconds == 0:
        return "0s"
    sign, value = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    for unit, name in ((MICROSECOND, "ns"), (MILLISECOND, "µs"), (SECOND, "ms")):
        if value < unit:
            return sign + _decimal(value, unit // 1_000) + name
    minutes, rest = divmod(value, MINUTE)
    hours, minutes = divmod(minutes, 60)
    seconds = _decimal(rest, SECOND) + "s"
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else sign + seconds


def human_duration(nanoseconds: int) -> str:
    """Short text for screens: `1y2d3h4m5s`, `1.50s`, `12ms`, `245µs`, `never` for the maximum."""
    if nanoseconds == DURATION_MAX:
        return "never"
    if nanoseconds < MILLISECOND:
        return format_duration(_round_to(nanoseconds, MICROSECOND))
    if nanoseconds < SECOND:
        return format_duration(_round_to(nanoseconds, MILLISECOND))
    if nanoseconds < MINUTE:
        return f"{nanoseconds / SECOND:.2f}s"
    parts: list[str] = []
    rest = nanoseconds
    for unit, name in ((YEAR, "y"), (DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s")):
        count, rest = divmod(rest, unit)
        if count or parts:
            parts.append(f"{count}{name}")
    return "".join(parts)


def parse_size(text: str) -> int:
    """Bytes of `512`, `1K`, `1KB`, `1.5MiB`, `2 g` (always 1024-based, any case).

    An empty or negative text means "no limit" and gives -1. Raises ValueError.
    """
    body = text.strip()
    if not body:
        return -1
    negative, body = body.startswith("-"), body.lstrip("-")
    match = _SIZE.fullmatch(body)
    if match is None or (match[3] and match[3].lower() == "ib" and not match[2]):
        raise ValueError(f"invalid size {_shown(text)}")
    if negative:
        return -1
    size = Fraction(match[1]) * 1024 ** _SIZE_POWERS[match[2].lower()]
    if size > DURATION_MAX:
        raise ValueError(f"size {_shown(text)} is out of range")
    return int(size)


def format_size(size: int) -> str:
    """Bytes as `0 B`, `16 B`, `1.0 MiB`, `558 KiB`: one decimal below ten, none above."""
    if size < 10:
        return f"{size} B"
    power = min(int(math.log(size, 1024)), len(_SIZE_NAMES) - 1)
    # Floating logarithms land just below an exact power now and then.
    if power + 1 < len(_SIZE_NAMES) and size >= 1024 ** (power + 1):
        power += 1
    if power == 0:
        return f"{size} B"
    value = math.floor(size / 1024**power * 10 + 0.5) / 10
    return (
        f"{value:.1f} {_SIZE_NAMES[power]}" if value < 10 else f"{value:.0f} {_SIZE_NAMES[power]}"
    )


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    if not rest:
        return str(whole)
    return f"{whole}." + str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")


def _round_to(value: int, step: int) -> int:
    # Halves go away from zero; Python's round() would send them to the even neighbour.
    magnitude = (abs(value) + step // 2) // step * step
    return magnitude if value >= 0 else -magnitude


def _shown(text: str) -> str:
    return f'"{text}"' if len(text) <= 40 else f'"{text[:37]}..."'
