"""Sizes: texts of the real tools, and round trips."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common.sizes import exact_size, format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", -1),
        ("-1", -1),
        ("-5GB", -1),
        ("0", 0),
        ("512", 512),
        ("512B", 512),
        ("1K", 1024),
        ("1kb", 1024),
        ("1KiB", 1024),
        ("1.5m", 1572864),
        ("2 GiB", 2 * 1024**3),
        ("1T", 1024**4),
    ],
)
def test_sizes_are_parsed(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["x", "1X", "1iB", "1.2.3K", "K", "1KK", "- 5", "99999999999E"])
def test_bad_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (16, "16 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (571392, "558 KiB"),
        (1024**2, "1.0 MiB"),
        (int(8.9 * 1024**2), "8.9 MiB"),
        (14 * 1024**2, "14 MiB"),
        (1536 * 1024**2, "1.5 GiB"),
        (1024**5, "1.0 PiB"),
    ],
)
def test_sizes_are_written_with_one_decimal_below_ten(size: int, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(0, 7 * 1024**6))
def test_a_written_size_reads_back_within_its_rounding(size: int) -> None:
    back = parse_size(format_size(size))
    assert abs(back - size) <= max(size * 0.06, 0)


@given(
    st.integers(0, 2**62)
    | st.builds(lambda n, p: n * 1024**p, st.integers(1, 9), st.integers(0, 5))
)
def test_exact_sizes_are_exact(size: int) -> None:
    assert parse_size(exact_size(size)) == size


def test_exact_sizes_are_short() -> None:
    assert [exact_size(size) for size in (0, 1000, 128 * 1024, 1024**3)] == [
        "0", "1000", "128KiB", "1GiB",
    ]  # fmt: skip
