"""Predefined functions of the template language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

from pynats_common.go.text import bytes_of, raw_text

from pynats_cli.template.errors import FunctionError
from pynats_cli.template.printf import printf
from pynats_cli.template.values import format_operand, format_value, is_true, kind_of, type_name


def _joined(values: Sequence[Any], text: Callable[[Any], str] = format_value) -> str:
    # Go puts a space between operands when neither side is a string.
    parts: list[str] = []
    for index, value in enumerate(values):
        text_side = isinstance(value, str) or (index and isinstance(values[index - 1], str))
        parts.append(("" if index == 0 or text_side else " ") + text(value))
    return "".join(parts)


def _print(*values: Any) -> str:
    return _joined(values, format_operand)


def _println(*values: Any) -> str:
    return " ".join(format_operand(value) for value in values) + "\n"


_HTML = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "'": "&#39;", '"': "&#34;", "\0": "\ufffd"}


def _html(*values: Any) -> str:
    return "".join(_HTML.get(letter, letter) for letter in _joined(values))


def _js(*values: Any) -> str:
    return "".join(map(_js_letter, _joined(values)))


def _js_letter(letter: str) -> str:
    if letter in "\\'\"":
        return "\\" + letter
    if letter in "<>&=" or ord(letter) < 32 or not (letter.isprintable() or letter == " "):
        units = letter.encode("utf-16-be", "surrogatepass")
        code = ord(letter)
        return f"\\u{code:04X}" if len(units) == 2 else f"\\u{code:X}"
    return letter


def _len(value: Any) -> int:
    if isinstance(value, str):
        return len(bytes_of(value))
    if isinstance(value, (list, tuple, Mapping)):
        return len(value)
    raise FunctionError(f"len of type {type_name(value)}")


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        try:
            if isinstance(value, Mapping):
                value = value.get(key)
            elif isinstance(value, str):
                value = bytes_of(value)[_position(key)]
            else:
                value = value[_position(key)]
        except (IndexError, TypeError, KeyError):
            raise FunctionError(f"error calling index: {format_value(key)}") from None
    return value


def _slice(value: Any, *bounds: Any) -> Any:
    data = bytes_of(value) if isinstance(value, str) else value
    if not isinstance(data, (bytes, list, tuple)):
        raise FunctionError(f"can't slice item of type {type_name(value)}")
    if isinstance(value, str) and len(bounds) > 2:
        raise FunctionError("cannot 3-index slice a string")
    start = _position(bounds[0]) if bounds else 0
    stop = _position(bounds[1]) if len(bounds) > 1 else len(data)
    if not start <= stop <= len(data):
        raise FunctionError(f"error calling slice: index out of range: {stop}")
    part = data[start:stop]
    return raw_text(part) if isinstance(part, bytes) else part


def _position(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FunctionError(f"cannot index with {format_value(value)}")
    return value


def _equal(first: Any, *others: Any) -> bool:
    if not others:
        raise FunctionError("missing argument for comparison")
    for other in others:
        # Like Go, up to the first that is equal.
        if None not in (first, other) and kind_of(first) != kind_of(other):
            raise FunctionError("incompatible types for comparison")
        if first == other:
            return True
    return False


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def function(first: Any, second: Any) -> bool:
        if kind_of(first) in ("", "bool") or kind_of(second) in ("", "bool"):
            raise FunctionError("invalid type for comparison")
        if kind_of(first) != kind_of(second):
            raise FunctionError("incompatible types for comparison")
        return compare(first, second)

    return function


BUILTINS: dict[str, Callable[..., Any]] = {
    "and": lambda *values: values,  # evaluated lazily by the interpreter
    "or": lambda *values: values,
    "not": lambda value: not is_true(value),
    "len": _len,
    "index": _index,
    "slice": _slice,
    "print": _print,
    "println": _println,
    "printf": printf,
    "eq": _equal,
    "ne": lambda first, second: not _equal(first, second),
    "lt": _ordered(lambda a, b: bool(a < b)),
    "le": _ordered(lambda a, b: bool(a <= b)),
    "gt": _ordered(lambda a, b: bool(a > b)),
    "ge": _ordered(lambda a, b: bool(a >= b)),
    "html": _html,
    "js": _js,
    "urlquery": lambda *values: quote_plus(_joined(values)),
}
