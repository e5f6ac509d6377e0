"""Counts and sizes as the original writes them: one decimal, no unit below the first step."""

from __future__ import annotations

_KIB = 1024.0
_K = 1000.0


def size_text(size: float, raw: bool = False) -> str:
    """Bytes: 1023, 1.0K, 1.5M, 2048.0G."""
    return _scaled(int(size), raw, _KIB, "KMG")


def count_text(count: float, raw: bool = False) -> str:
    """Messages: 999, 1.0K, 1.5M, 2.0B, 3000.0T."""
    return _scaled(int(count), raw, _K, "KMBT")


def _scaled(whole: int, raw: bool, step: float, units: str) -> str:
    if raw or whole < step:
        return str(whole)
    value = float(whole)
    for unit in units[:-1]:
        value /= step
        if value < step:
            return f"{value:.1f}{unit}"
    return f"{value / step:.1f}{units[-1]}"
