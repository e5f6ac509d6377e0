"""Fields of answers that may be missing, or of any type: whoever answers is not trusted."""

from __future__ import annotations

import math
from typing import Any

from pynats_common.commandline.untrusted import harmless_cell
from pynats_common.go.numbers import INT64_MAX
from pynats_common.go.times import parse_instant_ns

TEXT_MAX = 4096
_NEVER = "0001-01-01T"


def mapping(value: object) -> dict[str, Any]:
    """An object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def integer(value: object) -> int:
    """A count, 0 for anything else. Servers write -1 of some unsigned figures as 2**64-1."""
    if type(value) is int:
        return value if -INT64_MAX <= value <= INT64_MAX else 0
    if isinstance(value, float) and math.isfinite(value) and abs(value) < INT64_MAX:
        return int(value)
    return 0


def decimal(value: object) -> float:
    """A finite number, 0.0 for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            return 0.0
        return number if math.isfinite(number) else 0.0
    return 0.0


def text(value: object) -> str:
    """A text in one line that no terminal obeys; "" for what is none."""
    if not isinstance(value, str):
        return ""
    if value.isprintable() and len(value) <= TEXT_MAX:
        return value
    shown = harmless_cell(value[:TEXT_MAX]).replace("\n", "\\n")
    return shown.encode("utf-8", "backslashreplace").decode()  # JSON can have half a pair


def texts(value: object) -> tuple[str, ...]:
    """The texts of a list."""
    if not isinstance(value, list):
        return ()
    return tuple(text(item) for item in value if isinstance(item, str))


def instant(value: object) -> int:
    """Nanoseconds since 1970 of a time; 0 for none and for one never set."""
    if not isinstance(value, str) or value.startswith(_NEVER):
        return 0
    try:
        return max(parse_instant_ns(value), 0)
    except (ValueError, OverflowError):
        return 0
