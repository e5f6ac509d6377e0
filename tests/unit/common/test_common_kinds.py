"""Kinds of values on a command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
from pynats_common.commandline.declare import opt, parameters
from pynats_common.commandline.help.text import item_help
from pynats_common.commandline.kinds import DURATION, FLOAT, INTEGER, SIZE, UNSIGNED, Kind, in_range


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


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (DURATION, 7_200_000_000_000, "2h"),
        (DURATION, 120_000_000_000, "2m"),
        (DURATION, 5_400_000_000_000, "1h30m"),
        (DURATION, 1_000_000_000, "1s"),
        (SIZE, 1024**3, "1GiB"),
        (in_range(UNSIGNED, 1, 9), 7, "7"),
        (FLOAT, 0.5, "0.5"),
    ],
)
def test_values_are_spelled_as_they_are_read(kind: Kind, value: object, text: str) -> None:
    assert kind.spell(value) == text
    assert kind.parse(text) == value


@dataclass(kw_only=True)
class Options:
    age: Annotated[int, opt("--age", kind=DURATION, help="How old")] = 60_000_000_000
    most: Annotated[int, opt("--most", help="At most")] = -1
    name: Annotated[str, opt("--name", help="Name")] = ""
    force: Annotated[bool, opt("--force", help="Do it")] = True
    count: Annotated[int | None, opt("--count", help="How many")] = None


def test_help_tells_defaults() -> None:
    assert [item_help(item) for item in parameters(Options)] == [
        "How old (default: 1m)", "At most", "Name", "Do it", "How many",
    ]  # fmt: skip
