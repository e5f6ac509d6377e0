"""Predefined functions of the template language, and how its values become text."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

WIDTH_MAX = 1_000_000
"""Widest field of printf, so that a template cannot ask for gigabytes."""


class FunctionError(ValueError):
    """A function got arguments it cannot work with."""


def format_value(value: Any) -> str:
    """Text of a value as `%v` prints it: `true`, `[a b]`, `map[k:v]`, `<no value>`."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _shortest(value)
    if isinstance(value, Mapping):
        pairs = (f"{format_value(k)}:{format_value(v)}" for k, v in sorted(value.items()))
        return f"map[{' '.join(pairs)}]"
    if isinstance(value, (list, tuple)):
        return f"[{' '.join(format_value(item) for item in value)}]"
    return str(value)


def is_true(value: Any) -> bool:
    """False for zero, empty and absent values."""
    return bool(value)


def _shortest(value: float) -> str:
    text = repr(value)
    if "e" in text or "inf" in text or "nan" in text:
        mantissa, mark, exponent = text.partition("e")
        if not mark:
            return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}[text]
        return f"{mantissa.removesuffix('.0')}e{int(exponent):+03d}"
    return text.removesuffix(".0")


def _joined(*values: Any) -> str:
    # Go puts a space between operands when neither side is a string.
    parts: list[str] = []
    for index, value in enumerate(values):
        text_side = isinstance(value, str) or (index and isinstance(values[index - 1], str))
        parts.append(("" if index == 0 or text_side else " ") + format_value(value))
    return "".join(parts)


def _println(*values: Any) -> str:
    return " ".join(format_value(value) for value in values) + "\n"


_VERB = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>\d+)?(?:\.(?P<precision>\d*))?(?P<verb>.)", re.S)


def _printf(form: str, *values: Any) -> str:
    rest = list(values)

    def replace(match: re.Match[str]) -> str:
        verb = match["verb"]
        if verb == "%":
            return "%"
        if not rest:
            return f"%!{verb}(MISSING)"
        return _verb_text(match, rest.pop(0))

    text = _VERB.sub(replace, form)
    if rest:
        extra = ", ".join(f"{_type_name(value)}={format_value(value)}" for value in rest)
        text += f"%!(EXTRA {extra})"
    return text


def _verb_text(match: re.Match[str], value: Any) -> str:
    flags, verb = match["flags"], match["verb"]
    width = int(match["width"] or 0)
    precision = match["precision"]
    if max(width, int(precision or 0)) > WIDTH_MAX:
        raise FunctionError("printf: width or precision is too large")
    text = _converted(verb, value, flags, precision)
    if text is None:
        return f"%!{verb}({_type_name(value)}={format_value(value)})"
    if "-" in flags:
        return text.ljust(width)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return text.zfill(width) if "0" in flags and number else text.rjust(width)


def _converted(verb: str, value: Any, flags: str, precision: str | None) -> str | None:
    digits = None if precision is None else int(precision or 0)
    if verb == "v":
        return format_value(value)
    if verb == "T":
        return _type_name(value)
    if verb == "t":
        return format_value(value) if isinstance(value, bool) else None
    if isinstance(value, str):
        return _converted_text(verb, value, digits)
    if isinstance(value, bool):
        return None
    sign = "+" if "+" in flags else " " if " " in flags else ""
    if isinstance(value, int):
        if verb in "dboxX":
            alternate = "#" if "#" in flags else ""
            return format(value, f"{sign}{alternate}{verb}")
        return chr(value) if verb == "c" and 0 <= value < 0x110000 else None
    if isinstance(value, float) and verb in "feEgG":
        if verb in "gG" and digits is None:
            return _shortest(value)
        return format(value, f"{sign}.{6 if digits is None else digits}{verb}")
    return None


def _converted_text(verb: str, value: str, digits: int | None) -> str | None:
    if verb == "s":
        return value if digits is None else value[:digits]
    if verb == "q":
        return json.dumps(value, ensure_ascii=False)
    if verb in "xX":
        text = value.encode("utf-8", "surrogateescape").hex()
        return text.upper() if verb == "X" else text
    return None


def _type_name(value: Any) -> str:
    if value is None:
        return "<nil>"
    names = {bool: "bool", int: "int", float: "float64", str: "string"}
    return names.get(type(value), type(value).__name__)


def _len(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogateescape"))
    if isinstance(value, (list, tuple, Mapping)):
        return len(value)
    raise FunctionError(f"len of type {_type_name(value)}")


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        try:
            if isinstance(value, Mapping):
                value = value.get(key)
            elif isinstance(value, str):
                value = value.encode("utf-8", "surrogateescape")[_position(key)]
            else:
                value = value[_position(key)]
        except (IndexError, TypeError, KeyError):
            raise FunctionError(f"error calling index: {format_value(key)}") from None
    return value


def _slice(value: Any, *bounds: Any) -> Any:
    data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    if not isinstance(data, (bytes, list, tuple)):
        raise FunctionError(f"can't slice item of type {_type_name(value)}")
    start = _position(bounds[0]) if bounds else 0
    stop = _position(bounds[1]) if len(bounds) > 1 else len(data)
    if not start <= stop <= len(data):
        raise FunctionError(f"error calling slice: index out of range: {stop}")
    part = data[start:stop]
    return part.decode("utf-8", "surrogateescape") if isinstance(part, bytes) else part


def _position(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FunctionError(f"cannot index with {format_value(value)}")
    return value


def _equal(first: Any, *others: Any) -> bool:
    if not others:
        raise FunctionError("missing argument for comparison")
    for other in others:
        if isinstance(first, str) != isinstance(other, str) and None not in (first, other):
            raise FunctionError("incompatible types for comparison")
    return first in others


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def function(first: Any, second: Any) -> bool:
        try:
            return compare(first, second)
        except TypeError:
            raise FunctionError("incompatible types for comparison") from None

    return function


BUILTINS: dict[str, Callable[..., Any]] = {
    "and": lambda *values: values,  # evaluated lazily by the interpreter
    "or": lambda *values: values,
    "not": lambda value: not is_true(value),
    "len": _len,
    "index": _index,
    "slice": _slice,
    "print": _joined,
    "println": _println,
    "printf": _printf,
    "eq": _equal,
    "ne": lambda first, second: not _equal(first, second),
    "lt": _ordered(lambda a, b: bool(a < b)),
    "le": _ordered(lambda a, b: bool(a <= b)),
    "gt": _ordered(lambda a, b: bool(a > b)),
    "ge": _ordered(lambda a, b: bool(a >= b)),
    "html": lambda *values: html.escape(_joined(*values)).replace("&#x27;", "&#39;"),
    "js": lambda *values: json.dumps(_joined(*values))[1:-1].replace("'", "\\'"),
    "urlquery": lambda *values: quote_plus(_joined(*values)),
}
