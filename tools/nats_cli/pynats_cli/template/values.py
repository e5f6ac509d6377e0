"""The text and the truth of template values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


class Int64(int):
    """An integer that is no `int` in Go: functions that take one refuse it."""


def format_operand(value: Any, names: bool = False) -> str:
    """Text of an operand of the print functions: like `format_value`, but for what is absent and
    for pointers; `names` adds the names of fields."""
    if value is None:
        return "<nil>"
    return f"&{_record(value, names)}" if is_dataclass(value) else format_value(value)


def _record(value: Any, names: bool = False) -> str:
    texts = [
        (f"{item.name}:" if names else "") + format_value(getattr(value, item.name))
        for item in fields(value)
    ]
    return "{" + " ".join(texts) + "}"


def format_value(value: Any) -> str:
    """Text of a value as an action prints it: `true`, `[a b]`, `map[k:v]`, `{1 a}`,
    `<no value>`."""
    if value is None:
        return "<no value>"
    if is_dataclass(value):
        return _record(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return shortest(value)
    if isinstance(value, Mapping):
        pairs = (f"{format_value(k)}:{format_value(v)}" for k, v in sorted(value.items()))
        return f"map[{' '.join(pairs)}]"
    if isinstance(value, (list, tuple)):
        return f"[{' '.join(format_value(item) for item in value)}]"
    return str(value)


def is_true(value: Any) -> bool:
    """False for zero, empty and absent values."""
    return bool(value)


def shortest(value: float) -> str:
    """The shortest text that gives the same number."""
    text = repr(value)
    if "e" in text or "inf" in text or "nan" in text:
        mantissa, mark, exponent = text.partition("e")
        if not mark:
            return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}[text]
        return f"{mantissa.removesuffix('.0')}e{int(exponent):+03d}"
    return text.removesuffix(".0")


def type_name(value: Any) -> str:
    """The name of a value's type in Go."""
    if value is None:
        return "<nil>"
    if is_dataclass(value):
        return "*util.pubData"
    names = {bool: "bool", int: "int", Int64: "int64", float: "float64", str: "string"}
    return names.get(type(value), type(value).__name__)


def kind_of(value: Any) -> str:
    """The kind that comparisons go by."""
    kinds = {bool: "bool", int: "integer", Int64: "integer", float: "float", str: "string"}
    return kinds.get(type(value), "")
