"""The text and the truth of template values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def format_value(value: Any) -> str:
    """Text of a value as `%v` prints it: `true`, `[a b]`, `map[k:v]`, `<no value>`."""
    if value is None:
        return "<no value>"
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
    names = {bool: "bool", int: "int", float: "float64", str: "string"}
    return names.get(type(value), type(value).__name__)
