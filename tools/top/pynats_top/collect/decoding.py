"""JSON of servers, as fast as there is something to read it with."""

from __future__ import annotations

import json
from typing import Any

from pynats_top.collect.source import SourceError


def decoded(body: bytes, what: str) -> dict[str, Any]:
    """The object of an answer. Raises SourceError."""
    try:
        value = _decode(body)
    except (ValueError, RecursionError):
        raise SourceError(f"the answer to {what} is no valid JSON") from None
    if not isinstance(value, dict):
        raise SourceError(f"the answer to {what} is no JSON object")
    return value


def _decode(body: bytes) -> Any:
    try:
        from msgspec.json import decode  # where the server runs, that is there
    except ImportError:
        return json.loads(body)
    return decode(body)
