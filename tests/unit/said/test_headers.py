"""Header blocks of what is asked and said."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.said.headers import content_encoding, value_of
from pynats_server.said.packing import wanted
from pynats_server.system.services.of_clients import ASKS_MAX, asker

ASKS = b"NATS/1.0\r\nNats-Request-Info: %b\r\n\r\n"


class Whole(bytes):
    """A block that nobody may take apart: that takes longer the more headers there are."""

    def _refuse(self, *_: Any) -> NoReturn:
        raise AssertionError("it is taken apart")

    split = splitlines = rsplit = __iter__ = _refuse


@given(
    st.lists(st.sampled_from([b"A", b"AB", b"a", b"\r\n", b"\n", b":", b" ", b"1"]), max_size=30)
)
def test_the_first_header_of_a_name_counts(pieces: list[bytes]) -> None:
    block = b"NATS/1.0\r\n" + b"".join(pieces)
    lines = [line.partition(b":") for line in block.split(b"\r\n")]
    expected = next((value.strip() for name, colon, value in lines if name == b"A" and colon), None)
    assert value_of(block, b"A") == expected


def test_a_header_is_found_among_many_by_one_search() -> None:
    many = b"a:\r\n" * 100_000
    block = Whole(b"NATS/1.0\r\n" + many + b"Accept-Encoding: gzip\r\n\r\n")
    assert wanted(block) == "gzip"
    told = Whole(ASKS.replace(b"\r\n", b"\r\n" + many, 1) % b'{"acc":"A"}')
    assert asker(told) == {"acc": "A"}


def test_who_asks_is_told_by_a_json_object_or_not_at_all() -> None:
    assert asker(b"NATS/1.0\r\nOther: 1\r\n\r\n") == {}
    assert asker(ASKS % b'{"acc":"A"}') == {"acc": "A"}
    deep = b"[" * (ASKS_MAX - 2)
    long = b'{"acc":"%b"}' % (b"A" * ASKS_MAX)
    for wrong in b"", b"[]", b"{", b"7", deep, long:
        with pytest.raises(ValueError):
            asker(ASKS % wrong)


def test_what_is_packed_says_how() -> None:
    assert content_encoding("") == b""
    assert content_encoding("gzip") == b"NATS/1.0\r\nContent-Encoding: gzip\r\n\r\n"
