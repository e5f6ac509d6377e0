"""`printf` of the template language: the verbs of Go's fmt that are useful for its values."""

from __future__ import annotations

import re
from typing import Any

from pynats_common.go.quoting import quote
from pynats_common.go.text import bytes_of

from pynats_cli.template.errors import FunctionError
from pynats_cli.template.values import format_operand, shortest, type_name

WIDTH_MAX = 1_000_000
"""Widest field, so that a template cannot ask for gigabytes."""

_INDEX = r"(?:\[\d+\])?"
_VERB = re.compile(
    rf"%(?P<flags>[-+# 0]*)(?P<width>\d+|{_INDEX}\*)?"
    rf"(?:\.(?P<precision>\d*|{_INDEX}\*))?(?P<index>{_INDEX})(?P<verb>.)?",
    re.DOTALL,
)


class _Operands:
    """The values of one call: taken in order, or by their number."""

    def __init__(self, values: tuple[Any, ...]) -> None:
        self.values = values
        self.next = 0
        self.by_number = False

    def go_to(self, index: str) -> bool:
        """Continues with `[n]`; False if there is none."""
        if index:
            self.by_number = True
            self.next = int(index[1:-1]) - 1
        return 0 <= self.next < len(self.values)

    def take(self) -> Any:
        self.next += 1
        return self.values[self.next - 1]

    def extra(self) -> tuple[Any, ...]:
        """Values that no verb has taken; unknown where they were taken by number."""
        return () if self.by_number else self.values[self.next :]


def printf(form: str, *values: Any) -> str:
    """`form` with its verbs replaced; mistakes appear in the text, as in Go. Raises
    FunctionError."""
    operands = _Operands(values)
    text = _VERB.sub(lambda match: _replaced(match, operands), form)
    extra = operands.extra()
    if extra:
        text += f"%!(EXTRA {', '.join(map(_typed, extra))})"
    return text


def _typed(value: Any) -> str:
    return "<nil>" if value is None else f"{type_name(value)}={format_operand(value)}"


def _replaced(match: re.Match[str], operands: _Operands) -> str:
    flags, verb = match["flags"], match["verb"]
    width, precision = _size(match["width"], operands), _size(match["precision"], operands)
    bad = "%!(BADWIDTH)" if width is None else ""
    bad += "%!(BADPREC)" if precision is None else ""
    width = width or 0
    if width < 0:
        flags, width = flags + "-", -width
    if max(width, precision or 0) > WIDTH_MAX:
        raise FunctionError("printf: width or precision is too large")
    if verb is None:
        return bad + "%!(NOVERB)"
    if verb == "%":
        return bad + "%"
    if not operands.go_to(match["index"]):
        return f"{bad}%!{verb}({'BADINDEX' if match['index'] else 'MISSING'})"
    digits = precision if match["precision"] is not None else None
    return bad + _padded(verb, operands.take(), flags, width, digits)


def _size(text: str | None, operands: _Operands) -> int | None:
    """A width or precision; `*` takes it from the operands. None if that is no integer."""
    if not text:
        return 0
    if not text.endswith("*"):
        return int(text) if len(text) < 10 else WIDTH_MAX + 1
    if not operands.go_to(text[:-1]):
        return None
    value = operands.take()
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _padded(verb: str, value: Any, flags: str, width: int, digits: int | None) -> str:
    text = _converted(verb, value, flags, digits)
    if text is None:
        return f"%!{verb}({_typed(value)})"
    if "-" in flags:
        return text.ljust(width)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return text.zfill(width) if "0" in flags and number else text.rjust(width)


def _converted(verb: str, value: Any, flags: str, digits: int | None) -> str | None:
    if verb == "v":
        return format_operand(value, names="+" in flags)
    if verb == "T":
        return type_name(value)
    if verb == "t":
        return format_operand(value) if isinstance(value, bool) else None
    if isinstance(value, str):
        return _converted_text(verb, value, flags, digits)
    if isinstance(value, bool):
        return None
    sign = "+" if "+" in flags else " " if " " in flags else ""
    if isinstance(value, int):
        return _converted_integer(verb, value, sign, "#" in flags)
    if isinstance(value, float) and verb in "feEgG":
        if verb in "gG" and digits is None:
            return shortest(value)
        return format(value, f"{sign}.{6 if digits is None else digits}{verb}")
    return None


def _converted_integer(verb: str, value: int, sign: str, alternate: bool) -> str | None:
    if verb == "o" and alternate:
        return format(value, f"{sign}o").replace("-", "-0") if value < 0 else f"{sign}0{value:o}"
    if verb in "dboxX":
        return format(value, f"{sign}{'#' if alternate and verb != 'd' else ''}{verb}")
    if not 0 <= value < 0x110000:
        return None
    if verb == "U":
        return f"U+{value:04X}"
    if verb == "q":
        return "'" + quote(chr(value))[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
    return chr(value) if verb == "c" else None


def _converted_text(verb: str, value: str, flags: str, digits: int | None) -> str | None:
    if verb == "s":
        return value if digits is None else value[:digits]
    if verb == "q":
        return quote(value)
    if verb in "xX":
        data = bytes_of(value)
        text = data.hex(" ") if " " in flags else data.hex()
        return text.upper() if verb == "X" else text
    return None
