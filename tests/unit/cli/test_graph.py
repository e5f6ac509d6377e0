"""Line charts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.commands.stream.graph import Activity
from pynats_cli.errors import CliError
from pynats_cli.screen.graph import Series, fitted, in_ascii, line_chart, page, rate, whole_chart


def test_a_chart_climbs_and_falls() -> None:
    assert line_chart([0, 0, 4, 4, 2], 11, 3, "hops").splitlines() == [
        " 4 ┤    ╭─╮",
        " 2 ┤    │ ╰",
        " 0 ┤  ──╯".ljust(9),
        "      hops",
    ]


def test_a_flat_line_takes_one_row() -> None:
    assert line_chart([3, 3, 3], 12, 5, label=rate) == " 3.00 ┼  ───"


def test_the_newest_figures_are_at_the_right() -> None:
    chart = line_chart([9] * 50 + [0] * 6, 9, 2)
    assert chart.splitlines()[-1].endswith("─" * 5)


@given(st.lists(st.floats(0, 1e9), max_size=200), st.integers(1, 120), st.integers(1, 30))
def test_charts_keep_their_size(values: list[float], width: int, height: int) -> None:
    lines = line_chart(values, width, height).splitlines()
    assert 1 <= len(lines) <= height
    labels = max(line.find("┤") if "┤" in line else line.find("┼") for line in lines)
    assert all(len(line) <= max(width, labels + 2) for line in lines)
    if values:
        columns = max(width - labels - 1, 1)
        drawn = [
            set(column) - {" "}
            for column in zip(*(line[labels + 1 :].ljust(columns) for line in lines), strict=True)
        ]
        assert sum(1 for marks in drawn if marks) == min(len(values), width, columns)


def test_a_page_needs_space() -> None:
    series = [Series("one"), Series("two", rate)]
    for each in series:
        each.values.extend([1, 2])
    assert page("Title", series, 60, 20).startswith("Title\n\n")
    for columns, lines in ((10, 20), (60, 8)):
        with pytest.raises(CliError, match="please increase terminal dimensions"):
            page("Title", series, columns, lines)


def test_activity_is_per_second() -> None:
    activity = Activity()
    assert activity.figures({"messages": 10, "last_seq": 12}, 5.0) == [10, 0, 0]
    assert activity.figures({"messages": 13, "last_seq": 20}, 7.0) == [13, 2.5, 4]


def test_a_whole_chart_has_all_figures_on_a_scale_from_zero() -> None:
    chart = whole_chart([2, 4], 11, 3, "two")
    assert chart.splitlines() == [
        " 4 ┤    ╭──",
        " 2 ┤────╯",
        " 0 ┤",
        "      two",
    ]
    assert in_ascii(chart).splitlines()[:2] == [" 4 |    .--", " 2 |----'"]


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=300), st.integers(1, 120))
def test_figures_are_fitted_into_columns(values: list[float], columns: int) -> None:
    found = fitted(values, columns)
    assert len(found) == columns
    assert all(min(values) <= value * (1 + 1e-9) for value in found)
    assert all(value <= max(values) * (1 + 1e-9) for value in found)
    if columns >= len(values):
        assert set(found) == set(values)
