"""Durations as configuration files write them: `1h2m3s`, `250ms`, `1.5h`.

The notation, its limits and the wording of complaints are those of Go's `time.ParseDuration`,
which the real server uses.
"""

from __future__ import annotations

import re

_UNITS_NS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6}
_UNITS_NS |= {"s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")
_MAX_NS = 2**63 - 1


def parse_nanoseconds(text: str) -> int:
    """Nanoseconds in `text`, exactly; raises `ValueError` with the reason."""
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
    if total > _MAX_NS + negative:
        raise ValueError(f"time: invalid duration {shown}")
    return -total if negative else total


def parse_duration(text: str) -> float:
    """Seconds in `text`; raises `ValueError` with the reason."""
    return parse_nanoseconds(text) / 1e9


def show_duration(seconds: float) -> str:
    """As Go prints it: `2m0s`, `10s`, `1.5s`, `250ms`."""
    from pynats_common.units import format_duration

    return format_duration(round(seconds * 1e9))
