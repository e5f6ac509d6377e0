"""Message TTLs: limits and garbage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.jetstream.publish.message_ttl import NEVER, TTL_MAX_S, parse_ttl
from pynats_server.jetstream.store.expiry import ttl_of


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


@given(
    st.one_of(
        st.binary(max_size=12).filter(lambda text: not {10, 13} & set(text)),
        st.text("0123456789.hmsunµ+-ever", max_size=22).map(str.encode),
        st.from_regex(r"\+?([0-9]{1,6}(\.[0-9]{0,6})?(h|m|s|ms|us|ns)){1,3}", fullmatch=True).map(
            str.encode
        ),
        st.integers(0, 2**65).map(lambda number: b"%d" % number),
    )
)
def test_the_store_reads_what_is_accepted_and_nothing_else(text: bytes) -> None:
    """Messages with other values are looked at once more and refused."""
    value = text.lstrip(b" ")
    try:
        seconds = parse_ttl(value)
    except ValueError:
        seconds = 0
    assert ttl_of(b"NATS/1.0\r\nNats-TTL: %s\r\n\r\n" % text) == seconds
