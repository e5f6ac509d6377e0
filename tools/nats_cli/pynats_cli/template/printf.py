"""`printf` of the template language: the verbs of Go's fmt that are useful for its values."""

from __future__ import annotations

import re
from typing import Any

from pynats_common.go.quoting import quote

from pynats_cli.template.errors import FunctionError
from pynats_cli.template.values import format_value, shortest, type_name

WIDTH_MAX = 1_000_000
"""Widest field, so that a template cannot ask for gigabytes."""

_VERB = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>\d+)?(?:\.(?P<precision>\d*))?(?P<verb>.)", re.S)


def printf(form: str, *values: Any) -> str:
    """`form` with its verbs replaced; mistakes appear in the text, as in Go. Raises
    FunctionError."""
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
        extra = ", ".join(f"{type_name(value)}={format_value(value)}" for value in rest)
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
        return f"%!{verb}({type_name(value)}={format_value(value)})"
    if "-" in flags:
        return text.ljust(width)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return text.zfill(width) if "0" in flags and number else text.rjust(width)


def _converted(verb: str, value: Any, flags: str, precision: str | None) -> str | None:
    digits = None if precision is None else int(precision or 0)
    if verb == "v":
        return format_value(value)
    if verb == "T":
        return type_name(value)
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
            return shortest(value)
        return format(value, f"{sign}.{6 if digits is None else digits}{verb}")
    return None


def _converted_text(verb: str, value: str, digits: int | None) -> str | None:
    if verb == "s":
        return value if digits is None else value[:digits]
    if verb == "q":
        return quote(value)
    if verb in "xX":
        text = value.encode("utf-8", "surrogateescape").hex()
        return text.upper() if verb == "X" else text
    return None
