"""Message TTLs: limits and garbage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.jetstream.publish.message_ttl import NEVER, TTL_MAX_S, parse_ttl


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (b"", 0),
        (b"00", 0),
        (b"7", 7),
        (b"007", 7),
        (b"1m30s", 90),
        (b"1.999s", 1),
        (b"never", NEVER),
        (b"nEvEr", NEVER),
        (b"9223372036854775807", TTL_MAX_S),
        (b"2562047h", TTL_MAX_S),
    ],
)
def test_values(text: bytes, seconds: int) -> None:
    assert parse_ttl(text) == seconds


@pytest.mark.parametrize(
    "text", [b"0", b"0s", b"-1", b"999999999ns", b"1d", b"9" * 20, b"9" * 5000, b"\xff", b"1 "]
)
def test_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse_ttl(text)


@given(st.one_of(st.binary(), st.text("0123456789.hmsun+- ever").map(str.encode)))
def test_garbage_is_refused_or_in_range(text: bytes) -> None:
    try:
        seconds = parse_ttl(text)
    except ValueError:
        return
    assert NEVER <= seconds <= TTL_MAX_S
