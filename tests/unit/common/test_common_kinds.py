"""Kinds of values on a command line."""

from __future__ import annotations

import pytest
from pynats_common.commandline.kinds import INTEGER, UNSIGNED


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e6", 1_000_000), ("25E+3", 25_000), ("-2e2", -200), ("1_000", 1000), ("7e0", 7)],
)
def test_whole_numbers_may_have_an_exponent(text: str, value: int) -> None:
    assert INTEGER.parse(text) == value


@pytest.mark.parametrize("text", ["1.5", "1e-3", "e6", "1e", "0x10", "1e999", "1e5\n", ""])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number, got"):
        INTEGER.parse(text)


def test_numbers_of_0_or_more_end_where_64_bits_do() -> None:
    assert UNSIGNED.parse("1e19") == 10**19
    for text in ("-1e2", "1e20"):
        with pytest.raises(ValueError, match="0 or more"):
            UNSIGNED.parse(text)
