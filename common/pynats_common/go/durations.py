"""Go's notation of durations, and the longer notation of the `nats` command line.

A duration is an integer count of nanoseconds, so that "1.5h" or "100us" round-trip exactly.
Functions with the suffix `_s` use seconds instead, for settings.
"""

from __future__ import annotations

import re

from pynats_common.go.quoting import quote_excerpt

NANOSECOND_NS = 1
MICROSECOND_NS = 1_000
MILLISECOND_NS = 1_000_000
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS
WEEK_NS = 7 * DAY_NS
MONTH_NS = 30 * DAY_NS
YEAR_NS = 365 * DAY_NS

DURATION_MAX_NS = 2**63 - 1
"""Longest duration a peer written in Go can hold (292 years); shown as `never`."""

_UNITS_NS = {
    "ns": NANOSECOND_NS,
    "us": MICROSECOND_NS,
    "µs": MICROSECOND_NS,  # micro sign
    "μs": MICROSECOND_NS,  # Greek mu
    "ms": MILLISECOND_NS,
    "s": SECOND_NS,
    "m": MINUTE_NS,
    "h": HOUR_NS,
}
_LONG_UNITS_NS = _UNITS_NS | {
    "d": DAY_NS,
    "D": DAY_NS,
    "w": WEEK_NS,
    "W": WEEK_NS,
    "M": MONTH_NS,
    "y": YEAR_NS,
    "Y": YEAR_NS,
}
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")
_LONG_TERM = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|[smhdDwWMyY])")


def parse_duration_ns(text: str) -> int:
    """Nanoseconds of `1h2m3s`, `250ms`, `1.5h`, `-5s` or `0`, as `time.ParseDuration` reads them.

    The largest unit is the hour; spaces are refused. Raises ValueError with Go's text.
    """
    negative = text.startswith("-")
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0
    total, shown = 0, f'"{text}"'
    while True:
        part = _PART.match(rest)
        assert part is not None
        whole, fraction, unit = part.groups()
        if not whole and not fraction:
            raise ValueError(f"time: invalid duration {shown}")
        if not unit:
            raise ValueError(f"time: missing unit in duration {shown}")
        if unit not in _UNITS_NS:
            raise ValueError(f'time: unknown unit "{unit}" in duration {shown}')
        total += int(whole or "0") * _UNITS_NS[unit]
        if fraction:
            total += int(fraction) * _UNITS_NS[unit] // 10 ** len(fraction)
        rest = rest[part.end() :]
        if not rest:
            break
    if total > DURATION_MAX_NS + negative:
        raise ValueError(f"time: invalid duration {shown}")
    return -total if negative else total


def parse_duration_s(text: str) -> float:
    """The same in seconds."""
    return parse_duration_ns(text) / 1e9


def parse_long_duration_ns(text: str) -> int:
    """Nanoseconds of a duration flag of `nats`: Go's notation and longer units.

    Also d, w, M (30 days) and y (365 days), as in `1d3h`; surrounding spaces are ignored. Raises
    ValueError, with the text in the message.
    """
    sign, body = 1, text.strip()
    if body[:1] in ("-", "+"):
        sign, body = (-1 if body[0] == "-" else 1), body[1:]
    if body == "0":
        return 0
    terms: list[tuple[str, str, int]] = []
    position = 0
    while position < len(body):
        match = _LONG_TERM.match(body, position)
        if match is None:
            raise ValueError(f"invalid duration {quote_excerpt(text)}")
        whole, _, fraction = match[1].partition(".")
        terms.append((whole, fraction, _LONG_UNITS_NS[match[2]]))
        position = match.end()
    if not terms:
        raise ValueError(f"invalid duration {quote_excerpt(text)}")
    places = max(len(fraction) for _, fraction, _ in terms)
    total = sum(int(whole + fraction.ljust(places, "0")) * unit for whole, fraction, unit in terms)
    duration_ns: int = total // 10**places
    if duration_ns > DURATION_MAX_NS:
        raise ValueError(f"duration {quote_excerpt(text)} is out of range")
    return sign * duration_ns


def format_duration_ns(duration_ns: int) -> str:
    """Exact text, as `Duration.String`: `1h2m3.5s`, `2m0s`, `1.5ms`, `0s`."""
    if duration_ns == 0:
        return "0s"
    sign, value = ("-", -duration_ns) if duration_ns < 0 else ("", duration_ns)
    for unit, name in ((MICROSECOND_NS, "ns"), (MILLISECOND_NS, "µs"), (SECOND_NS, "ms")):
        if value < unit:
            return sign + _decimal(value, unit // 1_000) + name
    minutes, rest = divmod(value, MINUTE_NS)
    hours, minutes = divmod(minutes, 60)
    seconds = _decimal(rest, SECOND_NS) + "s"
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else sign + seconds


def format_duration_s(seconds: float) -> str:
    """The same for seconds: `2m0s`, `10s`, `1.5s`, `250ms`."""
    return format_duration_ns(round(seconds * 1e9))


def nanoseconds(seconds: float) -> int:
    """Whole nanoseconds of a time in seconds."""
    return round(seconds * SECOND_NS)


def rtt_ns(measured_ns: int) -> int:
    """A round trip time as it is told in JSON: below a millisecond in whole microseconds."""
    coarse = MICROSECOND_NS < measured_ns < MILLISECOND_NS
    return measured_ns - measured_ns % MICROSECOND_NS if coarse else measured_ns


def human_duration_ns(duration_ns: int) -> str:
    """Short text for screens: `1y2d3h4m5s`, `1.50s`, `12ms`, `245µs`, `never` for the maximum."""
    if duration_ns == DURATION_MAX_NS:
        return "never"
    if duration_ns < MILLISECOND_NS:
        return format_duration_ns(_round_to(duration_ns, MICROSECOND_NS))
    if duration_ns < SECOND_NS:
        return format_duration_ns(_round_to(duration_ns, MILLISECOND_NS))
    if duration_ns < MINUTE_NS:
        return f"{duration_ns / SECOND_NS:.2f}s"
    return span_text(duration_ns // SECOND_NS)


def span_text(seconds: int) -> str:
    """Whole seconds in the largest units needed: `7s`, `1h0m5s`, `1d2h3m4s`, `2y0d0h0m1s`."""
    rest = max(0, seconds)
    parts: list[str] = []
    for size, unit in ((31_536_000, "y"), (86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")):
        count, rest = divmod(rest, size)
        if count or parts or size == 1:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    if not rest:
        return str(whole)
    return f"{whole}." + str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")


def _round_to(value: int, step: int) -> int:
    # Rounds halves away from zero; Python's round() would round them to even.
    magnitude = (abs(value) + step // 2) // step * step
    return magnitude if value >= 0 else -magnitude
