"""Numbers of counters: of any size, as texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.errors import CliError
from pynats_cli.jetstream.counters import (
    check_subject,
    grouped,
    increment,
    negative,
    parse_counter,
    whole_number,
)

NUMBERS = st.integers(min_value=-(10**60), max_value=10**60)


@given(NUMBERS, st.integers(min_value=0, max_value=5))
def test_numbers_keep_their_value(number: int, zeros: int) -> None:
    digits = str(abs(number)).rjust(len(str(abs(number))) + zeros, "0")
    sign = "-" if number < 0 else ""
    assert whole_number(sign + digits) == str(number)
    assert int(negative(str(number))) == -number
    assert increment(str(number)) == f"{number:+d}"
    assert grouped(str(number)) == f"{number:,}"


def test_a_number_may_be_longer_than_python_reads() -> None:
    digits = "7" * 10_000
    assert whole_number(f"+{digits}") == digits
    assert negative(digits) == f"-{digits}"
    assert grouped(digits).replace(",", "") == digits


@pytest.mark.parametrize("text", ["", "abc", "1.5", "1e3", "--1", "+", " 1", "١"])
def test_what_is_no_whole_number(text: str) -> None:
    with pytest.raises(CliError, match="invalid value"):
        whole_number(text)


def test_zero_has_no_sign() -> None:
    assert (whole_number("-0"), negative("0"), increment("0")) == ("0", "0", "+0")


@pytest.mark.parametrize("subject", ["a.*", ">", "a.>", "", "a..b", ".a", "a b"])
def test_subjects_that_are_no_counter(subject: str) -> None:
    with pytest.raises(CliError):
        check_subject(subject)


def test_sources_are_read() -> None:
    headers = [("Nats-Incr", "+2"), ("Nats-Counter-Sources", '{"A":{"x":"5"},"B":7}')]
    counter = parse_counter("s", b'{"val":"12"}', headers)
    assert (counter.value, counter.increment, counter.sources) == ("12", "+2", {"A": {"x": "5"}})


@pytest.mark.parametrize("body", [b"", b"12", b'{"val":"x"}', b"[]", b'{"other":1}', b"\xff"])
def test_messages_without_a_counter(body: bytes) -> None:
    with pytest.raises(CliError, match="holds no counter"):
        parse_counter("s", body, [])
