"""Request JSON to typed objects, with the real server's words for what is wrong."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from .errors import api_error

T = TypeVar("T")


def decode(body: bytes, type_: type[T], strict: bool) -> T:
    """The object. Raises ApiError 10025."""
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise api_error(10025, err=error) from None
