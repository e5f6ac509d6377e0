"""Quoting as Go does it."""

from __future__ import annotations

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common.go.quoting import quote, quote_ascii, quote_excerpt


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", '""'),
        (b"hello", '"hello"'),
        ("é🐍".encode(), '"é🐍"'),
        (b'a"b\\c', '"a\\"b\\\\c"'),
        (b"\r\n\t\a\b\f\v", '"\\r\\n\\t\\a\\b\\f\\v"'),
        (b"\x00\x7f\xff", '"\\x00\\x7f\\xff"'),
        ("\u200b\u2028".encode(), '"\\u200b\\u2028"'),
        ("\U000e0001".encode(), '"\\U000e0001"'),
    ],
)
def test_quoting(data: bytes, text: str) -> None:
    assert quote(data) == text
    assert quote(data.decode("utf-8", "surrogateescape")) == text


@given(st.binary())
def test_what_is_quoted_is_printable_and_can_be_read_back(data: bytes) -> None:
    text = quote(data)
    assert text.isprintable()
    # Python reads these escapes the same way, except bytes, which it treats as characters.
    marked = re.sub(r"(?<!\\)((?:\\\\)*)\\x([89a-f][0-9a-f])", r"\1\\udc\2", text)
    assert ast.literal_eval(marked).encode("utf-8", "surrogateescape") == data


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_the_quoting_of_times_is_ascii_but_means_the_same(text: str) -> None:
    shown = quote_ascii(text)
    assert shown.isascii()
    assert ast.literal_eval(f"b{shown}") == text.encode()


def test_excerpts_are_cut_at_forty_characters() -> None:
    assert quote_excerpt("x" * 40) == f'"{"x" * 40}"'
    assert quote_excerpt("x" * 41) == f'"{"x" * 37}..."'
