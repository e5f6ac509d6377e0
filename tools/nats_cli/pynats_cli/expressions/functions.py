"""Functions of the language."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from pynats_common.go.durations import parse_long_duration_ns
from pynats_common.go.times import parse_instant_ns

from pynats_cli.expressions.values import Duration, Instant, WrongType, is_number, kind

# Functions that ask a predicate about each element of a list.
PREDICATES = ("all", "any", "none", "one", "filter", "map", "count")


class Function(NamedTuple):
    run: Callable[..., object]
    arguments: tuple[int, int]


def _length(value: object) -> int:
    if isinstance(value, (str, list, dict)):
        return len(value)
    raise WrongType


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise WrongType


def _number(value: object) -> int | float:
    if is_number(value):
        return value
    raise WrongType


def _items(value: object) -> list[Any]:
    if isinstance(value, list):
        return value
    raise WrongType


def _pairs(value: object) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise WrongType


def _to_number(read: Callable[[Any], int | float]) -> Callable[[object], int | float]:
    def convert(value: object) -> int | float:
        if not isinstance(value, str) and not is_number(value):
            raise WrongType
        return read(value)

    return convert


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "<nil>" if value is None else str(value)


def _numbers(values: tuple[object, ...]) -> list[int | float]:
    spread = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    return [_number(value) for value in spread]


def _split(text: object, separator: object) -> list[str]:
    return _text(text).split(_text(separator))


def _edge(index: int) -> Callable[[object], object]:
    def edge(value: object) -> object:
        items = _items(value)
        return items[index] if items else None

    return edge


def _text_function(run: Callable[..., object]) -> Callable[..., object]:
    return lambda *texts: run(*(_text(text) for text in texts))


_MANY = 100
FUNCTIONS: dict[str, Function] = {
    "len": Function(_length, (1, 1)),
    "lower": Function(_text_function(str.lower), (1, 1)),
    "upper": Function(_text_function(str.upper), (1, 1)),
    "trim": Function(_text_function(str.strip), (1, 2)),
    "trimPrefix": Function(_text_function(str.removeprefix), (2, 2)),
    "trimSuffix": Function(_text_function(str.removesuffix), (2, 2)),
    "hasPrefix": Function(_text_function(str.startswith), (2, 2)),
    "hasSuffix": Function(_text_function(str.endswith), (2, 2)),
    "indexOf": Function(_text_function(str.find), (2, 2)),
    "split": Function(_split, (2, 2)),
    "join": Function(
        lambda items, by="": _text(by).join(_text(item) for item in _items(items)), (1, 2)
    ),
    "int": Function(_to_number(int), (1, 1)),
    "float": Function(_to_number(float), (1, 1)),
    "string": Function(_shown, (1, 1)),
    "type": Function(kind, (1, 1)),
    "abs": Function(lambda value: abs(_number(value)), (1, 1)),
    "min": Function(lambda *values: min(_numbers(values)), (1, _MANY)),
    "max": Function(lambda *values: max(_numbers(values)), (1, _MANY)),
    "sum": Function(lambda *values: sum(_numbers(values)), (1, _MANY)),
    "first": Function(_edge(0), (1, 1)),
    "last": Function(_edge(-1), (1, 1)),
    "keys": Function(lambda value: list(_pairs(value)), (1, 1)),
    "values": Function(lambda value: list(_pairs(value).values()), (1, 1)),
    "now": Function(lambda: Instant(time.time_ns()), (0, 0)),
    "duration": Function(lambda text: Duration(parse_long_duration_ns(_text(text))), (1, 1)),
    "date": Function(lambda text: Instant(parse_instant_ns(_text(text))), (1, 1)),
}
