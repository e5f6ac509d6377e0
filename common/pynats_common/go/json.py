"""JSON as Go's encoding/json writes it: HTML-safe, whole numbers without fraction."""

from __future__ import annotations

import json

_UNSAFE = {char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_UNSAFE_STR = str.maketrans(_UNSAFE)
_UNSAFE_BYTES = tuple((char.encode(), escape.encode()) for char, escape in _UNSAFE.items())


def compact_json(value: object) -> str:
    """JSON on one line, without spaces, keys in insertion order."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_UNSAFE_STR)


def html_safe(data: bytes) -> bytes:
    """JSON made elsewhere (UTF-8), with Go's escapes added."""
    for char, escape in _UNSAFE_BYTES:
        if char in data:
            data = data.replace(char, escape)
    return data


def json_number(value: float) -> int | float:
    """A float as Go shows it: without a fraction when it is whole."""
    return int(value) if float(value).is_integer() else value
