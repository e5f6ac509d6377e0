"""Counters: exact at any length, and sums over sources."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.publish.counters import (
    ZERO,
    add,
    combine,
    parse_increment,
    read_sources,
    read_total,
    show_total,
    write_sources,
    write_total,
)

NUMBER = st.one_of(st.integers(), st.integers(-(10**400), 10**400))


@given(NUMBER, NUMBER)
def test_sums_are_those_of_integers(first: int, second: int) -> None:
    total = add(parse_increment(b"%d" % first), parse_increment(b"%+d" % second))
    assert write_total(total) == b'{"val":"%d"}' % (first + second)
    assert read_total(write_total(total)) == total


@given(st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from("xy"), NUMBER), max_size=12))
def test_a_sourced_total_is_the_sum_of_its_origins(steps: list[tuple[str, str, int]]) -> None:
    origins: dict[tuple[str, str], int] = {}
    total, header = ZERO, None
    for origin, subject, increment in steps:
        origins[origin, subject] = origins.get((origin, subject), 0) + increment
        origin_total = parse_increment(b"%d" % origins[origin, subject])
        taken = combine(total, read_sources(header), origin, subject, origin_total)
        assert show_total(taken.increment) == str(increment)
        total, header = taken.total, write_sources(taken.sources)
    assert show_total(total) == str(sum(origins.values()))


def test_a_message_that_was_missed_is_made_up_for() -> None:
    sources = {"A": {"x": "5"}, "B": {"x": "7"}}
    taken = combine(Decimal(12), sources, "A", "x", Decimal(9))
    assert taken == (Decimal(16), Decimal(4), {"A": {"x": "9"}, "B": {"x": "7"}})
    assert sources == {"A": {"x": "5"}, "B": {"x": "7"}}


def test_long_numbers_stay_exact() -> None:
    nines = b"9" * 20_000
    assert write_total(add(parse_increment(nines), parse_increment(b"1"))) == (
        b'{"val":"1' + b"0" * 20_000 + b'"}'
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"val":5}',
        b'{"val":""}',
        b'{"val":"x"}',
        b'{"val":"NaN"}',
        b"[",
        b'{"val":"\xff"}',
    ],
)
def test_broken_totals(body: bytes) -> None:
    with pytest.raises(ApiError) as broken:
        read_total(body)
    assert broken.value.err_code == 10172


@pytest.mark.parametrize("header", [b"{", b"[]", b'{"A":5}', b'{"A":{"x":5}}', b'{"\xff":{}}'])
def test_broken_sources(header: bytes) -> None:
    with pytest.raises(ApiError) as broken:
        read_sources(header)
    assert broken.value.err_code == 10172


def test_remembered_nonsense_is_broken() -> None:
    with pytest.raises(ApiError) as broken:
        combine(ZERO, {"A": {"x": "many"}}, "A", "x", ZERO)
    assert broken.value.err_code == 10172


def test_sources_are_written_in_order() -> None:
    written = write_sources({"B": {"y": "2", "x": "1"}, "A": {}})
    assert written == b'{"A":{},"B":{"x":"1","y":"2"}}'
    assert read_sources(None) == read_sources(b"") == {}


@given(st.binary())
def test_garbage(text: bytes) -> None:
    for read in (parse_increment, read_total, read_sources):
        try:
            read(text)
        except ApiError as refused:
            assert refused.err_code in (10169, 10171, 10172)


@given(NUMBER)
def test_body_is_the_json_that_others_read(number: int) -> None:
    assert json.loads(write_total(parse_increment(b"%d" % number))) == {"val": str(number)}
