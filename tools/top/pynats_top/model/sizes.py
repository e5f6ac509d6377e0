"""Counts and sizes as the original writes them: one decimal, no unit below the first step."""

from __future__ import annotations

_KIB = 1024.0
_K = 1000.0


def size_text(size: float, raw: bool = False) -> str:
    """Bytes: 1023, 1.0K, 1.5M, 2048.0G."""
    whole = int(size)
    if raw or whole < _KIB:
        return str(whole)
    value = float(whole)
    for unit in "KM":
        value /= _KIB
        if value < _KIB:
            return f"{value:.1f}{unit}"
    return f"{value / _KIB:.1f}G"


def count_text(count: float, raw: bool = False) -> str:
    """Messages: 999, 1.0K, 1.5M, 2.0B, 3000.0T."""
    whole = int(count)
    if raw or whole < _K:
        return str(whole)
    value = float(whole)
    for unit in "KMB":
        value /= _K
        if value < _K:
            return f"{value:.1f}{unit}"
    return f"{value / _K:.1f}T"
