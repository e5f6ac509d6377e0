"""Values of expressions: what they are called, and how they compare."""

from __future__ import annotations

import re
from typing import TypeGuard

from pynats_common.go.durations import parse_long_duration_ns
from pynats_common.go.times import parse_instant_ns


class Duration(int):
    """Nanoseconds. Equal to a number of nanoseconds, and to a text like `1h`."""


class Instant(int):
    """Nanoseconds since 1970. Compared with a text, that is read as a time."""


class WrongType(Exception):
    """Values on which an operator does not work."""


def kind(value: object) -> str:
    """What errors call the type of a value."""
    if value is None:
        return "<nil>"
    names = ((bool, "bool"), (Duration, "duration"), (Instant, "time"), (int, "int"),
             (float, "float"), (str, "string"), (list, "array"), (dict, "map"),
             (re.Pattern, "pattern"))  # fmt: skip
    return next((name for known, name in names if isinstance(value, known)), "object")


def is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def same(left: object, right: object) -> bool:
    """Whether two values are equal. Raises WrongType for a truth beside another kind: most likely
    a `not` without parentheses."""
    if left is None or right is None:
        return left is right
    if isinstance(left, bool) != isinstance(right, bool):
        raise WrongType
    try:
        left, right = _alike(left, right)
    except WrongType:
        return False
    if is_number(left) and is_number(right):
        return left == right
    return type(left) is type(right) and left == right


def in_order(left: object, right: object) -> int:
    """Below, at or above 0. Raises WrongType."""
    left, right = _alike(left, right)
    if (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
        return (left > right) - (left < right)  # type: ignore[operator]
    raise WrongType


def _alike(left: object, right: object) -> tuple[object, object]:
    """A text beside a time or a duration is one."""
    if isinstance(left, str):
        return _read(left, right), right
    if isinstance(right, str):
        return left, _read(right, left)
    if isinstance(left, Instant) != isinstance(right, Instant):
        raise WrongType
    return left, right


def _read(text: str, beside: object) -> object:
    try:
        if isinstance(beside, Instant):
            return Instant(parse_instant_ns(text))
        if isinstance(beside, Duration):
            return Duration(parse_long_duration_ns(text))
    except ValueError:
        raise WrongType from None
    return text
