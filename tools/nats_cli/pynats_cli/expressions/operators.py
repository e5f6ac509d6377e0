"""Operators of the language, on values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from pynats_cli.expressions.values import Duration, Instant, WrongType, in_order, is_number, same

_RANGE_MAX = 1_000_000
_Operator = Callable[[Any, Any], object]


def unary(sign: str, value: object) -> object:
    """`not`, `-` or `+` of a value. Raises WrongType."""
    if sign == "not":
        if isinstance(value, bool):
            return not value
    elif is_number(value) and not isinstance(value, Instant):
        return type(value)(-value) if sign == "-" else value
    raise WrongType


def binary(sign: str, left: object, right: object) -> object:
    """Raises WrongType, or what the computing raises."""
    return _OPERATORS[sign](left, right)


def _contained(left: object, right: object) -> bool:
    if right is None:
        return False
    if isinstance(right, dict):
        return left in right if isinstance(left, str) else False
    if isinstance(right, list):
        return any(_is_same(left, item) for item in right)
    raise WrongType


def _is_same(left: object, right: object) -> bool:
    try:
        return same(left, right)
    except WrongType:
        return False


def _on_texts(run: Callable[[str, str], object]) -> _Operator:
    def on_texts(left: object, right: object) -> object:
        if isinstance(left, str) and isinstance(right, str):
            return run(left, right)
        raise WrongType

    return on_texts


def _matches(left: str, right: str) -> bool:
    return re.search(right, left) is not None


def _on_numbers(run: Callable[[Any, Any], int | float]) -> _Operator:
    def on_numbers(left: object, right: object) -> object:
        if not is_number(left) or not is_number(right):
            raise WrongType
        if isinstance(left, Instant) or isinstance(right, Instant):
            raise WrongType
        found = run(left, right)
        spans = isinstance(left, Duration) or isinstance(right, Duration)
        return Duration(found) if spans else found

    return on_numbers


def _add(left: object, right: object) -> object:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        return left + right
    if isinstance(left, Instant) != isinstance(right, Instant) and _only_whole(left, right):
        return Instant(int(left) + int(right))  # type: ignore[call-overload]
    return _on_numbers(lambda one, other: one + other)(left, right)


def _subtract(left: object, right: object) -> object:
    if isinstance(left, Instant) and _only_whole(left, right):
        found = int(left) - int(right)  # type: ignore[call-overload]
        return Duration(found) if isinstance(right, Instant) else Instant(found)
    return _on_numbers(lambda one, other: one - other)(left, right)


def _only_whole(*values: object) -> bool:
    return all(isinstance(value, int) and not isinstance(value, bool) for value in values)


def _remainder(left: int, right: int) -> int:
    if not _only_whole(left, right):
        raise WrongType
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def _range(left: object, right: object) -> list[int]:
    if type(left) is not int or type(right) is not int:
        raise WrongType
    if right - left > _RANGE_MAX:
        raise ValueError(f"a range of more than {_RANGE_MAX} numbers")
    return list(range(left, right + 1))


_OPERATORS: dict[str, _Operator] = {
    "==": same,
    "!=": lambda left, right: not same(left, right),
    "<": lambda left, right: in_order(left, right) < 0,
    ">": lambda left, right: in_order(left, right) > 0,
    "<=": lambda left, right: in_order(left, right) <= 0,
    ">=": lambda left, right: in_order(left, right) >= 0,
    "in": _contained,
    "contains": _on_texts(lambda text, part: part in text),
    "startsWith": _on_texts(str.startswith),
    "endsWith": _on_texts(str.endswith),
    "matches": _on_texts(_matches),
    "+": _add,
    "-": _subtract,
    "*": _on_numbers(lambda left, right: left * right),
    "/": _on_numbers(lambda left, right: left / right),
    "%": _on_numbers(_remainder),
    "**": _on_numbers(lambda left, right: math.pow(left, right)),
    "..": _range,
}
