"""Sizes as the NATS tools read and write them: integer bytes, units of 1024."""

from __future__ import annotations

import math
import re

from pynats_common.go.numbers import INT64_MAX
from pynats_common.go.quoting import quote_excerpt

_SIZE_POWERS = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgtpe]?)(i?b)?", re.IGNORECASE)
_SIZE_NAMES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


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
        raise ValueError(f"invalid size {quote_excerpt(text)}")
    if negative:
        return -1
    from fractions import Fraction  # others need not load it

    size = Fraction(match[1]) * 1024 ** _SIZE_POWERS[match[2].lower()]
    if size > INT64_MAX:
        raise ValueError(f"size {quote_excerpt(text)} is out of range")
    return int(size)


def exact_size(size: int) -> str:
    """The shortest text that `parse_size` reads as so many bytes: `1000`, `128KiB`, `1GiB`."""
    power = 0
    while size and size % 1024 == 0 and power + 1 < len(_SIZE_NAMES):
        size, power = size // 1024, power + 1
    return f"{size}{_SIZE_NAMES[power]}" if power else str(size)


def format_size(size: int) -> str:
    """Bytes as `0 B`, `16 B`, `1.0 MiB`, `558 KiB`: one decimal below ten, none above."""
    if size < 10:
        return f"{size} B"
    power = min(int(math.log(size, 1024)), len(_SIZE_NAMES) - 1)
    # Floating-point logarithms are sometimes just below an exact power.
    if power + 1 < len(_SIZE_NAMES) and size >= 1024 ** (power + 1):
        power += 1
    if power == 0:
        return f"{size} B"
    value = math.floor(size / 1024**power * 10 + 0.5) / 10
    return (
        f"{value:.1f} {_SIZE_NAMES[power]}" if value < 10 else f"{value:.0f} {_SIZE_NAMES[power]}"
    )
