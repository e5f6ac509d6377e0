"""Distributions of measured times, and the counting of kinds of messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.messages.measure.percentiles import SHOWN, at, histogram_text, raw_text
from pynats_cli.messages.measure.traffic import ROWS, Traffic

TIMES = st.lists(st.integers(0, 10**10), min_size=1, max_size=200)


@given(TIMES)
def test_percentiles_are_values_that_grow_to_the_largest(times: list[int]) -> None:
    ordered = sorted(times)
    found = [at(ordered, percentile) for percentile in SHOWN]
    assert found == sorted(found) and set(found) <= set(times) and found[-1] == ordered[-1]


def test_percentiles_of_two_hundred() -> None:
    ordered = list(range(1, 201))
    assert [at(ordered, p) for p in (10, 50, 99, 99.9, 100)] == [20, 100, 198, 200, 200]
    assert at([], 50) == 0


def test_the_files_are_those_of_plotters() -> None:
    assert raw_text([105_507, 2_000_000]) == "0.105507\n2.000000\n"
    lines = histogram_text([index * 1_000 for index in range(1, 201)]).splitlines()
    assert lines[:4] == [
        "Value    Percentile    TotalCount    1/(1-Percentile)",
        "",
        "0.020000    0.100000        20            1.111111",
        "0.050000    0.250000        50            1.333333",
    ]
    assert lines[-1] == "0.200000    1.000000        200            10000000.000000"
    assert len(lines) == 14


def test_messages_are_counted_by_kind() -> None:
    traffic = Traffic()
    for subject, asks in (
        ("$NRG.V.x", False), ("$NRG.AE.x", False), ("$JSC.ARU.a.b", False), ("$JS.API.INFO", True),
        ("$JS.ACK.S.C.1", False), ("$SYS.REQ.x", True), ("orders", True), ("orders", False),
    ):  # fmt: skip
        traffic.now.count(subject, 100, asks)
    second = traffic.now
    assert second.raft["Vote"] == second.raft["Append"] == second.cluster["JSA Update"] == 1
    assert second.general == {"Requests": 1, "JS API": 1, "JS ACK": 1, "System": 1, "Rest": 1}
    assert second.bytes == 800
    traffic.turn()
    text = traffic.render()
    assert text.index("Raft Traffic") < text.index("Cluster Traffic") < text.index("General")


def test_only_the_last_seconds_are_shown_and_quiet_tables_are_not() -> None:
    traffic = Traffic()
    for _ in range(ROWS + 5):
        traffic.turn()
    text = traffic.render()
    assert "Raft" not in text and "Cluster" not in text
    assert text.count("0 B") == ROWS
