"""Durations as configuration files write them: `1h2m3s`, `250ms`, `1.5h`.

The notation, its limits and the wording of complaints are those of Go's `time.ParseDuration`,
which the real server uses.
"""

from __future__ import annotations

import re

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3}
_SECONDS |= {"s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d*\.?\d*)([^\d.]*)")
_MAX_SECONDS = (2**63 - 1) / 1e9


def parse_duration(text: str) -> float:
    """Seconds in `text`; raises `ValueError` with the reason."""
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0.0
    total, shown = 0.0, f'"{text}"'
    while True:
        part = _PART.match(rest)
        assert part is not None
        number, unit = part.groups()
        if number in ("", "."):
            raise ValueError(f"time: invalid duration {shown}")
        if not unit:
            raise ValueError(f"time: missing unit in duration {shown}")
        if unit not in _SECONDS:
            raise ValueError(f'time: unknown unit "{unit}" in duration {shown}')
        total += float(number) * _SECONDS[unit]
        rest = rest[part.end() :]
        if not rest:
            break
    if total > _MAX_SECONDS:
        raise ValueError(f"time: invalid duration {shown}")
    return -total if text.startswith("-") else total


def show_duration(seconds: float) -> str:
    """As Go prints it: `2m0s`, `10s`, `1.5s`, `250ms`."""
    from pynats_common.units import format_duration

    return format_duration(round(seconds * 1e9))
