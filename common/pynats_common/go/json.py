"""JSON as Go's encoding/json writes it: HTML-safe, whole numbers without fraction."""

from __future__ import annotations

import json
from typing import Any

from pynats_common.go.text import clean, text_of

_UNSAFE = {char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_UNSAFE_STR = str.maketrans(_UNSAFE)
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_UNSAFE_BYTES = tuple((char.encode(), escape.encode()) for char, escape in _UNSAFE.items())


def read_json(data: bytes) -> Any:
    """JSON from outside: its texts fit every output (see `go.text`). Raises ValueError."""
    value = json.loads(text_of(data))
    return _cleaned(value) if b"\\u" in data else value


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): _cleaned(item) for key, item in value.items()}
    return value


def compact_json(value: object) -> str:
    """JSON on one line, without spaces, keys in insertion order."""
    text = _COMPACT.encode(value)
    for char in _UNSAFE:
        if char in text:
            return text.translate(_UNSAFE_STR)
    return text


def html_safe(data: bytes) -> bytes:
    """JSON made elsewhere (UTF-8), with Go's escapes added."""
    for char, escape in _UNSAFE_BYTES:
        if char in data:
            data = data.replace(char, escape)
    return data


def json_number(value: float) -> int | float:
    """A float as Go shows it: without a fraction when it is whole."""
    return int(value) if float(value).is_integer() else value
