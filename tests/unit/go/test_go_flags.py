"""Command lines as Go's `flag` package reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common.go.flags import FlagError, Kind, Value, read_flags

KINDS: dict[str, Kind] = {"D": "bool", "p": "int", "c": "str"}


@pytest.mark.parametrize(
    ("args", "given_flags", "rest"),
    [
        ([], [], []),
        (["-D", "false"], [("D", True)], ["false"]),
        (["--D=false", "-p", "0x1F"], [("D", False), ("p", 31)], []),
        (["-p=017", "-p", "1_000"], [("p", 15), ("p", 1000)], []),
        (["-c", "-D"], [("c", "-D")], []),
        (["-c=", "word", "-D"], [("c", "")], ["word", "-D"]),
        (["-D", "--", "-p"], [("D", True)], ["-p"]),
        (["-"], [], ["-"]),
    ],
)
def test_flags(args: list[str], given_flags: list[tuple[str, Value]], rest: list[str]) -> None:
    assert read_flags(KINDS, args) == (given_flags, rest)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["-x"], "flag provided but not defined: -x"),
        (["---p"], "bad flag syntax: ---p"),
        (["-p"], "flag needs an argument: -p"),
        (["-p", "08"], 'invalid value "08" for flag -p: parse error'),
        (["-p", "9" * 20], f'invalid value "{"9" * 20}" for flag -p: value out of range'),
        (["-D=may\x01be"], 'invalid boolean value "may\\x01be" for -D: parse error'),
    ],
)
def test_complaints(args: list[str], message: str) -> None:
    with pytest.raises(FlagError) as caught:
        read_flags(KINDS, args)
    assert str(caught.value) == message


@given(st.lists(st.tuples(st.just("D"), st.booleans())
                | st.tuples(st.just("p"), st.integers(-(2**63), 2**63 - 1))
                | st.tuples(st.just("c"), st.text())),
       st.lists(st.text()))  # fmt: skip
def test_what_is_spelled_out_is_read_back(flags: list[tuple[str, Value]], rest: list[str]) -> None:
    words = [f"-{name}={str(value).lower() if name == 'D' else value}" for name, value in flags]
    assert read_flags(KINDS, [*words, "--", *rest]) == (flags, rest)
