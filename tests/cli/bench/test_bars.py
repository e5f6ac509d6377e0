"""Bars that show how far clients are."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from pynats_cli.commands.bench import bars, plan
from pynats_cli.commands.bench.options import BenchOptions


@pytest.mark.parametrize(
    ("seconds", "done", "columns", "shown"),
    [
        (None, 0, 32, "Receiving    --- [--------]   0%"),
        (2, 46, 32, "Receiving     2s [==>-----]  46%"),
        (0, 1, 32, "Receiving     0s [--------]   1%"),
        (12, 100, 32, "Finished     12s [========] 100%"),
        (12, 120, 32, "Finished     12s [========] 100%"),
        (1, 50, 30, "Receiving     1s  50%"),
        (1, 50, 8, "Receivin"),
    ],
)
def test_a_bar(seconds: int | None, done: int, columns: int, shown: str) -> None:
    assert bars.bar("Receiving", seconds, done, 100, columns) == shown


def test_a_bar_is_at_most_so_wide() -> None:
    assert bars.bar("Publishing", 0, 100, 100, 200) == ("Finished      0s [" + 64 * "=" + "] 100%")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A terminal of 80x24; what was written to it."""
    written: list[str] = []

    class Terminal:
        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> None:
            written.append(text)

        def flush(self) -> None: ...

    monkeypatch.setattr(bars, "sys", SimpleNamespace(stderr=Terminal()))
    monkeypatch.setattr(bars, "terminal_size", lambda _: os.terminal_size((80, 24)))
    return written


def plan_of(clients: int) -> plan.Plan:
    return plan.Plan.of(plan.SUB, BenchOptions(clients=clients, msgs=10), subject="foo")


def test_bars_are_drawn_over(screen: list[str]) -> None:
    shown = bars.Bars(plan_of(2), True)
    shown.draw([0, 5])
    shown.draw([10, 10])
    first, second = screen
    assert [line.split(" [")[0] for line in first.splitlines()] == [
        "Receiving    ---", "Receiving     0s"
    ]  # fmt: skip
    assert second.startswith(2 * "\x1b[1A\x1b[2K" + "Finished      0s [")
    assert all(len(line) < 80 for line in first.splitlines())


def test_one_bar_for_more_than_the_screen_holds(screen: list[str]) -> None:
    shown = bars.Bars(plan_of(1_000), True)
    shown.draw([5] * 1_000)
    (line,) = screen[0].splitlines()
    assert line.startswith("Receiving     0s [") and line.endswith(" 50% (1,000 clients)")
    assert len(line) < 80


@pytest.mark.parametrize("asked", [True, False])
def test_no_bars_without_a_terminal_or_when_not_asked(
    asked: bool, screen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if asked:
        piped = SimpleNamespace(stderr=SimpleNamespace(isatty=lambda: False))
        monkeypatch.setattr(bars, "sys", piped)
    shown = bars.Bars(plan_of(1), asked)
    shown.draw([1])
    assert not shown.shown and screen == []
