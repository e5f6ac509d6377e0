"""Header blocks: the compiled functions against a plain reading of the rules, and garbage."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pynats_server.core.protocol import headers

NAMES = [b"A", b"Nats-Msg-Id", b"Nats-Expected-Stream", b"Nats-Expected-Last-Sequence"]
PIECES = [*NAMES, b"nats-msg-id", b":", b": ", b" ", b"\r\n", b"\r", b"\n", b"\t", b"v", b"\x00"]
GARBAGE = st.lists(st.sampled_from([b"NATS/1.0", *PIECES]), max_size=30).map(b"".join)
BLOCK = st.one_of(GARBAGE, GARBAGE.map(lambda text: b"NATS/1.0\r\n" + text), st.binary())
NAME = st.sampled_from(NAMES)
VALUE = st.binary(max_size=12)
CLEAN_VALUE = st.text("abc: 1", max_size=8).map(str.encode)


def plain_lines(block: bytes) -> list[bytes]:
    return block.split(b"\r\n")[1:]


def plain_get(block: bytes, name: bytes) -> bytes | None:
    for line in plain_lines(block):
        if line.startswith(name + b":"):
            return line[len(name) + 1 :].lstrip(b" ")
    return None


@given(BLOCK, NAME)
def test_get_is_the_plain_reading(block: bytes, name: bytes) -> None:
    assert headers.get(block, name) == plain_get(block, name)


@given(BLOCK)
def test_one_pass_finds_what_single_lookups_find(block: bytes) -> None:
    expected = {name: plain_get(block, name) for name in NAMES}
    found = headers.get_all(block, frozenset(NAMES))
    assert found == {name: value for name, value in expected.items() if value is not None}


@given(BLOCK, NAME)
@example(b"\r\nA:\r\nA", b"A")
def test_removed_headers_are_gone_and_others_stay(block: bytes, name: bytes) -> None:
    rest = headers.remove(block, name)
    *ended, last = block.split(b"\r\n")
    kept = [*ended[:1], *(line for line in ended[1:] if not line.startswith(name + b":")), last]
    expected = b"\r\n".join(kept)
    if len(kept) == len(ended) + 1:
        assert rest == block
    elif len(expected) > len(kept[0] + b"\r\n\r\n"):
        assert rest == expected
    else:  # what is left is no longer than a frame without headers
        assert rest == b""


@given(BLOCK)
def test_prefix_removes_every_ended_line_with_it(block: bytes) -> None:
    rest = headers.remove_prefix(block, b"Nats-Expected-", b"A")
    for line in rest.split(b"\r\n")[1:-1]:
        assert not line.startswith((b"Nats-Expected-", b"A"))
    assert headers.get(rest, b"Nats-Msg-Id") == headers.get(block, b"Nats-Msg-Id")


@given(BLOCK, NAME, VALUE, NAME)
def test_set_changes_one_header_only(block: bytes, name: bytes, value: bytes, other: bytes) -> None:
    changed = headers.set(block, name, value)
    expected = value.replace(b"\r", b" ").replace(b"\n", b" ").lstrip(b" ")
    assert headers.get(changed, name) == expected
    assert changed.endswith(b"\r\n\r\n")
    if other != name:
        assert headers.get(changed, other) == headers.get(block, other)


@given(st.lists(st.tuples(NAME, CLEAN_VALUE)), st.sampled_from([b"", b"404 No Messages"]))
def test_built_blocks_read_back(pairs: list[tuple[bytes, bytes]], status: bytes) -> None:
    block = headers.build(pairs, status)
    assert headers.status(block) == (status or None)
    first = {name: value.lstrip() for name, value in reversed(pairs)}
    assert headers.get_all(block, frozenset(NAMES)) == first
    appended = headers.build(())
    for name, value in pairs:
        appended = headers.add(appended, name, value)
    assert appended == headers.build(pairs)


@given(BLOCK)
def test_status_of_anything(block: bytes) -> None:
    status = headers.status(block)
    assert status is None or status in block


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (b"NATS/1.0 503\r\n\r\n", b"503"),
        (b"NATS/1.0 408 Request Timeout\r\nA: b\r\n\r\n", b"408 Request Timeout"),
        (b"NATS/1.0\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\n\r\n", None),
        (b"", None),
    ],
)
def test_status(block: bytes, expected: bytes | None) -> None:
    assert headers.status(block) == expected


def test_a_value_cannot_start_a_header() -> None:
    block = headers.add(b"", b"A", b"x\r\nNats-Msg-Id: 1")
    assert headers.get(block, b"Nats-Msg-Id") is None


def test_removing_the_last_header_removes_the_block() -> None:
    assert headers.remove(b"NATS/1.0\r\nA: b\r\n\r\n", b"A") == b""
    assert headers.remove(b"NATS/1.0 503 No\r\nA: b\r\n\r\n", b"A") == b""
    assert headers.remove(b"NATS/1.0\r\n\r\n", b"A") == b"NATS/1.0\r\n\r\n"
