"""The options of negative and final acknowledgements."""

from __future__ import annotations

from typing import ClassVar

from pynats_common.go.durations import parse_duration_ns
from pynats_common.go.text import text_of

from pynats_server.jetstream.config.model import JsonObject
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.requests.decode import decode_plainly
from pynats_server.jetstream.requests.field_types import Int64


class _Options(JsonObject):
    go_name: ClassVar = "ConsumerNakOptions"
    delay: Int64 = 0


def nak_delay_ns(options: bytes) -> int:
    """How long a message is to wait after `-NAK`: JSON with a `delay` in ns, or a duration; what
    is neither asks for no delay."""
    options = options.strip()
    if not options:
        return 0
    try:
        if options.startswith(b"{"):
            return decode_plainly(options, _Options).delay
        return parse_duration_ns(text_of(options))
    except (ApiError, ValueError):
        return 0


def term_reason(rest: bytes) -> str:
    """The reason behind `+TERM`."""
    return text_of(rest).strip()
