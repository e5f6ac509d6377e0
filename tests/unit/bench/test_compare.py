"""The comparison's arithmetic, page and command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pynats_bench.compare import find_contenders, main, measure_row, select_rows
from pynats_bench.contender import Contender, Running
from pynats_bench.model import LoadError
from pynats_bench.report import OURS, REFERENCE, RELAY, Outcome, markdown, notes, number, row_cells
from pynats_bench.rows import Heading, Sample, Setting, all_rows
from rich.console import Console

QUIET = Console(quiet=True)


def outcome(ours: list[float], reference: list[float], **heading: object) -> Outcome:
    samples = {
        OURS: [Sample(value, cpu_us=0.5) for value in ours],
        REFERENCE: [Sample(value, cpu_us=1.0) for value in reference],
    }
    return Outcome(Heading("name", "a title", "msg/s", **heading), 128, samples)  # type: ignore[arg-type]


def test_medians_ratio_and_spread() -> None:
    row = outcome([30.0, 10.0, 20.0], [5.0, 4.0], target=4.0)
    assert row.median(OURS) == 20.0
    assert row.ratio() == pytest.approx(20 / 4.5)
    assert row.spread(OURS) == 1.0
    assert row.met() is True


@pytest.mark.parametrize(
    ("ours", "more", "met"), [(3.0, True, False), (3.0, False, True), (5.0, False, False)]
)
def test_the_aim_has_a_direction(ours: float, more: bool, met: bool) -> None:
    assert outcome([ours], [4.0], target=1.0, more_is_better=more).met() is met


def test_a_missing_side_gives_no_ratio() -> None:
    row = outcome([], [4.0], target=1.0)
    assert row.ratio() is None and row.met() is None
    assert row_cells(row)[2] == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.50"),
        (12.34, "12.3"),
        (461.2, "461"),
        (9345.0, "9,345"),
        (48_200.0, "48.2 k"),
        (430_000.0, "430 k"),
        (2.3e6, "2.30 M"),
        (123.4e6, "123 M"),
    ],
)
def test_numbers_keep_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_the_page_names_command_facts_rows_and_failures() -> None:
    row = outcome([8.0], [4.0], target=4.0)
    row.samples[RELAY] = [Sample(10.0)]
    broken = Outcome(Heading("broken", "broken row", "msg/s"), errors={OURS: "it fell over"})
    page = markdown([row, broken], "make it", [("Kernel", "Linux 1")])
    assert "make it" in page and "- Kernel: Linux 1" in page
    assert "| a title | msg/s | 8.00 | 4.00 | 2.00 | ≥ 4 ✗ |" in page
    assert "| 128 B | 10.0 |" in page and "80%" in page
    assert "broken row: pynats-server failed: it fell over" in page


def test_samples_taken_beside_other_work_are_called_disturbed() -> None:
    row = outcome([8.0], [4.0])
    assert notes([row]) == []
    row.samples[OURS] = [Sample(8.0, foreign=0.01), Sample(8.0, foreign=0.4)]
    assert notes([row])[0].startswith("1 of 2 timed samples were disturbed")
    assert "40%" in notes([row])[0]


@pytest.mark.parametrize(("ours", "mark"), [(8.0, "✓"), (2.0, "✗")])
def test_a_disturbed_row_gets_no_verdict(ours: float, mark: str) -> None:
    row = outcome([ours], [4.0], target=1.0)
    assert row_cells(row)[5] == f"≥ 1 {mark}"
    row.samples[REFERENCE] = [Sample(4.0, foreign=0.4)]
    assert row.met() is None
    assert row_cells(row)[5] == "≥ 1 ?"


def test_an_absolute_limit_does_not_ask_the_reference() -> None:
    row = outcome([240.0], [10.0], limit=250.0, more_is_better=False)
    assert row.met() is True
    assert outcome([260.0], [], limit=250.0, more_is_better=False).met() is False
    assert row_cells(row)[5] == "≤ 250 msg/s ✓"


def test_row_names_are_unique_and_selectable() -> None:
    names = [row.heading.name for row in all_rows()]
    assert len(names) == len(set(names))
    assert [row.heading.name for row in select_rows(["request-*"], False)] == [
        "request-1",
        "request-16",
        "request-100",
    ]
    assert not any(row.heading.heavy for row in select_rows(None, True))
    with pytest.raises(LoadError, match="no row named"):
        select_rows(["nothing"], False)


def test_a_missing_server_is_left_out_with_its_reason() -> None:
    found, versions = find_contenders("/nonexistent/server", f"{sys.executable}", QUIET)
    assert [contender.name for contender in found] == [REFERENCE]
    assert "left out" in dict(versions)[OURS]


def test_a_server_that_does_not_start_fails_its_row_only() -> None:
    broken = Contender(OURS, (sys.executable, "-c", "import sys; sys.exit('no such luck')"))
    row = select_rows(["startup"], False)[0]
    result = measure_row(row, [broken], 3, Setting(), QUIET)
    assert "no such luck" in result.errors[OURS]
    assert not result.samples


def test_cores_are_inherited_by_the_server_only(tmp_path: Path) -> None:
    import os

    mine = os.sched_getaffinity(0)
    core = frozenset({min(mine)})
    program = (
        "import os,sys;"
        "print('Server is ready', sorted(os.sched_getaffinity(0)), file=sys.stderr, flush=True);"
        "sys.stdin.read(); import signal; signal.pause()"
    )
    with Running(Contender(OURS, (sys.executable, "-c", program)), cores=core) as server:
        assert os.sched_getaffinity(0) == mine
        assert server.startup_seconds > 0
        assert server.resident_bytes() > 0
        assert server.cpu_seconds() >= 0


@pytest.mark.parametrize(
    "arguments",
    [["--cores-server", "x"], ["--cores-server", "4096"], ["--rounds", "0"], ["--nonsense"]],
)
def test_bad_flags_are_one_clear_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_an_unknown_row_is_one_clear_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "nothing"]) == 1
    assert capsys.readouterr().err.startswith("compare: no row named 'nothing'")


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "page.md"
    raw = tmp_path / "raw.json"
    arguments = ["--quick", "--only", "startup", "--reference", "/nonexistent/server"]
    assert main([*arguments, "--output", str(page), "--json", str(raw)]) == 0
    assert "start-up" in page.read_text()
    assert '"samples"' in raw.read_text()
