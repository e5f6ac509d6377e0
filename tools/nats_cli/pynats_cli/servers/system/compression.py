"""Answers of servers that come compressed, if that was asked for: the framed Snappy of S2."""

from __future__ import annotations

from typing import Any, Final

from pynats_cli.errors import CliError

ACCEPTED: Final = {"Accept-Encoding": "snappy"}
ANSWER_MAX: Final = 1 << 28  # what it is decompressed to


def can_decompress() -> bool:
    """The module for it is compiled, and not on every system."""
    try:
        import pynats_common.s2  # noqa: F401
    except ImportError:
        return False
    return True


def decompressed(message: Any) -> bytes:
    """The body of an answer. Raises CliError."""
    data: bytes = message.data
    encoding = (message.headers or {}).get("Content-Encoding", "") if message.headers else ""
    if not encoding:
        return data
    if encoding.lower() not in ("snappy", "s2") or not can_decompress():
        raise CliError(
            f"the answer of a server is compressed in a way that is not known here: {encoding}"
        )
    from pynats_common.s2 import decode_stream

    try:
        return decode_stream(data, ANSWER_MAX)
    except ValueError as error:
        raise CliError(f"the compressed answer of a server is damaged: {error}") from None
