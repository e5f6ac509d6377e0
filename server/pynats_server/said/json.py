"""JSON as the real server writes it: on one line, safe within HTML."""

from __future__ import annotations

from typing import Any

import msgspec
from pynats_common.go.json import html_safe

_encode = msgspec.json.Encoder().encode


def compact(value: Any) -> bytes:
    """A value as JSON."""
    return html_safe(_encode(value))
