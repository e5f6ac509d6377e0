"""Booleans and integers in Go's notation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common.go.numbers import parse_bool, parse_int, parse_uint


@pytest.mark.parametrize("text", ["1", "t", "T", "true", "TRUE", "True"])
def test_words_for_true_and_false(text: str) -> None:
    false = {"1": "0", "t": "f", "T": "F", "true": "false", "TRUE": "FALSE", "True": "False"}
    assert parse_bool(text) is True
    assert parse_bool(false[text]) is False


@given(st.integers(-(2**70), 2**70))
def test_integers_are_refused_exactly_outside_their_range(value: int) -> None:
    for parse, least, most in (
        (parse_int, -(2**63), 2**63 - 1),
        (parse_uint, 0, 2**64 - 1),
    ):
        if least <= value <= most:
            assert parse(str(value)) == value
        else:
            with pytest.raises(ValueError, match=r"value out of range|invalid syntax"):
                parse(str(value))


@given(st.text())
def test_any_text_is_a_number_or_a_clear_error(text: str) -> None:
    for parse in (parse_int, parse_uint, parse_bool):
        try:
            parse(text)
        except ValueError as error:
            assert str(error).startswith("strconv.")
            assert str(error).isprintable()


def test_a_very_long_number_is_out_of_range() -> None:
    with pytest.raises(ValueError, match="out of range"):
        parse_int("9" * 100_000)
    assert parse_int("0" * 100_000 + "7") == 7
